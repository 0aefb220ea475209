/** `/theme`, the theme switch without JavaScript. */
import { parseTheme, themeCookie } from "../components/theme.ts";
import { localPath } from "./(_server)/parameters.ts";
import { readForm } from "./(_server)/request_body.ts";
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({
  async POST(ctx) {
    const form = await readForm(ctx.req);
    const response = ctx.redirect(localPath(form.get("back")), 303);
    response.headers.set("set-cookie", themeCookie(parseTheme(String(form.get("theme")))));
    return response;
  },
});
