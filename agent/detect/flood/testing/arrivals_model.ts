/**
 * The counting of arrivals as a slow model that keeps them all; it knows nothing of numbered streams
 * and of answers that nobody asked for.
 */
import { Transport } from "../../../records.ts";
import { DESTINATIONS_MAX, FLOWS_MAX } from "../arrivals_layout.ts";
import { FloodKind, FLOODS } from "../kinds.ts";
import { Mark, type Observation, ObservationKind } from "../../observation.ts";

export const collectorPort = 514;
export const unaskedIcmp: readonly number[] = [8, 128];
const counted = Mark.isNew | Mark.isFirstOfSide | Mark.isFirstPayload | Mark.isFirstInWindow |
  Mark.isResumed |
  Mark.hasDoubled;

interface Arrival {
  readonly fromUs: number;
  readonly count: number;
  readonly port: number;
  readonly source: number;
  /** Most in one second, as far as this arrival says. */
  readonly peak: number;
}

export interface Destination {
  second: number;
  arrived: number;
  done: number;
  hotSeconds: number;
  refusedSecond: number;
  refusedPort: number;
  hotUs: number;
  lastUs: number;
  begunUs: number;
  isKnown: boolean;
  isOpen: boolean;
  run: Arrival[];
}

interface ModelFlow {
  packets: number;
  lastUs: number;
  isHot: boolean;
  isExcused: boolean;
}

/** What came of a flow since it was judged last. */
interface Stretch {
  readonly count: number;
  readonly rate: number;
  readonly fromUs: number;
  /** The flow's first packet is in it. */
  readonly isFirst: boolean;
}

/** What Boyer and Moore's vote takes for the commonest source, whether it has half of all, and whom it was not yet. */
export function voteSource(run: readonly Arrival[]) {
  let votes = 0;
  let value = 0;
  const others: number[] = [];
  for (const { source, count } of run) {
    if (votes > 0 && value === source) votes += count;
    else {
      others.push(source);
      if (votes <= 0) value = source;
      votes = votes <= 0 ? count : votes - count;
    }
  }
  return { value, isMost: votes * 2 >= totalOf(run), others: [...new Set(others)] };
}

/** The port that has half of all; -1 without one. A port that is outvoted leaves its debt to the next. */
export function votePort(run: readonly Arrival[]): number {
  let votes = 0;
  let value = 0;
  for (const { port, count } of run) {
    if (votes <= 0) value = port;
    votes += value === port ? count : -count;
  }
  return votes * 2 >= totalOf(run) ? value : -1;
}

export function totalOf(run: readonly Arrival[]): number {
  return run.reduce((total, { count }) => total + count, 0);
}

export class Model {
  /** By key, in order of use. */
  readonly destinations = new Map<string, Destination>();
  readonly flows = new Map<number, ModelFlow>();
  /** When somebody last sent something to somebody else, and whether of his own accord. */
  readonly talks = new Map<string, { second: number; hasBegun: boolean }>();
  readonly opened: [string, number, number][] = [];
  readonly closed: string[] = [];
  forgottenCount = 0;
  #oneSided = 0;
  #twoSided = 0;
  #hasBothSides = false;

  take(row: Observation): void {
    const isUdp = row.transport === Transport.udp;
    if (row.kind === ObservationKind.icmpError) {
      if (!isUdp) return;
      this.#hasBothSides = true;
      const refused = this.destinations.get(keyOf(FloodKind.udp, row));
      if (!refused) return;
      refused.refusedSecond = row.timestampUs / 1e6;
      refused.refusedPort = row.destinationPort;
    } else if (row.kind === ObservationKind.end) this.#end(row);
    else if (row.has(counted)) this.#contact(row);
  }

