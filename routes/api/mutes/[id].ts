import { localPath } from "../../(_server)/parameters.ts";
import { idOf } from "../../(_server)/one_thing.ts";
import { errorJson } from "../../(_server)/plain_answers.ts";
import { acceptsPage, readFields } from "../../(_server)/request_body.ts";
import type { State } from "../../(_server)/state.ts";
import { define } from "../../(_server)/state.ts";

/** DELETE lifts a mute; for forms, which cannot, so does a POST with `lift=1`. */
export const handler = define.handlers({
  async DELETE({ state, params }) {
    return await lift(state, params.id) ? new Response(null, { status: 204 }) : unknown(params.id);
  },
  async POST(ctx) {
    const fields = await readFields(ctx.req);
    if (fields.get("lift") !== "1") return errorJson(400, "Send lift=1 to lift the mute.");
    if (!await lift(ctx.state, ctx.params.id)) return unknown(ctx.params.id);
    return acceptsPage(ctx.req)
      ? ctx.redirect(fields.has("back") ? localPath(fields.get("back")) : "/alerts#mutes", 303)
      : new Response(null, { status: 204 });
  },
});

async function lift({ context }: State, text: string | undefined): Promise<boolean> {
  const id = idOf(text);
  return id !== null && await context.alerts.removeMute(id);
}

function unknown(text: string | undefined): Response {
  return errorJson(404, `There is no mute ${JSON.stringify((text ?? "").slice(0, 40))}.`);
}
