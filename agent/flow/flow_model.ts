/**
 * The flow table once more, slow and obvious, for tests: a Map with string keys, one object a flow, searches instead
 * of lists and hashes. It shares with the real one only tables: server ports and the pairing of ICMP
 * types. History and retransmissions are left out.
 */
import { type Flow, type FlowEndReason, type Packet, TRANSPORT_NAMES } from "../records.ts";
import { addressText } from "./address_text.ts";
import { originatorState, responderState, TcpEnd } from "./conn_state.ts";
import {
  isTcpAttempt,
  isTcpClosed,
  isTcpClosedByBoth,
  nextTcpStates,
  TCP_ACK,
  TCP_SYN,
} from "./model_tcp_states.ts";
import { icmpCounterpart } from "./five_tuple.ts";
import { ModelStream } from "./model_tcp_bytes.ts";
import type { FlowTimeouts } from "./timeouts.ts";
import { isSentByResponder } from "./model_roles.ts";
import { JUMP_US, TrafficClock } from "./model_clock.ts";

/** The fields of Flow that the model knows. */
export interface ModelFlow {
  id: number;
  startUs: number;
  endUs: number;
  readonly origH: string;
  readonly origP: number;
  readonly respH: string;
  readonly respP: number;
  readonly proto: string;
  origPkts: number;
  origBytes: number;
  origWireBytes: number;
  respPkts: number;
  respBytes: number;
  respWireBytes: number;
  endReason: FlowEndReason | "";
}

/** The fields of a flow that the model has. */
export function knownFields(flow: Flow): ModelFlow {
  const { id, startUs, endUs, origH, origP, respH, respP, proto, endReason } = flow;
  const { origPkts, origBytes, origWireBytes, respPkts, respBytes, respWireBytes } = flow;
  return {
    id,
    startUs,
    endUs,
    origH,
    origP,
    respH,
    respP,
    proto,
    origPkts,
    origBytes,
    origWireBytes,
    respPkts,
    respBytes,
    respWireBytes,
    endReason,
  };
}

interface Standing {
  readonly key: string;
  /** No other flow of the key stood when it began, or it took such a flow's place. */
  readonly isFirst: boolean;
  /** The virtual network of its first packet. */
  readonly home: number;
  /** The network that each end was last found to send in. */
  readonly networks: Map<string, number>;
  readonly flow: ModelFlow;
  readonly originator: string;
  states: number;
  /** What the originator and the responder have sent over TCP. */
  readonly streams: readonly [ModelStream, ModelStream];
  touched: number;
}

const kinds = ["attempt", "idle", "closed", "udp", "icmp", "other"] as const;
type Kind = typeof kinds[number];

export class FlowModel {
  readonly ended: ModelFlow[] = [];
  isNew = false;
  isOriginator = false;
  evictedCount = 0;
  readonly #timeouts: FlowTimeouts;
  readonly #flowCountMax: number;
  readonly #clock = new TrafficClock();
  #standing: Standing[] = [];
  /** Ends of datagrams by their identification, as the first fragment shows them. */
  readonly #fragments = new Map<string, readonly [number, number]>();
  #count = 0;
  #touches = 0;

  constructor(flowCountMax: number, timeouts: FlowTimeouts) {
    this.#flowCountMax = flowCountMax;
    this.#timeouts = timeouts;
  }

  get activeCount(): number {
    return this.#standing.length;
  }

  update(packet: Packet, timestampUs: number, wireLength: number): ModelFlow | null {
    this.isNew = false;
    this.#clock.see(timestampUs);
    if (packet.ipVersion === 0) return null;
    const ends = this.#endsOf(packet);
    const key = keyOf(packet, ends);
    const found = this.#find(key, ends.source, packet);
    const isOver = found !== undefined && this.#endIfOver(found, ends.source, packet, timestampUs);
    const standing = found === undefined || isOver
      ? this.#begin({ key, ends, packet, timestampUs, isFirst: found?.isFirst })
      : found;
    this.#tally(standing, ends.source, packet, wireLength);
    standing.flow.endUs = Math.max(standing.flow.endUs, timestampUs);
    standing.touched = ++this.#touches;
    return standing.flow;
  }

