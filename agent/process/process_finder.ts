/**
 * Finds the process at this host's end of a connection: the socket by the connection, the process by the socket, and what it
 * is by its number. What was found is remembered, because a short connection is over before its packets have been read.
 *
 * All that is asked for together may take a share of the time only; what comes beyond it is passed over.
 */
import type { FlowProcess } from "../records.ts";
import type { ProcessFacts, ProcTree } from "./proc_tree.ts";
import type { SocketOwners } from "./socket_owners.ts";
import { Bursts } from "./bursts.ts";
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
  readonly tree: Pick<ProcTree, "describe" | "uid">;
  /** The name of a user; null when there is none. */
  readonly userName: (uid: number) => string | null;
  /** Rises. */
  readonly nowMs: () => number;
  /** By which packets have their times. */
  readonly wallMs: () => number;
}

const begunMax = 8192;
/**
 * What was found as a connection began is that of a flow whose first packet is at most so much older, and no younger but for
 * what clocks are read apart: later a port may be another's.
 */
const begunMs = 3000;
const clockSlackMs = 50;
/** Loopback and bridges give the same segment again within it. */
const sameSegmentMs = 100;
/** Descriptions are read anew after it: processes begin other programs. */
const describedMs = 1000;
const describedMax = 4096;
const usersMax = 1024;

interface Begun {
  readonly process: FlowProcess;
  readonly atMs: number;
  readonly wallMs: number;
}

export class ProcessFinder {
  readonly #options: ProcessFinderOptions;
  readonly #begun = new Map<string, Begun>();
  readonly #described = new Map<number, { readonly facts: ProcessFacts; readonly atMs: number }>();
  readonly #users = new Map<number, string>();
  readonly #bursts: Bursts<FlowProcess>;

  constructor(options: ProcessFinderOptions) {
    this.#options = options;
    this.#bursts = new Bursts({
      openers: () => options.owners.openers(),
      describe: (pid) => this.#describeWhole(pid),
      assign: (key, process) => this.#keep(key, process),
      nowMs: options.nowMs,
    });
  }

  /** A connection begins now: who begins it is remembered for its flow. */
  begins(query: SocketQuery): void {
    const nowMs = this.#options.nowMs();
    const key = queryKey(query);
    const before = this.#begun.get(key);
    const isSame = before !== undefined && nowMs - before.atMs < sameSegmentMs;
    if (isSame && before.process.pid !== 0) return;
    const process = this.#now(query, true);
    if (process !== null) this.#keep(key, process);
    else if (query.protocol === PROTOCOL_TCP) this.#bursts.missed(key);
  }

  #keep(key: string, process: FlowProcess): void {
    this.#begun.delete(key);
    if (this.#begun.size >= begunMax) this.#begun.delete(this.#begun.keys().next().value!);
    const { nowMs, wallMs } = this.#options;
    this.#begun.set(key, { process, atMs: nowMs(), wallMs: wallMs() });
  }

  /** Whose end of a flow it is that began at `startMs`, wall clock, maybe from here; null when nothing is known. */
  find(query: SocketQuery, startMs: number, isOriginator: boolean): FlowProcess | null {
    const begun = this.#begunAt(queryKey(query), startMs);
    if (begun !== null && begun.pid !== 0) return begun;
    return this.#now(query, isOriginator) ?? begun;
  }

  #begunAt(key: string, startMs: number): FlowProcess | null {
    const begun = this.#begun.get(key);
    if (begun === undefined) return null;
    const ageMs = begun.wallMs - startMs;
    return ageMs >= -clockSlackMs && ageMs < begunMs ? begun.process : null;
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
    const pid = owners.find(inode, uid);
    let facts = pid === 0 ? null : this.#describe(pid);
    if (pid !== 0 && facts === null) {
      owners.forget(inode);
      const other = owners.find(inode, uid);
      facts = other === 0 ? null : this.#describe(other);
    }
    return { ...facts ?? nobody, user };
  }

  #describeWhole(pid: number): FlowProcess | null {
    const facts = this.#describe(pid);
    const uid = this.#options.tree.uid(pid);
    return facts === null || uid === null ? null : { ...facts, user: this.#userOf(uid) };
  }

  #describe(pid: number): ProcessFacts | null {
    const nowMs = this.#options.nowMs();
    const before = this.#described.get(pid);
    if (before !== undefined && nowMs - before.atMs < describedMs) return before.facts;
    const facts = this.#options.tree.describe(pid);
    if (this.#described.size >= describedMax) this.#described.clear();
    if (facts === null) this.#described.delete(pid);
    else this.#described.set(pid, { facts, atMs: nowMs });
    return facts;
  }

  #userOf(uid: number): string {
    let name = this.#users.get(uid);
    if (name === undefined) {
      name = this.#options.userName(uid) ?? String(uid);
      if (this.#users.size >= usersMax) this.#users.clear();
      this.#users.set(uid, name);
    }
    return name;
  }
}

const nobody: ProcessFacts = { pid: 0, name: "", executable: "", command: "", unit: "" };

/** A share of the time, to be spent as work comes; unspent time is saved for a moment. */
export class TimeShare {
  readonly #share: number;
  readonly #nowMs: () => number;
  readonly #savedMsMax: number;
  #savedMs: number;
  #countedMs: number;

  constructor(share: number, nowMs: () => number, savedMsMax = 150) {
    this.#share = share;
    this.#nowMs = nowMs;
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
    work();
    // One piece of work that took long must not stop all others for long.
    this.#savedMs = Math.max(-this.#savedMsMax, this.#savedMs - (this.#nowMs() - startMs));
    return true;
  }
}
