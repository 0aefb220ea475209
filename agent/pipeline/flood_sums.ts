/**
 * Flows of a flood, between the flow table and the rows: of those that one target has left unanswered within a second the first
 * ROWS_PER_TARGET are rows of their own, the others one row together (decision 0024). A target is a destination address, its port,
 * transport and application; once more than SOURCES_PER_HOST sources have sent to a host in that second, other targets there are
 * one, whatever the port. The second is that of a flow's last packet, and each device has targets of its own.
 *
 *     a flow -> its group, by second and target -> one of the first: as it is
 *            |                                  '> one more: into the group's sum, which is a row when the group closes
 *            '> of no group yet, to a host that so many send to: into the host's sum
 *
 * A group closes when nothing has come for it during a whole turn(), for flows of one kind end in the order of their last packets.
 *
 * Memory: 2 × 20,000 groups at 200 bytes, and in all sums and hosts 20,000 sources at 200 each: 16 MB, and 1 KB for each sum, of
 * which there is one for twenty flows. Where more groups are open a turn comes sooner.
 */
import type { Flow, SummedSource } from "../records.ts";

/** Unanswered flows of a second and target that are rows of their own. */
export const ROWS_PER_TARGET = 20;
/** From so many packets on the device book takes datagrams of a host for talk, answered or not; see contactOf() there. */
const talkPacketsMin = 4;
const groupsMax = 20_000;
/** Of unanswered flows to a host that are more than ROWS_PER_TARGET in a second: from so many on they are a flood and no scan. */
export const SOURCES_PER_HOST = 100;
/** Sources that a sum tells apart, and all sums that are open. */
export const SOURCES_PER_SUM = 100;
const sourcesMax = 20_000;
const secondUs = 1_000_000;
/** State of a sum of flows whose states are not the same: what they have in common is that nothing answered. */
const mixedState = "S0";

type Writable<T> = { -readonly [name in keyof T]: T[name] };

interface Group {
  /** Of all targets of a host, and not of one. */
  readonly isHost: boolean;
  flows: number;
  sum: Sum | null;
  /** Of a host: so many have sent there that it is a flood. */
  isFlooded: boolean;
  /** Of a host with more flows than ROWS_PER_TARGET that is not flooded yet: those that sent them. */
  senders: Set<string> | null;
}

/** The row so far; what is not the same of all flows is as if it had not been seen. */
interface Sum {
  readonly row: Writable<Flow>;
  flows: number;
  readonly sources: Map<string, Writable<SummedSource>>;
}

interface Last {
  readonly second: number;
  readonly flow: Flow;
  readonly host: Group;
  readonly group: Group;
}

export class FloodSums {
  /** Flows that are in no row of their own. */
  summedCount = 0;
  readonly #write: (flow: Flow) => void;
  #groups = new Map<string, Group>();
  /** Those for which nothing has come since the last turn. */
  #resting = new Map<string, Group>();
  /** Those of the flow before, which in a flood are those of the next. */
  #last: Last | null = null;
  #sourceCount = 0;
  /** Of all hosts. */
  #senderCount = 0;

  /** `write` takes each flow that is to be a row, and each sum once its group closes. */
  constructor(write: (flow: Flow) => void) {
    this.#write = write;
  }

  /** Groups that are open. */
  get groupCount(): number {
    return this.#groups.size + this.#resting.size;
  }

  /** Takes a flow that has ended; `isContinued` when it is a later piece of one that was cut. */
  add(flow: Flow, isContinued: boolean): void {
    if (flow.respPkts > 0 || isContinued || flow.endReason === "active" || isTalk(flow)) {
      return this.#write(flow);
    }
    const group = this.#groupOf(flow);
    if (!group.isHost) {
      group.flows++;
      if (group.flows <= ROWS_PER_TARGET) return this.#write(flow);
    }
    if (group.sum === null) group.sum = { row: { ...flow }, flows: 1, sources: new Map() };
    else addTo(group.sum, flow);
    this.#addSource(group.sum, flow);
  }

  /** Closes the groups for which nothing has come since the last turn. Call it about once a second. */
  turn(): void {
    const closed = this.#resting;
    this.#resting = this.#groups;
    this.#groups = new Map();
    this.#last = null;
    for (const { sum, senders } of closed.values()) {
      if (sum !== null) this.#writeSum(sum);
      this.#senderCount -= senders?.size ?? 0;
    }
  }

  /** Closes all groups. */
  flush(): void {
    this.turn();
    this.turn();
  }

