/** Which flows packets make whose addresses and ports are the same, by the virtual networks they are in. */
import { deepEqual } from "node:assert/strict";
import type { Flow } from "../records.ts";
import { FlowTable } from "./flow_table.ts";
import { makePacket, type PacketFields } from "./test_packets.ts";

/** Networks that a tag or two stand for; see decode/virtual_network.ts. */
const networks: Readonly<Record<string, number>> = { "-": 0, a: 10, b: 20, c: 5000 };
const flagBits: Readonly<Record<string, number>> = {
  S: 2,
  SA: 18,
  A: 16,
  PA: 24,
  FA: 17,
  R: 4,
  RA: 20,
};

/**
 * "> a SA 500 101": the client sends in network a; flags, sequence and acknowledgement of a segment without payload. "> a":
 * it sends a datagram.
 */
function flowsOf(lines: readonly string[], protocol = 6): Flow[] {
  const flows: Flow[] = [];
  const table = new FlowTable({ onEnd: (slot) => flows.push(table.flow(slot)) });
  lines.forEach((line, i) => {
    const [direction, network, letters, sequence, acknowledgement] = line.split(" ");
    const client = { source: "10.0.0.1", sourcePort: 40000 };
    const server = { source: "10.0.0.2", sourcePort: 7777 };
    const [own, peer] = direction === ">" ? [client, server] : [server, client];
    const fields: PacketFields = {
      ...own,
      destination: peer.source,
      destinationPort: peer.sourcePort,
      protocol: letters === undefined ? protocol : 6,
      payloadLength: letters === undefined ? 10 : 0,
      virtualNetwork: networks[network],
      ...(letters !== undefined && {
        flags: flagBits[letters],
        sequence: Number(sequence),
        acknowledgement: Number(acknowledgement ?? 0),
      }),
    };
    const packet = makePacket(fields);
    packet.vlanId = networks[network] || -1;
    table.update(packet, 1e15 + i * 1000, 60, 0);
  });
  table.end();
  return flows.sort((a, b) => a.id - b.id);
}

/** A whole connection whose ends send in these networks. */
function connection(client: string, server: string, start: number): string[] {
  return [
    `> ${client} S ${start}`,
    `< ${server} SA ${start * 2} ${start + 1}`,
    `> ${client} A ${start + 1} ${start * 2 + 1}`,
    `> ${client} FA ${start + 1} ${start * 2 + 1}`,
    `< ${server} FA ${start * 2 + 1} ${start + 2}`,
    `> ${client} A ${start + 2} ${start * 2 + 2}`,
  ];
}

function zip(first: readonly string[], second: readonly string[]): string[] {
  return first.flatMap((line, i) => [line, second[i]]);
}

/** Name, packets, packets of originator and responder of each flow, its VLAN. */
const cases: readonly [
  string,
  readonly string[],
  readonly (readonly [number, number, number])[],
][] = [
  ["two tenants", zip(connection("a", "a", 1e6), connection("b", "b", 9e6)), [[4, 2, 10], [
    4,
    2,
    20,
  ]]],
  [
    "a tenant without a tag and one with",
    zip(connection("-", "-", 1e6), connection("b", "b", 9e6)),
    [[4, 2, -1], [4, 2, 20]],
  ],
  ["two tenants with the same numbers", zip(connection("a", "a", 1e6), connection("b", "b", 1e6)), [
    [4, 2, 10],
    [4, 2, 20],
  ]],
  ["a tag or two", zip(connection("a", "a", 1e6), connection("c", "c", 9e6)), [[4, 2, 10], [
    4,
    2,
    5000,
  ]]],
  ["a tag on the client's side", connection("a", "-", 1e6), [[4, 2, 10]]],
  ["a tag on the server's side", connection("-", "a", 1e6), [[4, 2, 10]]],
  ["a side in each VLAN", connection("a", "b", 1e6), [[4, 2, 10]]],
  ["one tag on one side, two on the other", connection("a", "c", 1e6), [[4, 2, 10]]],
  ["a tag on one side, seen from the middle", connection("-", "a", 1e6).slice(2), [[3, 1, 10]]],
  ["a tag on one side, the answer first", ["< a SA 500 101", "> - S 100", "> - A 101 501"], [[
    2,
    1,
    10,
  ]]],
  ["a tag that comes later on one side", [
    "> - S 100",
    "< - SA 500 101",
    "> - A 101 501",
    "> a A 101 501",
    "< - A 501 101",
  ], [[3, 2, 10]]],
  ["a refusal in another VLAN", ["> a S 100", "< b RA 0 101"], [[1, 1, 10]]],
  ["tenants, the second one's answer alone", [
    "> a S 100",
    "< b SA 900000000 800000001",
    "< a SA 500 101",
  ], [[1, 1, 10], [0, 1, 20]]],
  ["a SYN of another tenant", ["> a S 100", "< a SA 500 101", "> b S 800000000"], [[1, 1, 10], [
    1,
    0,
    20,
  ]]],
];

