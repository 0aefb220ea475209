/** `/healthz`, for supervisors; needs no login. */
import { define } from "./(_server)/state.ts";

/** The process answers. */
export const handler = define.handlers({
  GET: () => new Response("ok\n", { headers: { "content-type": "text/plain; charset=utf-8" } }),
});
