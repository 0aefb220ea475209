import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Transport } from "../records.ts";
import { Direction, SecondCounter } from "./second_counter.ts";

const context = {
  newFlows: 1,
  activeFlows: 2,
  activeHosts: 3,
  drops: { kernel: 5, interface: 0, queue: 1 },
};

Deno.test("SecondCounter counts a second by transport and direction and the drops since the last", () => {
  const counter = new SecondCounter();
  strictEqual(counter.roll(10_300_000, context), null);
  counter.add(Transport.tcp, 100, Direction.in);
  counter.add(Transport.udp, 50, Direction.out);
  counter.add(Transport.icmpv6, 20, Direction.internal);
  counter.add(Transport.arp, 42, Direction.passing);
  strictEqual(counter.isOver(10_999_999), false);
  strictEqual(counter.isOver(9_000_000), false);
  strictEqual(counter.isOver(11_000_000), true);
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
  strictEqual(counter.roll(13_000_000, { ...context, drops })?.kernelDrops, 0);
});