  advance(timestampUs: number): void {
    this.#clock.advance(timestampUs);
    for (const kind of kinds) {
      for (const standing of this.#byTouch(kind)) {
        if (!this.#isSilent(standing, this.#clock.nowUs)) break;
        this.#end(standing, kind === "closed" ? "closed" : "idle");
      }
    }
  }

  end(): void {
    for (const kind of kinds) {
      for (const standing of this.#byTouch(kind)) this.#end(standing, "end");
    }
  }

  /** The flow that the packet belongs to, by the rules of agent/hot/assembly/flow_lookup.ts. */
  #find(key: string, source: string, packet: Packet): Standing | undefined {
    const network = packet.virtualNetwork;
    const ofKey = this.#standing.filter((standing) => standing.key === key);
    const first = ofKey.find(({ isFirst }) => isFirst);
    const isAsBefore = first?.networks.get(source) === network;
    const found =
      isAsBefore || (first && !first.networks.has(source) && peerNetwork(first, source) === network)
        ? first
        : ofKey.find(({ isFirst, home }) => !isFirst && home === network) ??
          (first && isOfSameFlow(first, source, packet) ? first : undefined);
    found?.networks.set(source, network);
    return found;
  }

  /** Ends the packet's flow and returns true when it goes no further; cuts it when it is old. */
  #endIfOver(standing: Standing, source: string, packet: Packet, timestampUs: number): boolean {
    if (this.#isSilent(standing, timestampUs)) {
      this.#end(standing, kindOf(standing) === "closed" ? "closed" : "idle");
      return true;
    }
    if (isReuse(standing, source, packet)) {
      this.#end(standing, "closed");
      return true;
    }
    if (timestampUs - standing.flow.startUs > this.#timeouts.activeUs) {
      this.ended.push({ ...standing.flow, endReason: "active" });
      Object.assign(standing.flow, {
        id: ++this.#count,
        startUs: timestampUs,
        origPkts: 0,
        origBytes: 0,
        origWireBytes: 0,
        respPkts: 0,
        respBytes: 0,
        respWireBytes: 0,
      });
      this.isNew = true;
    }
    return false;
  }

  #begin({ key, ends, packet, timestampUs, ...rest }: Beginning): Standing {
    const isAlone = !this.#standing.some((standing) => standing.key === key && standing.isFirst);
    if (this.#standing.length === this.#flowCountMax) this.#evict();
    const isFlipped = isSentByResponder(packet);
    const [orig, resp] = isFlipped
      ? [ends.destinationEnd, ends.sourceEnd]
      : [ends.sourceEnd, ends.destinationEnd];
    const standing: Standing = {
      key,
      isFirst: rest.isFirst ?? isAlone,
      home: packet.virtualNetwork,
      networks: new Map([[ends.source, packet.virtualNetwork]]),
      originator: isFlipped ? ends.destination : ends.source,
      states: 0,
      streams: [new ModelStream(), new ModelStream()],
      touched: 0,
      flow: {
        id: ++this.#count,
        startUs: timestampUs,
        endUs: timestampUs,
        origH: orig[0],
        origP: orig[1],
        respH: resp[0],
        respP: resp[1],
        proto: TRANSPORT_NAMES[packet.transport],
        origPkts: 0,
        origBytes: 0,
        origWireBytes: 0,
        respPkts: 0,
        respBytes: 0,
        respWireBytes: 0,
        endReason: "",
      },
    };
    this.#standing.push(standing);
    this.isNew = true;
    return standing;
  }

