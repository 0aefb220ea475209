/**
 * Rows that ask for the process of a flow, doubles:
 *
 *     0  slot, id of the flow
 *     2  start in us
 *     3  IP protocol, 1 for IPv6, 1 where this host's end began it
 *     6  this host's port, the other's
 *     8  this host's address, the other's: four words each, as in Packet
 */
import type { AddressWords, SocketQuery } from "./socket_query.ts";

export const ASK_WORDS = 16;
/** Rows in a message. */
export const ASKS_MAX = 512;

export interface Ask {
  readonly slot: number;
  readonly id: number;
  readonly startUs: number;
  readonly isOriginator: boolean;
  readonly query: SocketQuery;
}

export function readAsk(rows: Float64Array, index: number): Ask {
  const row = rows.subarray(index * ASK_WORDS, (index + 1) * ASK_WORDS);
  return {
    slot: row[0]!,
    id: row[1]!,
    startUs: row[2]!,
    isOriginator: row[5] !== 0,
    query: {
      protocol: row[3]!,
      isIpv6: row[4] !== 0,
      localPort: row[6]!,
      remotePort: row[7]!,
      local: wordsAt(row, 8),
      remote: wordsAt(row, 12),
    },
  };
}

function wordsAt(row: Float64Array, at: number): AddressWords {
  return [row[at]!, row[at + 1]!, row[at + 2]!, row[at + 3]!];
}
