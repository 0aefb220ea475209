import { agentRow, findAgent, fleetOf } from "../../(_server)/fleet.ts";
import { attempt } from "../../(_server)/lists.ts";
import { decodedText } from "../../(_server)/one_thing.ts";
import { errorJson } from "../../(_server)/plain_answers.ts";
import { define } from "../../(_server)/state.ts";

/** One agent of a hub by its number, token or name. */
export const handler = define.handlers({
  async GET({ state, params }) {
    const fleet = fleetOf(state);
    const text = decodedText(params.id);
    const { value, error } = await attempt(async () => findAgent(await fleet.agents(), text), null);
    if (error !== "") return errorJson(503, error);
    if (value !== null) return Response.json(agentRow(value, state.message.nowUs));
    return errorJson(404, `There is no agent ${JSON.stringify(text.slice(0, 40))}.`);
  },
});