  /** That of its target, or of its host. */
  #groupOf(flow: Flow): Group {
    // Before any of them is looked for: what is closed takes nothing more.
    if (this.#groups.size >= groupsMax) this.turn();
    const second = Math.floor(flow.endUs / secondUs);
    const { respH, respP, proto, service, interfaceId } = flow;
    const last = this.#last?.second === second && isSameHost(this.#last.flow, flow)
      ? this.#last
      : null;
    const host = last?.host ?? this.#findGroup(`${second} ${interfaceId} ${proto} ${respH}`, true);
    host.flows++;
    if (host.flows > ROWS_PER_TARGET && !host.isFlooded) this.#addSender(host, flow);
    if (last !== null && isSameTarget(last.flow, flow)) return last.group;
    const key = `${second} ${interfaceId} ${proto} ${respP} ${service} ${respH}`;
    const group = host.isFlooded ? this.#known(key) ?? host : this.#findGroup(key, false);
    this.#last = { second, flow, host, group };
    return group;
  }

  #findGroup(key: string, isHost: boolean): Group {
    const known = this.#known(key);
    if (known !== undefined) return known;
    const group = { isHost, flows: 0, sum: null, isFlooded: false, senders: null };
    this.#groups.set(key, group);
    return group;
  }

  #known(key: string): Group | undefined {
    const group = this.#groups.get(key);
    if (group !== undefined) return group;
    const resting = this.#resting.get(key);
    if (resting === undefined) return undefined;
    this.#resting.delete(key);
    this.#groups.set(key, resting);
    return resting;
  }

  #addSender(host: Group, { origH }: Flow): void {
    const senders = host.senders ??= new Set();
    if (senders.has(origH) || this.#senderCount >= sourcesMax) return;
    senders.add(origH);
    this.#senderCount++;
    if (senders.size < SOURCES_PER_HOST) return;
    host.isFlooded = true;
    host.senders = null;
    this.#senderCount -= senders.size;
  }

  #addSource({ sources }: Sum, flow: Flow): void {
    const source = sources.get(sourceKey(flow)) ?? this.#newSource(sources, flow);
    source.flows++;
    source.origPkts += flow.origPkts;
    source.origWireBytes += flow.origWireBytes;
  }

  /** Of the flow's originator, or of all others once there are as many as there may be. */
  #newSource(sources: Sum["sources"], { origH, isOrigLocal }: Flow): Writable<SummedSource> {
    const isNamed = sources.size < SOURCES_PER_SUM && this.#sourceCount < sourcesMax;
    const name = isNamed ? origH : "";
    const source = { origH: name, isOrigLocal, flows: 0, origPkts: 0, origWireBytes: 0 };
    const key = sourceKey(source);
    const known = sources.get(key);
    if (known !== undefined) return known;
    if (isNamed) this.#sourceCount++;
    sources.set(key, source);
    return source;
  }

  #writeSum({ row, flows, sources }: Sum): void {
    for (const { origH } of sources.values()) if (origH !== "") this.#sourceCount--;
    if (flows === 1) return this.#write(row);
    this.summedCount += flows;
    const summed = { flows, sources: [...sources.values()] };
    this.#write({ ...row, endReason: "summed", summed });
  }
}

/** What a host of the own networks sends on and on, as syslog, and a connection of which only one side is captured. */
function isTalk({ proto, isOrigLocal, origPkts, origBytes }: Flow): boolean {
  return origPkts >= talkPacketsMin && (proto === "tcp" ? origBytes > 0 : isOrigLocal);
}

function isSameHost(a: Flow, b: Flow): boolean {
  return a.proto === b.proto && a.respH === b.respH && a.interfaceId === b.interfaceId;
}

/** Of the same host. */
function isSameTarget(a: Flow, b: Flow): boolean {
  return a.respP === b.respP && a.service === b.service;
}

function sourceKey({ origH, isOrigLocal }: Pick<Flow, "origH" | "isOrigLocal">): string {
  return isOrigLocal ? `${origH} local` : origH;
}

function addTo(sum: Sum, flow: Flow): void {
  const { row } = sum;
  sum.flows++;
  row.startUs = Math.min(row.startUs, flow.startUs);
  row.endUs = Math.max(row.endUs, flow.endUs);
  row.origPkts += flow.origPkts;
  row.origBytes += flow.origBytes;
  row.origWireBytes += flow.origWireBytes;
  row.origRetransmissions += flow.origRetransmissions;
  row.origCopies += flow.origCopies;
  if (row.origH !== flow.origH) row.origH = row.ipVersion === 6 ? "::" : "0.0.0.0";
  if (row.origP !== flow.origP) row.origP = 0;
  if (row.respP !== flow.respP) row.respP = 0;
  if (row.service !== flow.service) row.service = "";
  if (row.communityId !== flow.communityId) row.communityId = "";
  if (row.name !== flow.name) row.name = "";
  if (row.ja4 !== flow.ja4) row.ja4 = "";
  if (row.connState !== flow.connState) row.connState = mixedState;
  if (row.history !== flow.history) row.history = "";
  if (row.vlanId !== flow.vlanId) row.vlanId = -1;
  row.isOrigLocal &&= flow.isOrigLocal;
  row.isRespLocal ||= flow.isRespLocal;
  if (row.process?.pid !== flow.process?.pid || row.process?.name !== flow.process?.name) {
    delete row.process;
  }
}
