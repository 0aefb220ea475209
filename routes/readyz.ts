/** `/readyz`, for supervisors; needs no login. */
import { define } from "./(_server)/state.ts";

/** Packets come in and rows are written. */
export const handler = define.handlers({
  GET({ state }) {
    const { isReady } = state.context.live;
    return new Response(isReady ? "ready\n" : "not ready: the status page says why\n", {
      status: isReady ? 200 : 503,
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  },
});