  #tally(standing: Standing, source: string, packet: Packet, wireLength: number): void {
    const { flow } = standing;
    this.isOriginator = source === standing.originator;
    if (this.isOriginator) {
      flow.origPkts++;
      flow.origWireBytes += wireLength;
    } else {
      flow.respPkts++;
      flow.respWireBytes += wireLength;
    }
    if (flow.proto !== "tcp") addBytes(flow, this.isOriginator, packet.payloadLength);
    else if (packet.tcpFlags >= 0) this.#tallyTcp(standing, packet);
  }

  #tallyTcp(standing: Standing, packet: Packet): void {
    const { flow, states, streams } = standing;
    const { isOriginator } = this;
    const [own, peer] = isOriginator ? streams : streams.toReversed();
    const originator = originatorState(states);
    const responder = responderState(states);
    const bytes = isOriginator ? flow.origBytes : flow.respBytes;
    addBytes(flow, isOriginator, own.send(packet, isOriginator ? originator : responder, bytes));
    addBytes(flow, !isOriginator, peer.acknowledge(packet, isOriginator ? responder : originator));
    standing.states = nextTcpStates(
      states,
      isOriginator,
      packet.tcpFlags,
      packet.payloadLength > 0,
    );
  }

  #evict(): void {
    const first = kinds.flatMap((kind) => this.#byTouch(kind).slice(0, 1));
    const oldest = first.reduce((a, b) => b.flow.endUs < a.flow.endUs ? b : a);
    this.evictedCount++;
    this.#end(oldest, "evicted");
  }

  #end(standing: Standing, endReason: FlowEndReason): void {
    this.#standing = this.#standing.filter((other) => other !== standing);
    this.ended.push({ ...standing.flow, endReason });
  }

  #byTouch(kind: Kind): Standing[] {
    return this.#standing.filter((standing) => kindOf(standing) === kind)
      .sort((a, b) => a.touched - b.touched);
  }

  #isSilent(standing: Standing, timestampUs: number): boolean {
    const timeoutUs = timeoutOf(this.#timeouts, kindOf(standing));
    const ageUs = timestampUs - standing.flow.endUs;
    return ageUs > timeoutUs || ageUs < -timeoutUs - JUMP_US;
  }

  #endsOf(packet: Packet): Ends {
    let ports: readonly [number, number] = [packet.sourcePort, packet.destinationPort];
    const source = sourceText(packet);
    const destination = destinationText(packet);
    if (packet.isFragment === 1 && packet.ipIdentification !== -1) {
      const { ipProtocol, ipIdentification, virtualNetwork } = packet;
      const datagram = [source, destination, ipProtocol, ipIdentification, virtualNetwork].join();
      if (packet.isLaterFragment === 1) ports = this.#fragments.get(datagram) ?? ports;
      else if (ports[0] >= 0) this.#fragments.set(datagram, ports);
    }
    const isIcmp = packet.ipProtocol === 1 || packet.ipProtocol === 58;
    const counterpart = isIcmp && ports[0] >= 0 ? icmpCounterpart(packet.ipProtocol, ports[0]) : -1;
    const [sourcePort, destinationPort] = counterpart < 0 ? ports : [ports[0], counterpart];
    return {
      source: `${source} ${sourcePort}`,
      destination: `${destination} ${destinationPort}`,
      sourceEnd: [source, Math.max(sourcePort, 0)],
      destinationEnd: [destination, Math.max(destinationPort, 0)],
      isOneWay: isIcmp && ports[0] >= 0 && counterpart < 0,
    };
  }
}

interface Beginning {
  readonly key: string;
  readonly ends: Ends;
  readonly packet: Packet;
  readonly timestampUs: number;
  /** Of the flow whose place it takes. */
  readonly isFirst: boolean | undefined;
}

interface Ends {
  readonly source: string;
  readonly destination: string;
  readonly sourceEnd: readonly [string, number];
  readonly destinationEnd: readonly [string, number];
  readonly isOneWay: boolean;
}

function keyOf(packet: Packet, { source, destination, isOneWay }: Ends): string {
  const ends = isOneWay ? [source, "to", destination] : [source, destination].sort();
  return `${packet.ipVersion} ${packet.ipProtocol} ${ends.join(" ")}`;
}

