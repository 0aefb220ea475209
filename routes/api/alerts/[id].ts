import { define } from "../../(_server)/state.ts";
import { oneJson } from "../../(_server)/one_thing.ts";

/** One alert, with its deliveries. */
export const handler = define.handlers({
  GET({ state, params }) {
    const { queries } = state.context;
    return oneJson("alert", params.id, (id) => queries.alert(id));
  },
});
