/**
 * Timestamps of pcapng: a 64-bit count of ticks whose length each interface states (if_tsresol), plus an offset in
 * seconds (if_tsoffset). draft-ietf-opsawg-pcapng sections 4.2 and 4.3.
 */
import type { PacketBatch } from "../records.ts";

/** Last time that a double holds to the microsecond: in the year 2255. Times outside 0 to this are moved to the edge. */
const timestampUsMax = Number.MAX_SAFE_INTEGER;

/** How an interface counts time. */
export interface TickClock {
  readonly kind: "micro" | "nano" | "other";
  /** Ticks a second, for "other". */
  readonly ticksPerSecond: bigint;
  readonly offsetUs: number;
}

/** Microseconds, no offset: what an interface without options uses. */
export const defaultClock: TickClock = { kind: "micro", ticksPerSecond: 1_000_000n, offsetUs: 0 };

/** The clock of an if_tsresol byte: 10 to the minus its value, or with the top bit set, 2 to the minus the rest. */
export function createTickClock(resolution: number, offsetSeconds: bigint): TickClock {
  const exponent = BigInt(resolution & 0x7f);
  const ticksPerSecond = (resolution & 0x80 ? 2n : 10n) ** exponent;
  const kind = resolution === 6 ? "micro" : resolution === 9 ? "nano" : "other";
  return { kind, ticksPerSecond, offsetUs: Number(offsetSeconds) * 1e6 };
}

/** Writes the time of `high` * 2^32 + `low` ticks into row `row`. */
export function setTimestamp(
  batch: PacketBatch,
  row: number,
  clock: TickClock,
  high: number,
  low: number,
): void {
  let timestampUs: number;
  let nanosecond = 0;
  if (clock.kind === "micro") {
    timestampUs = high * 0x1_0000_0000 + low;
  } else if (clock.kind === "nano") {
    // 2^32 = 4294967 * 1000 + 296: dividing the halves apart keeps every step below 2^53.
    const rest = high * 296 + low;
    nanosecond = rest % 1000;
    timestampUs = high * 4_294_967 + (rest - nanosecond) / 1000;
  } else {
    const total = ((BigInt(high) << 32n) | BigInt(low)) * 1_000_000_000n / clock.ticksPerSecond;
    nanosecond = Number(total % 1000n);
    timestampUs = Number(total / 1000n);
  }
  timestampUs += clock.offsetUs;
  const isInRange = timestampUs >= 0 && timestampUs <= timestampUsMax;
  batch.timestampsUs[row] = isInRange ? timestampUs : timestampUs < 0 ? 0 : timestampUsMax;
  batch.nanoseconds[row] = isInRange ? nanosecond : 0;
}
