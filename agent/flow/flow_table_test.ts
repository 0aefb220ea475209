import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { Application, type Flow, Packet } from "../records.ts";
import { FlowModel, knownFields } from "./flow_model.ts";
import { FlowTable, type FlowTableOptions } from "./flow_table.ts";
import { makePacket, type PacketFields } from "./test_packets.ts";
import { DEFAULT_TIMEOUTS } from "./timeouts.ts";

const startUs = 1_700_000_000_000_000;
const second = 1_000_000;

interface Recorder {
  readonly table: FlowTable;
  readonly ended: Flow[];
}

function record(options: Omit<FlowTableOptions, "onEnd"> = {}): Recorder {
  const ended: Flow[] = [];
  const table = new FlowTable({ ...options, onEnd: (slot) => ended.push(table.flow(slot)) });
  return { table, ended };
}

function udp(fields: Partial<PacketFields> = {}): Packet {
  return makePacket({
    source: "10.0.0.1",
    destination: "10.0.0.2",
    protocol: 17,
    sourcePort: 40000,
    destinationPort: 7777,
    payloadLength: 100,
    ...fields,
  });
}

const answer = {
  source: "10.0.0.2",
  destination: "10.0.0.1",
  sourcePort: 7777,
  destinationPort: 40000,
};

Deno.test("FlowTable.update() says -1 to a packet without an IP header", () => {
  const { table } = record();
  equal(table.update(new Packet(), startUs, 60, 0), -1);
  equal(table.activeCount, 0);
});

Deno.test("FlowTable counts both directions of a UDP flow, with Zeek's S0 and SF", () => {
  const { table } = record();
  const slot = table.update(udp(), startUs, 142, 3);
  deepEqual([table.isNew, table.isOriginator, table.flow(slot).connState], [true, true, "S0"]);
  equal(table.update(udp({ ...answer, payloadLength: 0 }), startUs + 5, 42, 3), slot);
  deepEqual([table.isNew, table.isOriginator], [false, false]);
  const flow = table.flow(slot);
  deepEqual(
    [flow.connState, flow.history, flow.origPkts, flow.origBytes, flow.origWireBytes],
    ["SF", "Dd", 1, 100, 142],
  );
  deepEqual([flow.respPkts, flow.respBytes, flow.respWireBytes], [1, 0, 42]);
  deepEqual([flow.startUs, flow.endUs, flow.interfaceId, flow.vlanId], [
    startUs,
    startUs + 5,
    3,
    -1,
  ]);
  deepEqual([flow.id, flow.endReason, flow.rttUs], [1, "", -1]);
  deepEqual([table.packets(slot), table.wireBytes(slot), table.id(slot)], [2, 184, 1]);
});

Deno.test("FlowTables that share traffic number their flows in turns", () => {
  const idsOf = (index: number) => {
    const { table } = record({ part: { index, count: 3 } });
    return [1, 2, 3].map((port) =>
      table.id(table.update(udp({ sourcePort: port }), startUs, 142, 3))
    );
  };
  deepEqual([0, 1, 2].map(idsOf), [[1, 4, 7], [2, 5, 8], [3, 6, 9]]);
});

Deno.test("FlowTable gives ICMP type and counterpart as ports, and OTH", () => {
  const { table } = record();
  const icmp = { protocol: 1, sourcePort: 8, destinationPort: 0, payloadLength: 56 };
  const slot = table.update(udp(icmp), startUs, 98, 0);
  equal(table.update(udp({ ...answer, ...icmp, sourcePort: 0 }), startUs, 98, 0), slot);
  const flow = table.flow(slot);
  deepEqual([flow.proto, flow.origP, flow.respP, flow.connState, flow.history], [
    "icmp",
    8,
    0,
    "OTH",
    "",
  ]);
});

Deno.test("FlowTable puts later fragments into the flow of their first", () => {
  const { table } = record();
  const first = udp();
  first.isFragment = 1;
  first.ipIdentification = 4711;
  const later = udp({ sourcePort: -1, destinationPort: -1 });
  later.isFragment = 1;
  later.isLaterFragment = 1;
  later.ipIdentification = 4711;
  const slot = table.update(first, startUs, 1514, 0);
  equal(table.update(later, startUs + 1, 1514, 0), slot);
  equal(table.isOriginator, true);
  later.ipIdentification = 4712;
  const other = table.update(later, startUs + 2, 1514, 0);
  ok(other !== slot);
  deepEqual([table.flow(other).origP, table.flow(other).respP], [0, 0]);
});

