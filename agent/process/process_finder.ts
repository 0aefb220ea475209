/**
 * Finds the process at this host's end of a connection: the socket by the connection, the process by the socket, and what it
 * is by its number. What was found is remembered, because a short connection is over before its packets have been read.
 *
 * All that is asked for together may take a share of the time only; what comes beyond it is passed over.
 */
import type { FlowProcess } from "../records.ts";
import type { ProcessFacts, ProcessId, ProcTree } from "./proc_tree.ts";
import type { SocketOwners } from "./socket_owners.ts";
import { Bursts } from "./bursts.ts";
import { remember } from "./remember.ts";
import {
  listenerQuery,
  PROTOCOL_TCP,
  queryKey,
  type SocketEntry,
  type SocketQuery,
} from "./socket_query.ts";

export interface ProcessFinderOptions {
  /** The socket of a connection; null when there is none. */
  readonly findSocket: (query: SocketQuery) => SocketEntry | null;
  readonly owners: Pick<SocketOwners, "find" | "forget" | "openers">;
  readonly tree: Pick<
    ProcTree,
    "describe" | "identify" | "isOfKernel" | "isOfOwnNetwork" | "user"
  >;
  /** The name of a user; null when there is none. */
  readonly userName: (uid: number) => string | null;
  /** Rises. */
  readonly nowMs: () => number;
  /** By which packets have their times. */
  readonly wallMs: () => number;
  /** CLOCK_BOOTTIME, which the kernel starts processes by. */
  readonly bootMs: () => number;
}

const begunMax = 16_384;
/**
 * What was seen as a connection began is that of a flow whose first packet is at most so much older, or younger where the kernel
 * told of it before there was a packet: later a port may be another's. Clocks are read apart.
 */
const begunMs = 3000;
const clockSlackMs = 50;
/** Loopback and bridges give the same segment again within it. */
const sameSegmentMs = 100;
/** Descriptions are read anew after it: processes begin other programs. */
const describedMs = 250;
const describedMax = 4096;
const usersMax = 1024;
/** USER_HZ, by which /proc tells times. */
const msPerTick = 10;

interface Begun {
  readonly process: FlowProcess;
  readonly atMs: number;
  /** When a flow has begun whose process it is, by wallMs(). */
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Described {
  readonly facts: ProcessFacts;
  readonly startTicks: number;
  readonly atMs: number;
}

export class ProcessFinder {
  readonly #options: ProcessFinderOptions;
  readonly #begun = new Map<string, Begun>();
  readonly #described = new Map<number, Described>();
  /** Processes that begin connections, as `connects` is told. */
  readonly #connecting = new Map<
    number,
    { readonly process: FlowProcess | null; readonly atMs: number }
  >();
  readonly #users = new Map<number, string>();
  readonly #bursts: Bursts<FlowProcess>;

