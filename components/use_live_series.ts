/** A traffic series that grows with the page's live seconds. */
import { useEffect, useState } from "preact/hooks";
import { latest, liveSeconds } from "./live.ts";
import { type LiveMessage, type Range, RANGES } from "./live_message.ts";
import { completeBuckets, extendSeries, type TrafficSeries } from "./traffic_series.ts";
import { pageNowUs } from "./verdict.ts";
import { fromWire } from "./wire.ts";

export interface LiveSeries {
  readonly initial: LiveMessage;
  readonly series: TrafficSeries;
  readonly range: Range;
}

/** The series to draw now: of complete buckets only. */
export function useLiveSeries({ initial, series, range }: LiveSeries): TrafficSeries {
  const message = latest.value ?? initial;
  const stored = useStoredSeries(series, range);
  const endUs = pageNowUs(message);
  if (range.id !== RANGES[0].id) return stored;
  const grown = extendSeries(series, liveSeconds.value, {
    endUs,
    countMax: range.spanS / range.bucketS,
  });
  return completeBuckets(grown, endUs);
}

/** Ranges of the database are asked for again when a new bucket is due. */
function useStoredSeries(series: TrafficSeries, range: Range): TrafficSeries {
  const [stored, setStored] = useState(series);
  useEffect(() => {
    if (range.id === RANGES[0].id) return;
    const timer = setInterval(async () => {
      if (document.hidden) return;
      const response = await fetch(`/api/stats?range=${range.id}`);
      if (!response.ok) return;
      setStored(fromWire<{ series: TrafficSeries }>(await response.json()).series);
    }, Math.max(15, range.bucketS) * 1000);
    return () => clearInterval(timer);
  }, []);
  return stored;
}