Deno.test("FlowTable forgets a datagram's ports after a minute", () => {
  const { table } = record();
  const first = udp();
  first.isFragment = 1;
  first.ipIdentification = 4711;
  const slot = table.update(first, startUs, 1514, 0);
  const later = udp({ sourcePort: -1, destinationPort: -1 });
  Object.assign(later, { isFragment: 1, isLaterFragment: 1, ipIdentification: 4711 });
  equal(table.update(later, startUs + 59 * second, 1514, 0), slot);
  ok(table.update(later, startUs + 61 * second, 1514, 0) !== slot);
});

Deno.test("FlowTable ends flows that are silent for longer than their timeout", () => {
  const cases: readonly [Partial<PacketFields>, number, string][] = [
    [{}, DEFAULT_TIMEOUTS.udpUs, "idle"],
    [{ protocol: 1, sourcePort: 8 }, DEFAULT_TIMEOUTS.icmpUs, "idle"],
    [{ protocol: 47, sourcePort: -1 }, DEFAULT_TIMEOUTS.otherUs, "idle"],
    [{ protocol: 6, flags: 2 }, DEFAULT_TIMEOUTS.tcpAttemptUs, "idle"],
    [{ protocol: 6, flags: 16 }, DEFAULT_TIMEOUTS.tcpIdleUs, "idle"],
    [{ protocol: 6, flags: 4 }, DEFAULT_TIMEOUTS.tcpClosedUs, "closed"],
  ];
  for (const [fields, timeoutUs, reason] of cases) {
    const { table, ended } = record();
    table.update(udp(fields), startUs, 142, 0);
    table.advance(startUs + timeoutUs);
    deepEqual([table.activeCount, ended.length], [1, 0]);
    table.advance(startUs + timeoutUs + 1);
    deepEqual([table.activeCount, ended.map((flow) => flow.endReason)], [0, [reason]]);
  }
});

Deno.test("FlowTable begins a new flow after the timeout also when nobody advanced", () => {
  const { table, ended } = record();
  table.update(udp(), startUs, 142, 0);
  table.update(udp(), startUs + DEFAULT_TIMEOUTS.udpUs + 1, 142, 0);
  equal(table.isNew, true);
  deepEqual(ended.map((flow) => [flow.id, flow.endReason]), [[1, "idle"]]);
});

Deno.test("FlowTable keeps a flow over a step back and takes its latest time as the end", () => {
  const { table } = record();
  const slot = table.update(udp(), startUs, 142, 0);
  equal(table.update(udp(), startUs - 30 * second, 142, 0), slot);
  table.advance(startUs - 30 * second);
  deepEqual([table.flow(slot).startUs, table.flow(slot).endUs], [startUs, startUs]);
});

Deno.test("FlowTable survives single packets from far away without ending the others", () => {
  const { table, ended } = record();
  const slot = table.update(udp(), startUs, 142, 0);
  table.update(udp({ sourcePort: 1 }), 0, 142, 0);
  table.update(udp({ sourcePort: 2 }), startUs * 3, 142, 0);
  table.advance(startUs * 3);
  deepEqual(ended, []);
  equal(table.update(udp(), startUs + second, 142, 0), slot);
});

Deno.test("FlowTable ends the flows of a first recording once a second, older one goes on", () => {
  const { table, ended } = record();
  for (let i = 0; i < 5; i++) table.update(udp({ sourcePort: i }), startUs + i, 142, 0);
  for (let i = 0; i < 8; i++) table.update(udp({ sourcePort: 9 }), startUs / 2 + i, 142, 0);
  table.advance(startUs);
  deepEqual(ended.map((flow) => flow.origP), [0, 1, 2, 3, 4]);
  equal(table.activeCount, 1);
});

Deno.test("FlowTable cuts a long flow and keeps what belongs to the connection", () => {
  const { table, ended } = record();
  const tcp = (timeUs: number, flags: number, sequence: number) =>
    table.update(udp({ protocol: 6, flags, sequence, payloadLength: 10 }), timeUs, 64, 0);
  const slot = tcp(startUs, 2, 100);
  table.setApplication(slot, Application.tls);
  table.setName(slot, "example.org");
  const stepUs = 9 * second;
  let timeUs = startUs;
  let sequence = 101;
  while (ended.length === 0) tcp(timeUs += stepUs, 24, sequence += 10);
  equal(timeUs, startUs + 201 * stepUs);
  equal(table.isNew, true);
  tcp(timeUs, 24, sequence);
  const [piece] = ended;
  const rest = table.flow(slot);
  deepEqual([piece.endReason, piece.id, piece.origPkts, piece.origBytes], ["active", 1, 201, 2010]);
  deepEqual([rest.id, rest.origPkts, rest.startUs, rest.origBytes], [2, 2, timeUs, 10]);
  deepEqual([piece.history, rest.history, rest.origRetransmissions], ["SD", "DT", 1]);
  deepEqual([rest.communityId, rest.name, rest.service, rest.connState], [
    piece.communityId,
    "example.org",
    "tls",
    "S0",
  ]);
});

