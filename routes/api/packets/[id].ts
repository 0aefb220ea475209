import { errorJson } from "../../(_server)/plain_answers.ts";
import { attempt } from "../../(_server)/lists.ts";
import { idOf } from "../../(_server)/one_thing.ts";
import { readPacketPage } from "../../(_server)/packet_pages.ts";
import { define } from "../../(_server)/state.ts";

/** One packet by its number: its row, its fields as a tree, its bytes as hexadecimal digits; null and a reason where they are gone. */
export const handler = define.handlers({
  async GET({ state, params }) {
    const id = idOf(params.id);
    const { value, error } = await attempt(
      () => id === null ? Promise.resolve(null) : readPacketPage(state, id),
      null,
    );
    if (error !== "") return errorJson(503, error);
    if (value === null) {
      return errorJson(
        404,
        `There is no packet ${JSON.stringify((params.id ?? "").slice(0, 40))}.`,
      );
    }
    const { row, tree, captured, previous, next, gone } = value;
    return Response.json({
      ...row,
      previous_in_flow: previous,
      next_in_flow: next,
      layers: tree?.layers ?? null,
      note: tree?.note ?? null,
      bytes: captured?.bytes.toHex() ?? null,
      gone,
    });
  },
});
