/** Brings what is new in the database into the spool: findings at once, flows in batches, or their sums by the minute. */
import type { FeedReader, FlowNews } from "./feed_reader.ts";
import { rollUp } from "./roll_up.ts";
import type { FeedPlace, Spool } from "./spool.ts";
import { AGENT_ROWS_MAX, type FleetLevel, type Rows } from "./wire.ts";

const flowsAtOnce = 20_000;
const flowsWaitMs = 5000;
const rollupsWaitMs = 60_000;
/** How often the place of flows that nobody wants is written down. */
const skippedWaitMs = 10_000;
/** Items of up to some 20 kB. */
const findingRowsMax = 20;

export class Feeder {
  readonly #reader: FeedReader;
  readonly #nowMs: () => number;
  /** Since when flows wait to be frozen; null when none do. */
  #waitingSinceMs: number | null = null;

  constructor(reader: FeedReader, nowMs: () => number) {
    this.#reader = reader;
    this.#nowMs = nowMs;
  }

  /**
   * Takes what is due, all when `isLast`; without `takesFlows` flows stay where they are. Returns the row of the feed up to which all
   * has been read, null while there is no database. Throws Error.
   */
  feed(
    spool: Spool,
    { level, takesFlows, isLast = false }: {
      readonly level: FleetLevel;
      readonly takesFlows: boolean;
      readonly isLast?: boolean;
    },
  ): number | null {
    const database = this.#reader.open();
    if (database === null) return null;
    let { place } = spool;
    if (place.database !== database) place = { database, flowsId: 0, flows: -1, findingsId: 0 };
    for (let isMore = takesFlows; isMore;) {
      const before = place;
      place = this.#feedFlows(spool, place, { level, isLast });
      isMore = place !== before;
    }
    // Behind the flows, so that all findings before them have been read too.
    place = this.#feedFindings(spool, place);
    return place.flowsId;
  }

  #feedFindings(spool: Spool, place: FeedPlace): FeedPlace {
    for (;;) {
      const news = this.#reader.findingNews(place.findingsId);
      if (news === null) return place;
      const findings = this.#reader.findings(news);
      const incidents = this.#reader.incidents(news);
      place = { ...place, findingsId: news.throughId };
      const batches = [
        ...chunks(findings, findingRowsMax).map((rows) => ({ kind: "findings", rows }) as const),
        ...chunks(incidents, findingRowsMax).map((rows) => ({ kind: "incidents", rows }) as const),
      ];
      spool.put(batches, { place, nowUs: this.#nowMs() * 1000 });
    }
  }

  /** Returns the place as it was while nothing is due. */
  #feedFlows(
    spool: Spool,
    place: FeedPlace,
    { level, isLast }: { readonly level: FleetLevel; readonly isLast: boolean },
  ): FeedPlace {
    const news = this.#reader.flowNews(place.flowsId, flowsAtOnce);
    if (news === null) {
      this.#waitingSinceMs = null;
      return place;
    }
    const nowMs = this.#nowMs();
    this.#waitingSinceMs ??= nowMs;
    const isFull = news.ids.length >= (level === "flows" ? AGENT_ROWS_MAX : flowsAtOnce);
    const waitMs = { flows: flowsWaitMs, rollups: rollupsWaitMs, findings: skippedWaitMs }[level];
    if (!isFull && !isLast && nowMs - this.#waitingSinceMs < waitMs) return place;
    this.#waitingSinceMs = null;
    const { batches, missing } = this.#batches(news, level);
    // Before the first row of a database, nothing was meant for this spool.
    const skipped = place.flows < 0 ? 0 : news.flowsBefore - place.flows;
    const next = { ...place, flowsId: news.throughId, flows: news.flowsAfter };
    spool.put(batches, { place: next, nowUs: nowMs * 1000, givenUp: skipped + missing });
    return next;
  }

  #batches({ ids }: FlowNews, level: FleetLevel): { batches: Rows[]; missing: number } {
    if (level === "findings") return { batches: [], missing: 0 };
    const flows = chunks([...new Set(ids)], AGENT_ROWS_MAX)
      .flatMap((chunk) => this.#reader.flows(chunk));
    const missing = new Set(ids).size - flows.length;
    const batches: Rows[] = level === "flows"
      ? chunks(flows, AGENT_ROWS_MAX).map((rows) => ({ kind: "flows", rows }))
      : chunks(rollUp(flows), AGENT_ROWS_MAX).map((rows) => ({ kind: "rollups", rows }));
    return { batches, missing };
  }
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const parts: Item[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
