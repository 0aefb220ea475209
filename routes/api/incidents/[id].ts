import { define } from "../../(_server)/state.ts";
import { oneJson } from "../../(_server)/one_thing.ts";

/** One incident, with its findings: the list that each stands in, its role, and its row. */
export const handler = define.handlers({
  GET({ state, params }) {
    const { queries } = state.context;
    return oneJson("incident", params.id, async (id) => {
      const incident = await queries.incident(id);
      return incident && { ...incident, findings: await queries.incidentFindings(id) };
    });
  },
});
