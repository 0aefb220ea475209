/** Ends a session. */
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({
  POST(ctx) {
    const response = ctx.redirect("/login", 303);
    response.headers.set("set-cookie", ctx.state.gate.endSession(ctx.req));
    return response;
  },
});
