import { fleetVerdict } from "../../components/fleet.ts";
import { toWire } from "../../components/wire.ts";
import { fleetOf } from "../(_server)/fleet.ts";
import { attempt } from "../(_server)/lists.ts";
import { errorJson } from "../(_server)/plain_answers.ts";
import { define } from "../(_server)/state.ts";

/** What the first line of a hub's pages says: do all agents report, and what else is wrong. */
export const handler = define.handlers({
  async GET({ state }) {
    const fleet = fleetOf(state);
    const { value, error } = await attempt(() => fleet.agents(), null);
    if (value === null) return errorJson(503, error);
    const clock = { nowUs: state.message.nowUs, zone: state.sensor.zone };
    return Response.json(toWire(fleetVerdict(value, fleet.hub(), clock)));
  },
});