  constructor(options: ProcessFinderOptions) {
    this.#options = options;
    this.#bursts = new Bursts({
      openers: () => options.owners.openers(),
      describe: (pid) => this.#describeOpener(pid),
      assign: (key, process) => this.#keep(key, process),
      nowMs: options.nowMs,
    });
  }

  /** A connection has begun since `sinceMs`, by nowMs(): who begins it is remembered for its flow. */
  begins(query: SocketQuery, sinceMs: number): void {
    const nowMs = this.#options.nowMs();
    const key = queryKey(query);
    const before = this.#begun.get(key);
    const isSame = before !== undefined && nowMs - before.atMs < sameSegmentMs;
    if (isSame && before.process.pid !== 0) return;
    const process = this.#now(query, true);
    if (process !== null) this.#keep(key, process);
    else if (query.protocol === PROTOCOL_TCP) this.#bursts.missed(key, sinceMs);
  }

  /** Who begins a connection just now; null for what is not of this host's network, the kernel's own, or gone. */
  connects(pid: number): FlowProcess | null {
    const nowMs = this.#options.nowMs();
    const before = this.#connecting.get(pid);
    if (before !== undefined && nowMs - before.atMs < describedMs) return before.process;
    const { tree } = this.#options;
    const isOurs = tree.isOfOwnNetwork(pid) && !tree.isOfKernel(pid);
    const process = isOurs ? this.#describeWhole(pid) : null;
    remember(this.#connecting, pid, { process, atMs: nowMs }, describedMax);
    return process;
  }

  /** The kernel has told who began a connection, at `atMs` by nowMs(), before it sent anything. */
  connected(query: SocketQuery, process: FlowProcess, atMs: number): void {
    const { nowMs, wallMs } = this.#options;
    const wallAtMs = wallMs() - (nowMs() - atMs);
    const begun = {
      process,
      atMs,
      fromMs: wallAtMs - clockSlackMs,
      untilMs: wallAtMs + begunMs,
    };
    remember(this.#begun, queryKey(query), begun, begunMax);
  }

  #keep(key: string, process: FlowProcess): void {
    const wallMs = this.#options.wallMs();
    const begun = {
      process,
      atMs: this.#options.nowMs(),
      fromMs: wallMs - begunMs,
      untilMs: wallMs + clockSlackMs,
    };
    remember(this.#begun, key, begun, begunMax);
  }

  /** Whose end of a flow it is that began at `startMs`, wall clock, maybe from here; null when nothing is known. */
  find(query: SocketQuery, startMs: number, isOriginator: boolean): FlowProcess | null {
    const begun = this.#begunAt(queryKey(query), startMs);
    if (begun !== null && begun.pid !== 0) return begun;
    return this.#now(query, isOriginator) ?? begun;
  }

  #begunAt(key: string, startMs: number): FlowProcess | null {
    const begun = this.#begun.get(key);
    if (begun === undefined || startMs < begun.fromMs || startMs > begun.untilMs) return null;
    return begun.process;
  }

  #now(query: SocketQuery, isOriginator: boolean): FlowProcess | null {
    const { findSocket } = this.#options;
    let socket = findSocket(query);
    // Of a connection that is over nobody has the socket; of one that came in the listener tells.
    if (socket === null || socket.inode === 0) {
      const hasListener = query.protocol === PROTOCOL_TCP && !isOriginator;
      socket = hasListener ? findSocket(listenerQuery(query)) : null;
    }
    if (socket === null || socket.inode === 0) return null;
    // Who waits at the port that a scan is sent from has begun nothing.
    return isOriginator && socket.isListening ? null : this.#identify(socket);
  }

  #identify({ inode, uid }: SocketEntry): FlowProcess {
    const { owners } = this.#options;
    const user = this.#userOf(uid);
    const owner = owners.find(inode, uid);
    let facts = this.#factsOf(owner);
    if (owner !== null && facts === null) {
      owners.forget(inode);
      facts = this.#factsOf(owners.find(inode, uid));
    }
    return { ...facts ?? nobody, user };
  }

  /** Null when it has ended, be it that another has its number. */
  #factsOf(owner: ProcessId | null): ProcessFacts | null {
    const described = owner === null ? null : this.#describe(owner.pid);
    return described?.startTicks === owner?.startTicks ? described?.facts ?? null : null;
  }

  #describeWhole(pid: number): FlowProcess | null {
    const facts = this.#describe(pid)?.facts;
    const uid = this.#options.tree.user(pid);
    return facts === undefined || uid === null ? null : { ...facts, user: this.#userOf(uid) };
  }

  #describeOpener(pid: number) {
    const process = this.#describeWhole(pid);
    const described = this.#describe(pid);
    if (process === null || described === null) return null;
    const { nowMs, bootMs } = this.#options;
    // It was started within a tick.
    const ageMs = bootMs() - (described.startTicks + 1) * msPerTick;
    return { process, startedMs: nowMs() - ageMs };
  }

  #describe(pid: number): Described | null {
    const { tree, nowMs } = this.#options;
    const atMs = nowMs();
    const before = this.#described.get(pid);
    if (before !== undefined && atMs - before.atMs < describedMs) return before;
    const id = tree.identify(pid);
    const facts = id === null ? null : tree.describe(pid);
    if (id === null || facts === null) {
      this.#described.delete(pid);
      return null;
    }
    const described = { facts, startTicks: id.startTicks, atMs };
    remember(this.#described, pid, described, describedMax);
    return described;
  }

  #userOf(uid: number): string {
    let name = this.#users.get(uid);
    if (name === undefined) {
      name = this.#options.userName(uid) ?? String(uid);
      remember(this.#users, uid, name, usersMax);
    }
    return name;
  }
}

const nobody: ProcessFacts = { pid: 0, name: "", executable: "", command: "", unit: "" };

/** A share of the time, to be spent as work comes; unspent time is saved for a moment. */
export class TimeShare {
  readonly #share: number;
  readonly #nowMs: () => number;
  readonly #cpuMs: () => number;
  readonly #savedMsMax: number;
  #savedMs: number;
  #countedMs: number;
  /** Processor time at a moment shortly before the work. */
  #readCpuMs = 0;
  #readAtMs = -Infinity;

  /** `cpuMs` is the thread's processor time. */
  constructor(share: number, nowMs: () => number, cpuMs: () => number, savedMsMax = 150) {
    this.#share = share;
    this.#nowMs = nowMs;
    this.#cpuMs = cpuMs;
    this.#savedMsMax = savedMsMax;
    this.#savedMs = savedMsMax;
    this.#countedMs = nowMs();
  }

  /** Does the work if there is time for it; false when not. */
  spend(work: () => void): boolean {
    const startMs = this.#nowMs();
    const earnedMs = (startMs - this.#countedMs) * this.#share;
    this.#savedMs = Math.min(this.#savedMsMax, this.#savedMs + earnedMs);
    this.#countedMs = startMs;
    if (this.#savedMs <= 0) return false;
    if (startMs - this.#readAtMs > cpuReadMs) {
      this.#readCpuMs = this.#cpuMs();
      this.#readAtMs = startMs;
    }
    work();
    // One piece of work that took long must not stop all others for long.
    this.#savedMs = Math.max(-this.#savedMsMax, this.#savedMs - this.#spentSince(startMs));
    return true;
  }

  /** What seems to have taken long may have waited for a processor. */
  #spentSince(startMs: number): number {
    const tookMs = this.#nowMs() - startMs;
    return tookMs < longMs ? tookMs : Math.min(tookMs, this.#cpuMs() - this.#readCpuMs);
  }
}

/** To read the processor time is a call of the system. */
const cpuReadMs = 5;
const longMs = 2;