Deno.test("FlowTable evicts the longest idle flow when it is full, and counts it", () => {
  const { table, ended } = record({ flowCountMax: 3 });
  for (let i = 0; i < 3; i++) table.update(udp({ sourcePort: i }), startUs + i, 142, 0);
  table.update(udp({ sourcePort: 0 }), startUs + 3, 142, 0);
  table.update(udp({ sourcePort: 9, protocol: 6, flags: 2 }), startUs + 4, 142, 0);
  deepEqual(ended.map((flow) => [flow.origP, flow.endReason]), [[1, "evicted"]]);
  deepEqual([table.activeCount, table.totalCount, table.evictedCount], [3, 4, 1]);
});

Deno.test("FlowTable keeps every flow right while it grows from 1,024 to 100,000 slots", () => {
  const { table, ended } = record();
  const packet = udp();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 100_000; i++) {
      packet.source3 = i;
      table.update(packet, startUs + round, 100 + i % 7, 0);
    }
  }
  equal(table.activeCount, 100_000);
  table.end();
  equal(table.activeCount, 0);
  equal(new Set(ended.map((flow) => flow.origH)).size, 100_000);
  ok(ended.every((flow) => flow.origPkts === 2 && flow.endReason === "end"));
});

Deno.test("FlowTable takes freed slots again with nothing left in them", () => {
  const { table } = record({ flowCountMax: 1 });
  const slot = table.update(udp({ protocol: 6, flags: 2, sequence: 5 }), startUs, 142, 0);
  table.setName(slot, "old");
  table.setJa4(slot, "old");
  table.setApplication(slot, Application.tls);
  equal(table.update(udp({ source: "10.9.9.9" }), startUs, 142, 0), slot);
  const flow = table.flow(slot);
  deepEqual([flow.name, flow.ja4, flow.service, flow.history], ["", "", "", "D"]);
  deepEqual([flow.origPkts, flow.origBytes], [1, 100]);
});

Deno.test("FlowTable allows a dozen inspections of a flow, none once it is settled", () => {
  const { table } = record();
  const slot = table.update(udp(), startUs, 142, 0);
  let allowed = 0;
  while (table.takeInspection(slot)) allowed++;
  equal(allowed, 12);
  const other = table.update(udp({ sourcePort: 1 }), startUs, 142, 0);
  equal(table.takeInspection(other), true);
  table.markSettled(other);
  equal(table.takeInspection(other), false);
  equal(table.flow(other).history, "D");
});

Deno.test("FlowTable lists standing flows, and the newest by their last packet", () => {
  const { table } = record();
  for (let i = 0; i < 5; i++) table.update(udp({ sourcePort: i }), startUs + i, 142, 0);
  table.update(udp({ sourcePort: 9, protocol: 6, flags: 2 }), startUs + 5, 142, 0);
  table.update(udp({ sourcePort: 2 }), startUs + 6, 142, 0);
  const ports: number[] = [];
  table.forEachActive((slot) => ports.push(table.flow(slot).origP));
  deepEqual(ports.sort(), [0, 1, 2, 3, 4, 9]);
  deepEqual([...table.newestFirst()].slice(0, 3).map((slot) => table.flow(slot).origP), [2, 9, 4]);
});

Deno.test("FlowTable refuses a bound that makes no sense", () => {
  throws(() => new FlowTable({ flowCountMax: 0, onEnd: () => {} }), RangeError);
});

Deno.test("FlowTable agrees with the slow model on random traffic", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 400, size: "max" }),
      (steps) => compare(steps),
    ),
    { numRuns: 300 },
  );
});

Deno.test("FlowTable agrees with the slow model on one TCP connection of any numbers", () => {
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 30 }), (segments) => {
      const steps = [...handshake, ...segments].map((fields) => ({ ...brief, fields }));
      compare(steps);
    }),
    { numRuns: 1000, examples: [[onceRound]] },
  );
});

interface Step {
  readonly waitUs: number;
  readonly fields: PacketFields;
  readonly isAdvance: boolean;
  readonly advanceUs: number;
}

