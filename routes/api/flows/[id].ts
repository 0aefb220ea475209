import { placedRow } from "../../../agent/geo/places.ts";
import { readFlow } from "../../(_server)/flow_list.ts";
import { idOf } from "../../(_server)/one_thing.ts";
import { attempt } from "../../(_server)/lists.ts";
import { errorJson } from "../../(_server)/plain_answers.ts";
import { define } from "../../(_server)/state.ts";

/** One flow by its number, open or ended. */
export const handler = define.handlers({
  async GET({ state, params }) {
    const id = idOf(params.id);
    const { value, error } = await attempt(
      () => id === null ? Promise.resolve(null) : readFlow(state.context, id),
      null,
    );
    if (error !== "") return errorJson(503, error);
    if (value !== null) return Response.json(placedRow("flows", value));
    return errorJson(404, `There is no flow ${JSON.stringify((params.id ?? "").slice(0, 40))}.`);
  },
});