function peerNetwork({ networks }: Standing, source: string): number | undefined {
  return [...networks].find(([end]) => end !== source)?.[1];
}

/** Whether a packet belongs to a flow although its end has not sent in its virtual network. */
function isOfSameFlow(standing: Standing, source: string, packet: Packet): boolean {
  const { virtualNetwork: network, tcpFlags: flags } = packet;
  const peer = peerNetwork(standing, source);
  if (standing.flow.proto !== "tcp" || flags < 0) {
    return !standing.networks.has(source) || peer === network;
  }
  const isOriginator = source === standing.originator;
  const [own, other] = isOriginator ? standing.streams : standing.streams.toReversed();
  const states = [originatorState(standing.states), responderState(standing.states)];
  const [isHeard, isPeerHeard] = (isOriginator ? states : states.toReversed())
    .map((state) => state !== TcpEnd.inactive);
  if ((flags & TCP_SYN) !== 0 && (flags & TCP_ACK) === 0) {
    return !isHeard && (network === 0 || peer === 0);
  }
  if (isHeard && !own.isNear(packet.tcpSequence)) return false;
  const isAnswer = (flags & TCP_ACK) !== 0 && isPeerHeard;
  return !isAnswer || other.isNear(packet.tcpAcknowledgement);
}

function kindOf({ flow, states }: Standing): Kind {
  if (flow.proto === "udp") return "udp";
  if (flow.proto === "icmp" || flow.proto === "icmpv6") return "icmp";
  if (flow.proto !== "tcp") return "other";
  if (isTcpClosed(states)) return "closed";
  return isTcpAttempt(states) ? "attempt" : "idle";
}

function timeoutOf(timeouts: FlowTimeouts, kind: Kind): number {
  return {
    attempt: timeouts.tcpAttemptUs,
    idle: timeouts.tcpIdleUs,
    closed: timeouts.tcpClosedUs,
    udp: timeouts.udpUs,
    icmp: timeouts.icmpUs,
    other: timeouts.otherUs,
  }[kind];
}

function addBytes(flow: ModelFlow, isOriginator: boolean, count: number): void {
  if (isOriginator) flow.origBytes += count;
  else flow.respBytes += count;
}

/** A SYN that begins another connection of the same ports. */
function isReuse(standing: Standing, source: string, packet: Packet): boolean {
  if (packet.tcpFlags < 0 || (packet.tcpFlags & TCP_SYN) === 0) return false;
  const { states, streams } = standing;
  const isOriginator = source === standing.originator;
  const isSameNumber = streams[isOriginator ? 0 : 1].isStartedBy(packet.tcpSequence);
  const originator = originatorState(states);
  const responder = responderState(states);
  const isHeard = (isOriginator ? originator : responder) !== TcpEnd.inactive;
  if ((packet.tcpFlags & TCP_ACK) !== 0) {
    return !isOriginator && originator === TcpEnd.inactive && !isSameNumber;
  }
  if (isTcpClosedByBoth(states)) return true;
  if (isHeard) return !isSameNumber;
  const isSynAckBefore = isOriginator && responder === TcpEnd.established;
  const isSimultaneous = !isOriginator && originator === TcpEnd.synSent;
  return !isSynAckBefore && !isSimultaneous;
}

function sourceText(packet: Packet): string {
  const { source0, source1, source2, source3, ipVersion } = packet;
  return wordsText([source0, source1, source2, source3], ipVersion);
}

function destinationText(packet: Packet): string {
  const { destination0, destination1, destination2, destination3, ipVersion } = packet;
  return wordsText([destination0, destination1, destination2, destination3], ipVersion);
}

function wordsText(words: readonly number[], ipVersion: number): string {
  const bytes = words.flatMap((word) => [24, 16, 8, 0].map((shift) => word >>> shift & 255));
  return addressText(new Uint8Array(ipVersion === 6 ? bytes : bytes.slice(12)));
}
