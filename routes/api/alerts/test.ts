import { errorJson } from "../../(_server)/plain_answers.ts";
import { acceptsPage } from "../../(_server)/request_body.ts";
import { define } from "../../(_server)/state.ts";

/** Sends a test through every channel; what each answers stands in the list of alerts. */
export const handler = define.handlers({
  POST(ctx) {
    const { alerts, live } = ctx.state.context;
    if (live.channels.length === 0) {
      return errorJson(409, "No channel is set up: see Alerts for what to add.");
    }
    const id = alerts.sendTest();
    return acceptsPage(ctx.req)
      ? ctx.redirect(`/alerts?test=${id}`, 303)
      : Response.json({ id }, { status: 202 });
  },
});
