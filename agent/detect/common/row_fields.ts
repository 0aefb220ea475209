/** For tests: rows of contacts, ends and ICMP errors from their fields, all of a contact's length. Addresses are IPv4. */
import { CONTACT_WORDS, Observation } from "../observation.ts";

export interface RowFields {
  readonly kind: number;
  readonly transport: number;
  readonly timestampUs: number;
  /** Addresses as numbers. */
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flowId: number;
  readonly marks: number;
  readonly tcpFlags?: number;
  readonly payloadLength?: number;
  /** Of the originator and of the responder. */
  readonly packets: readonly [number, number];
  readonly bytes: readonly [number, number];
  readonly durationMs: number;
  readonly application?: number;
  readonly mac?: number;
}

/** The words of rows, one after the other. */
export function wordsOfRows(rows: readonly RowFields[]): Int32Array {
  const all = new Int32Array(rows.length * CONTACT_WORDS);
  rows.forEach((row, index) => writeRow(all.subarray(index * CONTACT_WORDS), row));
  return all;
}

/** Shows each row to `take`. */
export function forEachRow(words: Int32Array, take: (observation: Observation) => void): void {
  const observation = new Observation();
  for (let at = 0; at < words.length;) {
    at = observation.read(words, at);
    take(observation);
  }
}

function writeRow(words: Int32Array, row: RowFields): void {
  words[0] = CONTACT_WORDS << 16 | row.transport << 8 | row.kind;
  words[1] = Math.floor(row.timestampUs / 1e6);
  words[2] = row.timestampUs % 1e6;
  words[5] = words[9] = 0xffff;
  words[6] = row.source;
  words[10] = row.destination;
  words[11] = row.sourcePort << 16 | row.destinationPort;
  words[12] = row.flowId;
  words[13] = row.marks;
  words[14] = (row.tcpFlags ?? 0) << 16;
  words[17] = row.payloadLength ?? 0;
  words.set([...row.packets, ...row.bytes, row.durationMs], 18);
  words[23] = (row.application ?? 0) << 16;
  words[25] = row.mac ?? 0;
}
