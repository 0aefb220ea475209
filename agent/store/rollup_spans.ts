/** Lengths of the roll-ups' buckets, for how long each is kept, and what is summed up in them. */

const minuteUs = 60_000_000;
const dayUs = 1440 * minuteUs;

interface RollupSpan {
  readonly spanUs: number;
  /** Days that it is kept; null for as long as history goes (`--history-days`). */
  readonly days: number | null;
}

/** Each is a multiple of the one before. */
export const ROLLUP_SPANS: readonly RollupSpan[] = [
  { spanUs: minuteUs, days: 2 },
  { spanUs: 10 * minuteUs, days: 31 },
  { spanUs: 60 * minuteUs, days: null },
  { spanUs: dayUs, days: null },
];

/**
 * What rows are summed up by. `all`: everything, from the seconds. `windows`: windows that were judged, as packets, unusual ones among
 * them, as flows, and thousandths of a percent of the anomaly rate, as bytes in, of so many states as bytes out. The others from flows: `host` an address of the own networks
 * (both ends of a flow that has none), `service` the application or else the responder's port, `peer` the network of the end
 * outside (IPv4 /24, IPv6 /48), `country` its country, as far as the files of --geo-db knew it when the flow was written.
 */
export const ROLLUP_KINDS = ["all", "windows", "host", "service", "peer", "country"] as const;
export type RollupKind = typeof ROLLUP_KINDS[number];

/** Rows with a key that a bucket keeps when it is trimmed, and from how many on it is. */
export const rollupKeysKept = 50;
export const rollupKeysMax = 100;
/** The key of what was trimmed. */
export const otherKey = "";
