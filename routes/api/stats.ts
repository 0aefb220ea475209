import type { TrafficSeries } from "../../components/traffic_series.ts";
import { toWire } from "../../components/wire.ts";
import { attempt } from "../(_server)/lists.ts";
import { errorJson } from "../(_server)/plain_answers.ts";
import { askedRange, define, trafficSeries } from "../(_server)/state.ts";

/** The present state, and traffic over `?range=` (15m, 1h, 6h, 24h, 7d) in buckets. */
export const handler = define.handlers({
  GET({ state, url }) {
    const range = askedRange(url);
    const { value: series, error } = attempt<TrafficSeries | null>(
      () => trafficSeries(state, range),
      null,
    );
    if (series === null) return errorJson(503, error);
    return Response.json(toWire({ range: range.id, series, ...state.message }));
  },
});
