import { ParameterError } from "../../(_server)/parameters.ts";
import { previewJson, previewMute, readMute, refusedField } from "../../(_server)/mutes.ts";
import { errorJson } from "../../(_server)/plain_answers.ts";
import { readFields } from "../../(_server)/request_body.ts";
import { define } from "../../(_server)/state.ts";
import { muteRow } from "../../../agent/store/alert_rows.ts";

/**
 * Mutes, newest first, with how many alerts each has held back. POST makes one of the fields kind, source, destination, port, until and note; with `preview=1` in the
 * address it only says what of the last seven days it would have held back. What is refused names its field.
 */
export const handler = define.handlers({
  async GET({ state }) {
    const { alerts, queries } = state.context;
    const held = await queries.mutedCounts();
    const mutes = alerts.mutes.map((mute) => ({ ...muteRow(mute), held: held.get(mute.id) ?? 0 }));
    return Response.json({ mutes });
  },
  async POST(ctx) {
    const { context } = ctx.state;
    try {
      const mute = readMute(await readFields(ctx.req), Date.now() * 1000);
      if (ctx.url.searchParams.get("preview") === "1") {
        return Response.json(previewJson(await previewMute(context, mute)));
      }
      const made = await context.alerts.addMute(mute);
      return Response.json(muteRow(made), { status: 201 });
    } catch (error) {
      if (error instanceof ParameterError || error instanceof RangeError) {
        const { message } = error;
        return Response.json({ error: message, field: refusedField(message) }, { status: 400 });
      }
      if (error instanceof Error && !("status" in error)) return errorJson(503, error.message);
      throw error;
    }
  },
});
