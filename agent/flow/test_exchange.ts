/** TCP exchanges for the tests of this folder, written as lines. */
import type { Flow } from "../records.ts";
import { FlowTable } from "./flow_table.ts";
import { makePacket } from "./test_packets.ts";

/**
 * "> SA seq ack [length] [window]": `>` client to server, `<` back; flags S A F R P U, or - for none. Each segment
 * comes a millisecond after the one before.
 */
export function flowsOfExchange(
  segments: readonly string[],
  clientPort = 40000,
  serverPort = 7777,
): Flow[] {
  const flows: Flow[] = [];
  const table = new FlowTable({ onEnd: (slot) => flows.push(table.flow(slot)) });
  segments.forEach((text, i) => {
    const [direction, letters, ...numbers] = text.split(" ");
    const [sequence, acknowledgement = 0, payloadLength = 0, window = 64240] = numbers.map(Number);
    const isClient = direction === ">";
    const packet = makePacket({
      source: isClient ? "10.0.0.1" : "10.0.0.2",
      destination: isClient ? "10.0.0.2" : "10.0.0.1",
      protocol: 6,
      sourcePort: isClient ? clientPort : serverPort,
      destinationPort: isClient ? serverPort : clientPort,
      flags: flagsOf(letters),
      sequence,
      acknowledgement,
      payloadLength,
      window,
    });
    table.update(packet, 1e15 + i * 1000, 54 + payloadLength, 0);
  });
  table.end();
  return flows;
}

function flagsOf(letters: string): number {
  const bits: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, "-": 0 };
  return [...letters].reduce((flags, letter) => flags | bits[letter], 0);
}