for (const [name, lines, expected] of cases) {
  Deno.test(`FlowTable tells networks apart over TCP: ${name}`, () => {
    const flows = flowsOf(lines).map((
      { origPkts, respPkts, vlanId },
    ) => [origPkts, respPkts, vlanId]);
    deepEqual(flows, expected);
  });
}

/** As above, over UDP. */
const datagrams: typeof cases = [
  ["two tenants", ["> a", "> b", "< a", "< b", "> a", "> b"], [[2, 1, 10], [2, 1, 20]]],
  ["a tag on one side", ["> -", "< a", "> -", "< a"], [[2, 2, 10]]],
  ["a side in each VLAN", ["> a", "< b", "> a", "< b"], [[2, 2, 10]]],
  ["tenants that begin from both sides", ["> a", "< b", "< a", "> b", "< b", "> a"], [[2, 2, 10], [
    1,
    1,
    20,
  ]]],
  ["a broadcast in each VLAN", ["> a", "> b", "> c", "> -", "> a", "> b", "> c", "> -"], [
    [2, 0, 10],
    [2, 0, 20],
    [2, 0, 5000],
    [2, 0, -1],
  ]],
];

for (const [name, lines, expected] of datagrams) {
  Deno.test(`FlowTable tells networks apart over UDP: ${name}`, () => {
    const flows = flowsOf(lines, 17).map((
      { origPkts, respPkts, vlanId },
    ) => [origPkts, respPkts, vlanId]);
    deepEqual(flows, expected);
  });
}

Deno.test("FlowTable gives the flows of two tenants one Community ID and their own ends", () => {
  const flows = flowsOf(zip(connection("a", "a", 1e6), connection("b", "b", 9e6)));
  deepEqual(flows.map(({ connState }) => connState), ["SF", "SF"]);
  deepEqual(new Set(flows.map(({ communityId }) => communityId)).size, 1);
});

Deno.test("FlowTable keeps flows of one key in thousands of networks apart", () => {
  const flows: Flow[] = [];
  const table = new FlowTable({ onEnd: (slot) => flows.push(table.flow(slot)) });
  const fields = {
    source: "0.0.0.0",
    destination: "255.255.255.255",
    protocol: 17,
    sourcePort: 68,
    destinationPort: 67,
  };
  for (let round = 0; round < 3; round++) {
    for (let virtualNetwork = 0; virtualNetwork < 20_000; virtualNetwork++) {
      table.update(makePacket({ ...fields, virtualNetwork }), 1e15 + round, 300, 0);
    }
  }
  table.end();
  deepEqual([flows.length, flows.every(({ origPkts }) => origPkts === 3)], [20_000, true]);
});

Deno.test("FlowTable goes on telling networks apart after the first flow of a key has ended", () => {
  const table = new FlowTable({ onEnd: () => {} });
  const client = {
    source: "10.0.0.1",
    destination: "10.0.0.2",
    protocol: 17,
    sourcePort: 4000,
    destinationPort: 7777,
  };
  const take = (virtualNetwork: number, second: number) =>
    table.update(makePacket({ ...client, virtualNetwork }), 1e15 + second * 1e6, 60, 0);
  const first = take(10, 0);
  const second = take(20, 0);
  take(20, 60);
  table.advance(1e15 + 70e6);
  deepEqual(table.activeCount, 1);
  deepEqual([take(20, 71) === second, first !== second], [true, true]);
  const next = take(10, 72);
  deepEqual([next !== second, take(20, 73) === second, take(10, 74) === next], [true, true, true]);
});
