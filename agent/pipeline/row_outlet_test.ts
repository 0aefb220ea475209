import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { RowsMessage } from "../messages.ts";
import type { PacketRow } from "../records.ts";
import { RowOutlet, rowsMessageMax } from "./row_outlet.ts";

const row = { tsUs: 1 } as PacketRow;

/** An outlet joined to a store that keeps what it gets and acknowledges when told. */
function joined(isPatient: boolean) {
  const { port1, port2 } = new MessageChannel();
  const received: RowsMessage[] = [];
  const arrivals: (() => void)[] = [];
  port2.onmessage = (event: MessageEvent<RowsMessage>) => {
    received.push(event.data);
    arrivals.shift()?.();
  };
  const rooms: (() => void)[] = [];
  const outlet = new RowOutlet({ isPatient, takeHosts: () => [], onRoom: () => rooms.shift()?.() });
  outlet.join(port1);
  return {
    outlet,
    received,
    arrived: () => new Promise<void>((resolve) => arrivals.push(resolve)),
    acknowledge: () => {
      const room = new Promise<void>((resolve) => rooms.push(resolve));
      port2.postMessage({ type: "ack", sequence: 0 });
      return room;
    },
    acknowledgeLate: () => port2.postMessage({ type: "ack", sequence: 0 }),
    close: () => {
      port1.close();
      port2.close();
    },
  };
}

function add(outlet: RowOutlet, count: number): void {
  for (let i = 0; i < count; i++) outlet.addPacket(row);
}

Deno.test("RowOutlet sends full messages by itself and the rest when told", async () => {
  const { outlet, received, arrived, close } = joined(false);
  const first = arrived();
  add(outlet, rowsMessageMax + 5);
  await first;
  const second = arrived();
  outlet.send();
  await second;
  deepStrictEqual(received.map(({ packets }) => packets.length), [rowsMessageMax, 5]);
  deepStrictEqual(received.map(({ sequence }) => sequence), [0, 1]);
  close();
});

Deno.test("RowOutlet sheds packet rows and counts them when a live store falls behind", async () => {
  const { outlet, acknowledge, close } = joined(false);
  add(outlet, 16 * rowsMessageMax);
  strictEqual(outlet.canSend, false);
  add(outlet, rowsMessageMax + 7);
  strictEqual(outlet.packetRowsShed, 7);
  await acknowledge();
  outlet.send();
  strictEqual(outlet.isEmpty, true);
  strictEqual(outlet.packetRows, 17 * rowsMessageMax + 7);
  close();
});

Deno.test("RowOutlet of a file sheds nothing and says when to wait", async () => {
  const { outlet, acknowledge, close } = joined(true);
  add(outlet, 8 * rowsMessageMax);
  strictEqual(outlet.hasRoom, true);
  add(outlet, 20 * rowsMessageMax);
  strictEqual(outlet.hasRoom, false);
  strictEqual(outlet.packetRowsShed, 0);
  await acknowledge();
  outlet.send();
  strictEqual(outlet.isEmpty, false);
  close();
});

Deno.test("RowOutlet counts what was under way to a store that crashed", () => {
  const { outlet, close } = joined(false);
  add(outlet, 3 * rowsMessageMax);
  const { port1, port2 } = new MessageChannel();
  outlet.join(port1);
  strictEqual(outlet.packetRowsShed, 3 * rowsMessageMax);
  strictEqual(outlet.isUnderWay, false);
  for (const port of [port1, port2]) port.close();
  close();
});

Deno.test("RowOutlet takes nothing that a store says that was replaced for an answer of the next", async () => {
  const { outlet, acknowledgeLate, close } = joined(false);
  add(outlet, rowsMessageMax);
  const { port1, port2 } = new MessageChannel();
  const arrival = Promise.withResolvers<void>();
  port2.onmessage = () => arrival.resolve();
  acknowledgeLate();
  outlet.join(port1);
  add(outlet, rowsMessageMax);
  await arrival.promise;
  strictEqual(outlet.isUnderWay, true);
  for (const port of [port1, port2]) port.close();
  close();
});
