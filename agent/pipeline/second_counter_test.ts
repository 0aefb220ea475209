import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TALLY_PLACES, TRANSPORT_COUNT } from "../hot/layout.ts";
import { Transport } from "../records.ts";
import { Direction, SecondCounter } from "./second_counter.ts";

const context = {
  newFlows: 1,
  activeFlows: 2,
  activeHosts: 3,
  drops: { kernel: 5, interface: 0, queue: 1 },
};

Deno.test("SecondCounter counts a second by transport and direction and the drops since the last", () => {
  const tally = new Float64Array(TALLY_PLACES);
  const counter = new SecondCounter(tally);
  const add = (transport: number, wireLength: number, direction: number) => {
    tally[transport] += 1;
    tally[TRANSPORT_COUNT + transport] += wireLength;
    tally[2 * TRANSPORT_COUNT + direction] += wireLength;
  };
  strictEqual(counter.roll(10_300_000, context), null);
  add(Transport.tcp, 100, Direction.in);
  add(Transport.udp, 50, Direction.out);
  add(Transport.icmpv6, 20, Direction.internal);
  add(Transport.arp, 42, Direction.passing);
  strictEqual(counter.endUs, 11_000_000);
  const drops = { kernel: 9, interface: 2, queue: 1 };
  deepStrictEqual(counter.roll(12_000_000, { ...context, drops }), {
    tsUs: 10_000_000,
    packets: 4,
    bytes: 212,
    inBytes: 100,
    outBytes: 50,
    internalBytes: 20,
    tcpPackets: 1,
    udpPackets: 1,
    icmpPackets: 1,
    otherPackets: 1,
    newFlows: 1,
    activeFlows: 2,
    activeHosts: 3,
    kernelDrops: 9,
    interfaceDrops: 2,
    queueDrops: 1,
  });
  add(Transport.tcp, 10, Direction.in);
  strictEqual(counter.roll(13_000_000, { ...context, drops })?.kernelDrops, 0);
  deepStrictEqual([counter.packets(Transport.tcp), counter.bytes(Transport.tcp)], [2, 110]);
  deepStrictEqual(counter.totals(), { packets: 5, bytes: 222 });
});