  #contact(row: Observation): void {
    const isSyn = (row.tcpFlags & 0x17) === 2;
    const isTcp = row.transport === Transport.tcp;
    if (isTcp || row.transport === Transport.udp) this.#noteTalk(row);
    if (isTcp && row.has(Mark.isFirstPayload) && !row.has(Mark.isNew)) {
      const others = row.has(Mark.sentByOriginator) ? row.respPackets : row.origPackets;
      if (others === 0) this.#oneSided++;
      else this.#twoSided++;
      if (others > 0) this.#hasBothSides = true;
    }
    const isUdp = row.transport === Transport.udp;
    if (!row.has(Mark.sentByOriginator) && !(isUdp && row.origPackets === 0)) {
      if (!isUdp || !row.has(Mark.isFirstPayload)) return;
      this.#hasBothSides = true;
      this.#done(`${FloodKind.udp} ${row.source3}`);
    } else if (row.transport === Transport.icmp) {
      if (unaskedIcmp.includes(row.sourcePort)) this.#arrival(FloodKind.icmp, row);
    } else if (isTcp) {
      if (isSyn) this.#arrival(FloodKind.syn, row);
      else if (row.has(Mark.isFirstPayload)) this.#done(keyOf(FloodKind.syn, row));
    } else if (row.transport === Transport.udp) this.#udp(row);
  }

  #noteTalk(row: Observation): void {
    if (row.has(Mark.isNew) || row.payloadLength === 0) return;
    const key = `${row.source3} ${row.destination3}`;
    const second = Math.floor(row.timestampUs / 1e6);
    const hasBegun = row.has(Mark.sentByOriginator) || (this.talks.get(key)?.hasBegun ?? false);
    this.talks.set(key, { second, hasBegun });
  }

  #udp(row: Observation): void {
    if (isDhcp(row)) this.#arrival(FloodKind.dhcp, row);
    else {
      if (row.has(Mark.isToMany) || isReport(row)) return;
      if (row.has(Mark.isNew) || endsOf(row).returned === 0) this.#arrival(FloodKind.udp, row);
    }
  }

  #arrival(kind: number, row: Observation): void {
    const isUdp = kind === FloodKind.udp;
    if (row.has(Mark.isNew)) {
      if (isUdp && this.#isWelcome(row)) this.#use(keyOf(kind, row), row);
      else this.#arrive(kind, row, { count: 1, rate: 0, fromUs: row.timestampUs, isFirst: false });
      return;
    }
    if (endsOf(row).sent < 64) return;
    const flow = this.#useFlow(row);
    if (isUdp) {
      flow.isExcused = !this.#isRefused(row) && (flow.isExcused || this.#isWelcome(row));
      if (flow.isExcused) {
        Object.assign(flow, { packets: endsOf(row).sent, lastUs: row.timestampUs });
        return;
      }
    }
    const stretch = takeStretch(flow, row, this.#flowLimit(kind, row), false);
    if (stretch !== null) this.#arrive(kind, row, stretch);
  }

  #end(row: Observation): void {
    const flow = this.flows.get(row.flowId);
    const kind = kindOfEnd(row);
    const destination = this.destinations.get(keyOf(kind, row));
    const { sent, returned } = endsOf(row);
    if (kind < 0 || kind === FloodKind.udp && returned > 0) return;
    this.flows.delete(row.flowId);
    if (!destination) return;
    const startUs = row.timestampUs - row.durationMs * 1000;
    if (flow) {
      if (flow.isExcused) return;
      const stretch = takeStretch(flow, row, this.#flowLimit(kind, row), true);
      if (stretch !== null) this.#arriveLate(kind, row, stretch, destination);
    } else if (sent > 1 && sent < 64 && isInRun(destination, startUs)) {
      if (kind === FloodKind.udp && this.#isWelcome(row)) return;
      const stretch = { count: sent, rate: 0, fromUs: startUs, isFirst: true };
      this.#arriveLate(kind, row, stretch, destination);
    }
  }

  #useFlow(row: Observation): ModelFlow {
    const found = this.flows.get(row.flowId);
    this.flows.delete(row.flowId);
    if (this.flows.size === FLOWS_MAX) this.flows.delete(this.flows.keys().next().value!);
    const lastUs = row.timestampUs - row.durationMs * 1000;
    const flow = found ?? { packets: 0, lastUs, isHot: false, isExcused: false };
    this.flows.set(row.flowId, flow);
    return flow;
  }

  #talk(row: Observation): { hasBegun: boolean } | undefined {
    const { sender, receiver } = endsOf(row);
    const talk = this.talks.get(`${receiver} ${sender}`);
    return talk && Math.floor(row.timestampUs / 1e6) - talk.second <= 300 ? talk : undefined;
  }

  #isWelcome(row: Observation): boolean {
    const talk = this.#talk(row);
    const { isFromOutside } = endsOf(row);
    return talk !== undefined && (talk.hasBegun || !isFromOutside);
  }

  #isRefused(row: Observation): boolean {
    const { refusedSecond = -1, refusedPort } = this.destinations.get(keyOf(FloodKind.udp, row)) ??
      {};
    return refusedPort === endsOf(row).receiverPort &&
      Math.abs(row.timestampUs / 1e6 - refusedSecond) < 10;
  }

  #perSecond(kind: number, destination?: Destination): number {
    const isUnseen = destination?.isKnown && !this.#hasBothSides;
    const isOneSided = this.#oneSided >= 4 && this.#oneSided >= 8 * this.#twoSided;
    return FLOODS[kind].perSecond * (kind === FloodKind.udp && (isOneSided || isUnseen) ? 10 : 1);
  }

  #flowLimit(kind: number, row: Observation): number {
    const perSecond = this.#perSecond(kind);
    if (kind !== FloodKind.udp || this.#isRefused(row)) return perSecond;
    return perSecond * (this.#talk(row) || !endsOf(row).isOriginator ? 100 : 10);
  }

  #arrive(kind: number, row: Observation, stretch: Stretch): void {
    const { seconds } = FLOODS[kind];
    const destination = this.#use(keyOf(kind, row), row);
    if (row.has(Mark.isNew)) destination.isKnown = row.application !== 0;
    const perSecond = this.#perSecond(kind, destination);
    turn(destination, row, perSecond);
    const count = countOf(destination, stretch);
    destination.arrived += count;
    const { arrived } = destination;
    add(destination, kind, row, { ...stretch, count });
    if (arrived < perSecond || destination.done >= arrived / 4) return;
    destination.hotUs = row.timestampUs;
    const isSustained = destination.hotSeconds + 1 >= seconds || arrived >= perSecond * 10 ||
      stretch.rate > 0 && arrived >= perSecond * seconds;
    if (isSustained) this.#open(destination, kind, row);
  }

  #arriveLate(kind: number, row: Observation, stretch: Stretch, destination: Destination): void {
    const perSecond = this.#perSecond(kind, destination);
    turn(destination, row, perSecond);
    const count = countOf(destination, stretch);
    add(destination, kind, row, { ...stretch, count });
    if (destination.isOpen) destination.hotUs = Math.max(destination.hotUs, row.timestampUs);
    else if (stretch.rate >= perSecond && count >= perSecond * FLOODS[kind].seconds) {
      this.#open(destination, kind, row);
    }
  }

  #open(destination: Destination, kind: number, row: Observation): void {
    const { run } = destination;
    // So few sources are never forged ones.
    const isScan = kind <= FloodKind.udp && totalOf(run) < 131_072 && votePort(run) < 0;
    if (isScan || destination.isOpen) return;
    destination.hotUs = row.timestampUs;
    destination.isOpen = true;
    this.opened.push([keyOf(kind, row), row.timestampUs, row.flowId]);
  }

  #use(key: string, { timestampUs }: Observation): Destination {
    const found = this.destinations.get(key);
    const fresh = { second: -1, arrived: 0, done: 0, hotSeconds: 0, refusedSecond: -1, hotUs: 0 };
    this.destinations.delete(key);
    if (this.destinations.size === DESTINATIONS_MAX) {
      const [oldest, { isOpen }] = this.destinations.entries().next().value!;
      this.destinations.delete(oldest);
      this.forgottenCount++;
      if (isOpen) this.closed.push(oldest);
    }
    const destination = found ??
      {
        ...fresh,
        refusedPort: -1,
        lastUs: 0,
        isOpen: false,
        isKnown: false,
        begunUs: timestampUs,
        run: [],
      };
    this.destinations.set(key, destination);
    return destination;
  }

  #done(key: string): void {
    const destination = this.destinations.get(key);
    if (destination) destination.done++;
  }
}

