import type { TrafficSeries } from "../../components/traffic_series.ts";
import { toWire } from "../../components/wire.ts";
import { lookItems, needLook } from "../(_server)/incident_pages.ts";
import { attempt } from "../(_server)/lists.ts";
import { errorJson } from "../(_server)/plain_answers.ts";
import { askedRange, define, trafficSeries } from "../(_server)/state.ts";

interface Asked {
  readonly series: TrafficSeries;
  readonly needLook: ReturnType<typeof needLook>;
}

/** The present state, what needs a look, and traffic over `?range=` (15m, 1h, 6h, 24h, 7d) in buckets. */
export const handler = define.handlers({
  async GET({ state, url }) {
    const range = askedRange(url);
    const { value, error } = await attempt<Asked | null>(async () => ({
      series: await trafficSeries(state, range),
      needLook: needLook((await lookItems(state)).length),
    }), null);
    if (value === null) return errorJson(503, error);
    return Response.json(toWire({ range: range.id, ...value, ...state.message }));
  },
});
