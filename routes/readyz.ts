/** `/readyz`, for supervisors; needs no login. */
import { define } from "./(_server)/state.ts";

/** The first source is open. */
export const handler = define.handlers({
  GET({ state }) {
    const { isReady } = state.context.live;
    return new Response(isReady ? "ready\n" : "no source is open yet\n", {
      status: isReady ? 200 : 503,
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  },
});