function takeStretch(
  flow: ModelFlow,
  row: Observation,
  limit: number,
  isEnd: boolean,
): Stretch | null {
  const { packets, lastUs } = flow;
  const seconds = (row.timestampUs - lastUs) / 1e6;
  const { sent } = endsOf(row);
  const count = sent - packets;
  const rate = count / Math.max(1, seconds);
  const isHot = rate >= limit;
  if (!isHot && seconds < 1 && !(isEnd && flow.isHot)) return null;
  Object.assign(flow, { packets: sent, lastUs: row.timestampUs });
  const isRest = !isHot && seconds < 1;
  flow.isHot = isHot;
  const isCounted = count > 0 && (isHot || isRest);
  return isCounted ? { count, rate, fromUs: lastUs, isFirst: packets === 0 } : null;
}

function kindOfEnd(row: Observation): number {
  if (row.transport === Transport.icmp) {
    return unaskedIcmp.includes(row.sourcePort) ? FloodKind.icmp : -1;
  }
  if (row.transport === Transport.udp) {
    return isDhcp(row) || isReport(row) ? -1 : FloodKind.udp;
  }
  const isSyns = row.origBytes === 0 && (row.originatorState & 7) === 1;
  return row.transport === Transport.tcp && isSyns ? FloodKind.syn : -1;
}

