import { firstContactFilter, listAnswer } from "../../(_server)/lists.ts";
import { readFirstContacts } from "../../(_server)/host_pages.ts";
import { define } from "../../(_server)/state.ts";

/** What devices did for the first time, newest first: kind (device, service, peer), device, from, to, limit, cursor, format. */
export const handler = define.handlers({
  GET(ctx) {
    const { queries } = ctx.state.context;
    return listAnswer(
      "first_contacts",
      ctx,
      (query) => readFirstContacts(queries, firstContactFilter(query)),
    );
  },
});
