/**
 * Floods: more new connections or packets a second at one destination than a service or a scan explains; limits in
 * flood_kinds.ts. A flood of one flow shows as doublings of its packet count, one with forged sources or counted-up
 * ports as a new flow with every packet.
 *
 * Many ports of one host from few sources are a scan, until more has come than a host has ports. What is answered
 * (busy servers, load tests, resolvers) and one-way streams (video, logs) below floodOfOneFlow are no floods.
 */
import { Transport } from "../records.ts";
import type { Detector, DetectorContext, Interest } from "./detector.ts";
import { floodFacts, FloodKind, FLOODS } from "./flood_kinds.ts";
import { FloodSlots } from "./flood_slots.ts";
import { type Incident, type IncidentFacts, Incidents } from "./incident.ts";
import { KeyedSlots } from "./keyed_slots.ts";
import { Mark, type Observation, ObservationKind } from "./observation.ts";
import { formatMac, keyAddress } from "./sentence.ts";

const secondUs = 1_000_000;
const quietUs = 60 * secondUs;
/** Flows with fewer packets are not looked at one by one: doublings are told from there on. */
const flowPacketsMin = 64;
/** A UDP flow that nothing answers needs this many times the limit, unless its packets are refused by ICMP. */
const unansweredFactor = 10;
/** Answered share above which it is no flood. */
const doneShareMax = 0.25;
/** More than a host has ports, twice. */
const scanMax = 2 * 65_536;
const forgedSourcesMin = 64;
/** ICMP(v6) messages that anyone may send unasked: echo, timestamp, mask, router solicitation and advertisement. */
const icmpTypes: ReadonlySet<number> = new Set([0, 8, 13, 17, 128, 129, 133, 134]);
/** Where many send and nothing answers: SNMP traps, syslog, flow export, StatsD, Jaeger, GELF, collectd. */
const collectorPorts: ReadonlySet<number> = new Set(
  [162, 514, 2055, 4739, 6343, 6831, 8125, 9995, 9996, 12201, 25826],
);
const dhcpServerPort = 67;
const dhcpClientPort = 68;

/** Key: destination (DHCP: the sender's MAC address), FloodKind. */
const keyWords = 5;
const capacity = 2048;
const flowCapacity = 1024;

/** Arrivals, what comes of them, and the moments of a flow in swing. */
const countedMarks = Mark.isNew | Mark.isFirstPayload | Mark.isFirstInWindow | Mark.isResumed |
  Mark.hasDoubled;