function isReport(row: Observation): boolean {
  const isInside = row.has(Mark.isSourceLocal) && row.has(Mark.isDestinationLocal);
  return isInside && endsOf(row).receiverPort === collectorPort;
}

function isDhcp(row: Observation): boolean {
  const { receiverPort, senderPort } = endsOf(row);
  return receiverPort === 67 && senderPort === 68;
}

/** Who has sent in the row's flow: at its end a responder, if the originator has said nothing. */
function endsOf(row: Observation) {
  const isEnd = row.kind === ObservationKind.end;
  const isOriginator = isEnd ? row.origPackets !== 0 : row.has(Mark.sentByOriginator);
  const isBySource = !isEnd || isOriginator;
  const addresses = [row.source3, row.destination3];
  const ports = [row.sourcePort, row.destinationPort];
  const packets = [row.origPackets, row.respPackets];
  const isLocal = [row.has(Mark.isSourceLocal), row.has(Mark.isDestinationLocal)];
  const [from, to] = isBySource ? [0, 1] : [1, 0];
  const [own, other] = isOriginator ? [0, 1] : [1, 0];
  return {
    isOriginator,
    sender: addresses[from],
    receiver: addresses[to],
    senderPort: ports[from],
    receiverPort: ports[to],
    sent: packets[own],
    returned: packets[other],
    isFromOutside: isLocal[to] && !isLocal[from],
  };
}

function isInRun({ run, begunUs }: Destination, startUs: number): boolean {
  return totalOf(run) > 0 && startUs >= begunUs;
}

export function firstOf(run: readonly Arrival[]): number {
  return Math.min(...run.map(({ fromUs }) => fromUs));
}

/** Packets of a stretch but for the first of the flow, if that was counted when it came. */
function countOf(destination: Destination, { count, fromUs, isFirst }: Stretch): number {
  return isFirst && isInRun(destination, fromUs) ? count - 1 : count;
}

function add(destination: Destination, kind: number, row: Observation, stretch: Stretch): void {
  const { count, rate, fromUs } = stretch;
  const { hotUs, arrived } = destination;
  const afterUs = row.timestampUs - hotUs;
  if (afterUs >= 0 && afterUs < 1e6) destination.lastUs = row.timestampUs;
  destination.run.push({
    fromUs,
    count,
    port: endsOf(row).receiverPort,
    source: kind === FloodKind.dhcp ? endsOf(row).receiver : endsOf(row).sender,
    peak: rate > 0 || row.kind === ObservationKind.end ? Math.floor(rate) : arrived,
  });
}

function turn(destination: Destination, { timestampUs }: Observation, perSecond: number): void {
  const second = Math.floor(timestampUs / 1e6);
  const { arrived, done } = destination;
  if (second <= destination.second && second > destination.second - 360) return;
  const wasHot = second === destination.second + 1 && arrived >= perSecond && done < arrived / 4;
  if (wasHot) destination.hotSeconds++;
  else {
    destination.hotSeconds = 0;
    if (!destination.isOpen) {
      Object.assign(destination, { run: [], hotUs: 0, lastUs: 0, begunUs: timestampUs });
    }
  }
  Object.assign(destination, { second, arrived: 0, done: 0 });
}

function keyOf(kind: number, row: Observation): string {
  return `${kind} ${kind === FloodKind.dhcp ? row.sourceMac : endsOf(row).receiver}`;
}
