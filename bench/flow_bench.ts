/**
 * The flow table alone: decoded packets into flows, beside a `Map` from a string of the 5-tuple to an object with
 * counters, which knows no TCP states, no timeouts and no bound.
 */
import { FlowTable } from "../agent/flow/flow_table.ts";
import { Packet, Transport } from "../agent/records.ts";
import {
  type Contestant,
  formatCount,
  printSection,
  size,
  takeTurnsWarm,
  time,
  timesTable,
} from "./harness.ts";
import { type Endpoints, makeConversations, seededRandom } from "./packet_data.ts";

interface MapFlow {
  packets: number;
  bytes: number;
  reversePackets: number;
  reverseBytes: number;
  readonly firstUs: number;
  lastUs: number;
}

const packets = size(1_000_000, 100_000);
const rounds = size(5, 2);
const flowCounts = [1000, size(200_000, 20_000)];
const seed = 2;
const wireLength = 500;

const contestants = flowCounts.flatMap(contestantsFor);
const results = await takeTurnsWarm(contestants, rounds);
printSection({
  title: "flow: the flow table alone",
  blocks: [
    `${
      formatCount(packets)
    } decoded packets, a microsecond apart, in both directions of flows chosen at random ` +
    `(seed ${seed}), three of four TCP; a new table each run.`,
    timesTable(results, { unit: "packets" }),
  ],
  targets: [],
});

function contestantsFor(flowCount: number): Contestant[] {
  const traffic = makeTraffic(flowCount);
  const flows = `${formatCount(flowCount)} flows`;
  return [
    {
      name: `tapwatch, ${flows}`,
      operations: packets,
      run: () => time(() => runTable(traffic, flowCount)),
    },
    {
      name: "`Map` with string keys, " + flows,
      operations: packets,
      run: () => time(() => runMap(traffic, flowCount)),
    },
  ];
}

/** Which conversation each packet is of; negative (its complement) for the way back. */
interface Traffic {
  readonly conversations: readonly Endpoints[];
  readonly choices: Int32Array;
}

function makeTraffic(flowCount: number): Traffic {
  const random = seededRandom(seed);
  const choices = Int32Array.from({ length: packets }, () => {
    const conversation = random(flowCount);
    return random(2) === 0 ? conversation : ~conversation;
  });
  return { conversations: makeConversations(flowCount, seed), choices };
}

function runTable({ conversations, choices }: Traffic, flowCount: number): number {
  let ended = 0;
  const table = new FlowTable({ onEnd: () => ended++ });
  const packet = new Packet();
  packet.ipVersion = 4;
  packet.source2 = packet.destination2 = 0xffff;
  packet.payloadLength = packet.payloadCapturedLength = 0;
  for (let index = 0; index < packets; index++) {
    fillPacket(packet, conversations, choices[index]);
    table.update(packet, index, wireLength, 0);
    if (index % 16_384 === 0) table.advance(index);
  }
  const standing = table.activeCount;
  check(standing, flowCount);
  table.end();
  return ended;
}

function fillPacket(packet: Packet, conversations: readonly Endpoints[], choice: number): void {
  const isBack = choice < 0;
  const { source, destination, sourcePort, destinationPort, isTcp } =
    conversations[isBack ? ~choice : choice];
  packet.source3 = isBack ? destination : source;
  packet.destination3 = isBack ? source : destination;
  packet.sourcePort = isBack ? destinationPort : sourcePort;
  packet.destinationPort = isBack ? sourcePort : destinationPort;
  packet.transport = isTcp ? Transport.tcp : Transport.udp;
  packet.ipProtocol = isTcp ? 6 : 17;
  packet.tcpFlags = isTcp ? 0x10 : -1;
}

function runMap({ conversations, choices }: Traffic, flowCount: number): number {
  const flows = new Map<string, MapFlow>();
  const packet = new Packet();
  for (let index = 0; index < packets; index++) {
    fillPacket(packet, conversations, choices[index]);
    countInMap(flows, packet, index);
  }
  check(flows.size, flowCount);
  return flows.size;
}

/** Addresses stay numbers here; a key of address texts takes longer still. */
function countInMap(flows: Map<string, MapFlow>, packet: Packet, nowUs: number): void {
  const { source3, destination3, sourcePort, destinationPort, ipProtocol } = packet;
  const isBack = source3 > destination3 ||
    source3 === destination3 && sourcePort > destinationPort;
  const key = isBack
    ? `${destination3}:${destinationPort}-${source3}:${sourcePort}/${ipProtocol}`
    : `${source3}:${sourcePort}-${destination3}:${destinationPort}/${ipProtocol}`;
  let flow = flows.get(key);
  if (flow === undefined) {
    flow = {
      packets: 0,
      bytes: 0,
      reversePackets: 0,
      reverseBytes: 0,
      firstUs: nowUs,
      lastUs: nowUs,
    };
    flows.set(key, flow);
  }
  flow.lastUs = nowUs;
  if (isBack) {
    flow.reversePackets++;
    flow.reverseBytes += wireLength;
  } else {
    flow.packets++;
    flow.bytes += wireLength;
  }
}

/** With few packets a flow some conversations have none. */
function check(found: number, flowCount: number): void {
  if (found > flowCount || found < flowCount * 0.9) {
    throw new Error(`There are ${found} flows of ${flowCount}`);
  }
}