const address = fc.constantFrom("10.0.0.1", "10.0.0.2", "192.168.1.1");
const port = fc.constantFrom(443, 40000, 40001);
const wait = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 2 * second }) },
  { weight: 2, arbitrary: fc.integer({ min: -3 * second, max: 20 * second }) },
  { weight: 1, arbitrary: fc.integer({ min: -300 * second, max: 400 * second }) },
);
/** Near each other and far apart, on both sides of the wrap. */
const sequence = fc.tuple(
  fc.constantFrom(100, 200, 0x200000, 0x4200000, 0x80000000, 0xfffffffe),
  fc.nat(3),
).map(([base, step]) => (base + step) % 2 ** 32);
const ends = { protocol: 6, source: "10.0.0.1", destination: "10.0.0.2" };
const client = { ...ends, sourcePort: 40000, destinationPort: 443 };
const server = {
  protocol: 6,
  source: ends.destination,
  destination: ends.source,
  sourcePort: 443,
  destinationPort: 40000,
};
const handshake: readonly PacketFields[] = [
  { ...client, flags: 2, sequence: 99 },
  { ...server, flags: 18, sequence: 199, acknowledgement: 100 },
];
const segment: fc.Arbitrary<PacketFields> = fc.record({
  side: fc.constantFrom(client, server),
  flags: fc.constantFrom(16, 24, 24, 24, 17, 20),
  sequence,
  acknowledgement: sequence,
  payloadLength: fc.nat(3),
  virtualNetwork: fc.constantFrom(0, 0, 0, 10),
}).map(({ side, ...numbers }) => ({ ...side, ...numbers }));
/** Numbers of the server that go all the way round, to where they stood after its SYN. */
const onceRound: PacketFields[] = [
  { ...client, flags: 17, sequence: 100, acknowledgement: 100 },
  { ...server, flags: 17, sequence: 100, acknowledgement: 100 },
  { ...client, flags: 16, sequence: 100, acknowledgement: 200 },
  { ...client, flags: 17, sequence: 100, acknowledgement: 100 },
  { ...server, flags: 16, sequence: 0x200000, acknowledgement: 100 },
  { ...client, flags: 16, sequence: 100, acknowledgement: 100 },
];
const brief = { waitUs: 1000, isAdvance: false, advanceUs: 0 };
const transport = fc.oneof(
  fc.record({
    protocol: fc.constant(6),
    sourcePort: port,
    destinationPort: port,
    flags: fc.constantFrom(2, 18, 16, 16, 24, 24, 17, 20, 4, 0, 3),
    sequence,
    acknowledgement: sequence,
  }),
  fc.record({ protocol: fc.constant(17), sourcePort: port, destinationPort: port }),
  fc.record({
    protocol: fc.constant(1),
    sourcePort: fc.constantFrom(0, 8, 3),
    destinationPort: fc.constantFrom(0, 1),
  }),
  fc.record({ protocol: fc.constant(47) }),
);
const step: fc.Arbitrary<Step> = fc.record({
  waitUs: wait,
  fields: fc.tuple(
    fc.record({
      source: address,
      destination: address,
      payloadLength: fc.nat(3),
      virtualNetwork: fc.constantFrom(0, 0, 0, 10, 20, 65_000),
    }),
    transport,
  ).map(([ends, rest]) => ({ ...ends, ...rest })),
  isAdvance: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
  advanceUs: fc.integer({ min: 0, max: 30 * second }),
});

/** Every third table is so small that it evicts; the long timeouts are short enough to happen. */
function compare(steps: readonly Step[]): void {
  const timeouts = { ...DEFAULT_TIMEOUTS, tcpIdleUs: 40 * second, activeUs: 90 * second };
  const flowCountMax = steps.length % 3 === 0 ? 5 : 1000;
  const { table, ended } = record({ flowCountMax, timeouts });
  const model = new FlowModel(flowCountMax, timeouts);
  let nowUs = startUs;
  for (const { waitUs, fields, isAdvance, advanceUs } of steps) {
    nowUs += waitUs;
    const packet = makePacket(fields);
    const slot = table.update(packet, nowUs, 60 + packet.payloadLength, 0);
    const expected = model.update(packet, nowUs, 60 + packet.payloadLength)!;
    deepEqual(knownFields(table.flow(slot)), expected);
    deepEqual([table.isNew, table.isOriginator], [model.isNew, model.isOriginator]);
    if (isAdvance) {
      table.advance(nowUs + advanceUs);
      model.advance(nowUs + advanceUs);
    }
    deepEqual([table.activeCount, table.evictedCount], [model.activeCount, model.evictedCount]);
  }
  table.end();
  model.end();
  deepEqual(ended.map(knownFields), model.ended);
}
