/** `/metrics`, for Prometheus. */
import { metricsText } from "./(_server)/metrics_text.ts";
import { hubFigures } from "./(_server)/fleet.ts";
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({
  GET({ state }) {
    const { live, fleet } = state.context;
    return new Response(
      metricsText(
        live,
        state.hub.clientCount,
        fleet && hubFigures([...state.agents?.values() ?? []], fleet.hub(), Date.now() * 1000),
      ),
      {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      },
    );
  },
});
