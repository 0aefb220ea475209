import { idOf } from "../../../(_server)/one_thing.ts";
import { errorJson } from "../../../(_server)/plain_answers.ts";
import { acceptsPage, readFields } from "../../../(_server)/request_body.ts";
import { define } from "../../../(_server)/state.ts";

/** Ends the need to look at an incident; with `undo=1` begins it again. A form comes back to the incident's page. */
export const handler = define.handlers({
  async POST(ctx) {
    const { queries, alerts } = ctx.state.context;
    const id = idOf(ctx.params.id);
    if (id === null || await queries.incident(id) === null) {
      return errorJson(404, `There is no incident ${JSON.stringify(ctx.params.id?.slice(0, 40))}.`);
    }
    const fields = await readFields(ctx.req);
    await alerts.acknowledge(id, fields.get("undo") !== "1");
    if (acceptsPage(ctx.req)) return ctx.redirect(`/incidents/${id}`, 303);
    return Response.json(await queries.incident(id));
  },
});
