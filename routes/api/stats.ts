import type { Overview } from "../../components/overview.ts";
import { toWire } from "../../components/wire.ts";
import { lookItems, needLook } from "../(_server)/incident_pages.ts";
import { attempt } from "../(_server)/lists.ts";
import { askedView, readOverview } from "../(_server)/overview.ts";
import { errorJson } from "../(_server)/plain_answers.ts";
import { define } from "../(_server)/state.ts";

interface Asked extends Overview {
  readonly needLook: ReturnType<typeof needLook>;
}

/**
 * The present state, what needs a look, and of a range (`range`: 15m, 1h, 6h, 24h, 7d, 30d, or `from` and `to`) and a search of flows
 * (`q`): traffic in buckets, and `history`, the sums by host, service and network; `compare=week` adds the week before.
 */
export const handler = define.handlers({
  async GET({ state, url }) {
    const view = askedView(url);
    const { value, error, status } = await attempt<Asked | null>(async () => ({
      ...await readOverview(state, view),
      needLook: needLook((await lookItems(state)).length),
    }), null);
    if (value === null) return errorJson(status === 400 ? 400 : 503, error);
    return Response.json(toWire({ range: view.range.id, ...value, ...state.message }));
  },
});
