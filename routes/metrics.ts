/** `/metrics`, for Prometheus. */
import { metricsText } from "./(_server)/metrics_text.ts";
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({
  GET({ state }) {
    return new Response(
      metricsText(state.context.live, state.hub.clientCount),
      {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      },
    );
  },
});
