import { define } from "../../(_server)/state.ts";
import { oneJson } from "../../(_server)/one_thing.ts";

/** One incident, with its findings: the list that each stands in, its role, and its row. */
export const handler = define.handlers({
  GET({ state, params }) {
    const { queries } = state.context;
    return oneJson("incident", params.id, (id) => {
      const incident = queries.incident(id);
      return incident && { ...incident, findings: queries.incidentFindings(id) };
    });
  },
});