export class Flood implements Detector {
  readonly interests: readonly Interest[] = [
    { kind: ObservationKind.contact, marks: countedMarks },
    { kind: ObservationKind.icmpError, marks: 0 },
  ];
  readonly #context: DetectorContext;
  readonly #slots: KeyedSlots;
  readonly #state = new FloodSlots(capacity);
  readonly #flows = new KeyedSlots({ capacity: flowCapacity, keyWords: 1 });
  readonly #flowPackets = new Float64Array(flowCapacity);
  readonly #flowUs = new Float64Array(flowCapacity);
  readonly #incidents: Incidents;
  readonly #key = new Int32Array(keyWords);
  readonly #flowKey = new Int32Array(1);

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#incidents = new Incidents({
      context,
      kind: "flood",
      quietUs,
      capacity,
      keyWords,
      describe: (slot, incident) => this.#describe(slot, incident),
    });
    this.#slots = this.#incidents.keys;
  }

  get stateBytes(): number {
    return this.#slots.stateBytes + this.#state.stateBytes + this.#flows.stateBytes +
      this.#flowPackets.byteLength + this.#flowUs.byteLength;
  }
  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  observe(observation: Observation): void {
    if (observation.kind === ObservationKind.contact) {
      if (observation.transport === Transport.tcp) this.#tcp(observation);
      else if (observation.transport === Transport.udp) this.#udp(observation);
      else if (
        observation.transport === Transport.icmp || observation.transport === Transport.icmpv6
      ) this.#icmp(observation);
    } else if (observation.transport === Transport.udp) this.#refused(observation);
  }

  advance(nowUs: number): void {
    for (const slot of this.#incidents.slots) {
      const evidence = {
        timestampUs: this.#state.hotUs[slot],
        amount: this.#state.total[slot],
        flowId: 0,
      };
      this.#incidents.grow(slot, evidence);
    }
    this.#incidents.advance(nowUs);
  }
  finish(): void {
    this.#incidents.finish();
  }

  #tcp(observation: Observation): void {
    if (!observation.has(Mark.sentByOriginator)) return;
    const isSyn = (observation.tcpFlags & 0x17) === 0x02;
    if (isSyn && observation.has(Mark.isNew)) this.#arrive(FloodKind.syn, observation, 1);
    else if (isSyn) this.#oneFlow(FloodKind.syn, observation);
    else if (observation.has(Mark.isFirstPayload)) this.#done(FloodKind.syn, observation, 7);
  }

  #udp(observation: Observation): void {
    if (!observation.has(Mark.sentByOriginator)) {
      if (observation.has(Mark.isFirstPayload)) this.#done(FloodKind.udp, observation, 3);
      return;
    }
    const isDhcp = observation.destinationPort === dhcpServerPort &&
      observation.sourcePort === dhcpClientPort;
    const kind = isDhcp ? FloodKind.dhcp : FloodKind.udp;
    if (!isDhcp && (observation.has(Mark.isToMany) || isReport(observation))) return;
    if (observation.has(Mark.isNew)) this.#arrive(kind, observation, 1);
    else if (isDhcp || observation.respPackets === 0) this.#oneFlow(kind, observation);
  }

  #icmp(observation: Observation): void {
    if (!observation.has(Mark.sentByOriginator) || !icmpTypes.has(observation.sourcePort)) return;
    if (observation.has(Mark.isNew)) this.#arrive(FloodKind.icmp, observation, 1);
    else this.#oneFlow(FloodKind.icmp, observation);
  }

  /** A flow in swing: what has come of it since its last row. */
  #oneFlow(kind: number, observation: Observation): void {
    const { origPackets, timestampUs } = observation;
    if (origPackets < flowPacketsMin) return;
    this.#flowKey[0] = observation.flowId;
    const flow = this.#flows.add(this.#flowKey);
    if (this.#flows.isNew) {
      this.#flowPackets[flow] = 0;
      this.#flowUs[flow] = timestampUs - observation.durationMs * 1000;
    }
    const packets = origPackets - this.#flowPackets[flow];
    const seconds = Math.max(1, (timestampUs - this.#flowUs[flow]) / secondUs);
    this.#flowPackets[flow] = origPackets;
    this.#flowUs[flow] = timestampUs;
    const rate = packets / seconds;
    if (rate >= this.#flowLimit(kind, observation)) this.#arrive(kind, observation, packets, rate);
  }

  #flowLimit(kind: number, observation: Observation): number {
    const { perSecond } = FLOODS[kind];
    if (kind !== FloodKind.udp) return perSecond;
    this.#readKey(kind, observation, 7);
    const slot = this.#slots.find(this.#key);
    const isRefused = slot >= 0 &&
      Math.abs(observation.timestampUs / secondUs - this.#state.refusedSecond[slot]) < 10;
    return isRefused ? perSecond : perSecond * unansweredFactor;
  }

  /** `count` packets have come; `rate` (a second) when they are those of one flow. */
  #arrive(kind: number, observation: Observation, count: number, rate = 0): void {
    this.#readKey(kind, observation, 7);
    const slot = this.#slots.add(this.#key);
    const state = this.#state;
    if (this.#slots.isNew) state.reset(slot);
    this.#turnSecond(slot, kind, observation.timestampUs);
    state.arrived[slot] += count;
    if (state.total[slot] === 0) state.firstUs[slot] = observation.timestampUs;
    state.total[slot] += count;
    const peak = rate > 0 ? rate : state.arrived[slot];
    if (peak > state.peak[slot]) state.peak[slot] = peak;
    state.votePort(slot, observation.destinationPort, count);
    const sourceAt = observation.at + (kind === FloodKind.dhcp ? 7 : 3);
    state.voteSource(slot, observation.words, sourceAt, count);
    if (state.arrived[slot] >= FLOODS[kind].perSecond) this.#judge(slot, kind, observation, rate);
  }

  #judge(slot: number, kind: number, observation: Observation, rate: number): void {
    const state = this.#state;
    const { perSecond, seconds } = FLOODS[kind];
    const arrived = state.arrived[slot];
    if (state.done[slot] >= arrived * doneShareMax) return;
    state.hotUs[slot] = observation.timestampUs;
    const isSustained = state.hotSeconds[slot] + 1 >= seconds || arrived >= perSecond * 10 ||
      rate > 0 && arrived >= perSecond * seconds;
    if (!isSustained || this.#incidents.get(slot) || this.#isScan(slot, kind)) return;
    const { timestampUs, flowId } = observation;
    const evidence = { timestampUs, amount: state.total[slot], flowId };
    this.#incidents.open(slot, state.firstUs[slot], evidence);
  }

  #isScan(slot: number, kind: number): boolean {
    if (kind === FloodKind.icmp || kind === FloodKind.dhcp) return false;
    const state = this.#state;
    return !state.isOnePort(slot) && state.total[slot] < scanMax &&
      state.sourceCount(slot) < forgedSourcesMin;
  }

  #turnSecond(slot: number, kind: number, timestampUs: number): void {
    const state = this.#state;
    const second = Math.floor(timestampUs / secondUs);
    if (second === state.second[slot]) return;
    const arrived = state.arrived[slot];
    const wasHot = arrived >= FLOODS[kind].perSecond &&
      state.done[slot] < arrived * doneShareMax && second === state.second[slot] + 1;
    if (wasHot) state.hotSeconds[slot]++;
    else if (this.#incidents.get(slot)) state.hotSeconds[slot] = 0;
    else state.endRun(slot);
    state.second[slot] = second;
    state.arrived[slot] = 0;
    state.done[slot] = 0;
  }

  /** Something came of an arrival at the address that begins at word `word` of the row. */
  #done(kind: number, observation: Observation, word: number): void {
    this.#readKey(kind, observation, word);
    const slot = this.#slots.find(this.#key);
    if (slot >= 0) this.#state.done[slot]++;
  }

  #refused(observation: Observation): void {
    this.#readKey(FloodKind.udp, observation, 7);
    const slot = this.#slots.find(this.#key);
    if (slot >= 0) this.#state.refusedSecond[slot] = observation.timestampUs / secondUs;
  }

  /** `word`: where the destination's address begins in the row. */
  #readKey(kind: number, observation: Observation, word: number): void {
    const { words, at } = observation;
    const key = this.#key;
    const isDhcp = kind === FloodKind.dhcp;
    key[0] = isDhcp ? 0 : words[at + word];
    key[1] = isDhcp ? 0 : words[at + word + 1];
    key[2] = words[at + (isDhcp ? 24 : word + 2)];
    key[3] = words[at + (isDhcp ? 25 : word + 3)];
    key[4] = kind;
  }

  #describe(slot: number, incident: Incident): IncidentFacts {
    const state = this.#state;
    const kind = this.#slots.keyWord(slot, 4);
    const others = state.sources(slot).map((words) =>
      this.#context.formatAddress(words[0], words[1], words[2], words[3])
    );
    const peak = state.peak[slot];
    if (kind === FloodKind.dhcp) {
      const mac = formatMac(this.#slots.keyWord(slot, 2), this.#slots.keyWord(slot, 3));
      const target = others.length === 1 ? others[0] : `${others[0]} and others`;
      const flood = { kind, target, port: -1, sources: [mac], sourceCount: 1, peak };
      return { ...floodFacts(flood, incident), targets: others, targetCount: others.length };
    }
    const hasPorts = kind === FloodKind.syn || kind === FloodKind.udp;
    return floodFacts({
      kind,
      target: keyAddress(this.#context, this.#slots, slot, 0),
      port: hasPorts && state.isOnePort(slot) ? state.port[slot] : -1,
      sources: others,
      sourceCount: others.length === 1 ? 1 : Math.max(others.length, state.sourceCount(slot)),
      peak,
    }, incident);
  }
}

/** What a host inside sends to a collector inside. */
function isReport({ marks, destinationPort }: Observation): boolean {
  const inside = Mark.isSourceLocal | Mark.isDestinationLocal;
  return (marks & inside) === inside && collectorPorts.has(destinationPort);
}
