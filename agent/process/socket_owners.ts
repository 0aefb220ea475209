/**
 * Which process has a socket. A process that is looked at tells all its sockets, so most questions are answered from memory;
 * else processes that have begun since are looked at first, then those that were found lately, then all, which is not done
 * often.
 */
import type { ProcessId, ProcTree } from "./proc_tree.ts";
import { remember } from "./remember.ts";

const inodesMax = 65_536;
const lateMax = 32;
/** Between two looks at all processes: at least so long, and so many times as long as the one before took. */
const fullLookMs = 250;
const fullLookPause = 20;
/** A socket that nobody had is not looked for again before, nor one of a user whose processes may not be looked at. */
const missingMs = 250;
const closedMs = 30_000;
const missingMax = 8192;
/** Of the process that every process namespace has. */
const firstPid = 1;
/** A process is young for so long. */
const youngMs = 60_000;
/** Numbers given last that are looked at before all others. */
const newestMax = 6;
/** Of processes that begin, at one look. */
const newMax = 512;

export interface SocketOwnersOptions {
  readonly tree: Pick<
    ProcTree,
    | "pids"
    | "newest"
    | "leader"
    | "sockets"
    | "uid"
    | "identify"
    | "passiveSockets"
    | "isOfOwnNetwork"
  >;
  /** Rises. */
  readonly nowMs: () => number;
}

/** A process that has opened sockets which may begin something, see passiveSockets(). */
export interface Opener {
  readonly pid: number;
  /** It has begun lately. */
  readonly isNew: boolean;
}

export class SocketOwners {
  /** At the last look at all processes: how many there were, and how many are of users none of whose may be looked at. */
  processes = 0;
  closedProcesses = 0;
  /** Other users' processes do not even show (hidepid of proc(5), ProtectProc= of a service). */
  hidesOthers = false;
  readonly #options: SocketOwnersOptions;
  #ownerOf = new Map<number, ProcessId>();
  readonly #missing = new Map<number, number>();
  /** Processes that had a socket which was asked for, the latest last. */
  readonly #late = new Set<number>();
  #known = new Set<number>();
  /** When a look at all first found them; the first look found those that were there before. */
  #firstSeen = new Map<number, number>();
  #lookedMs = -Infinity;
  /** Before the next look at all. */
  #pauseMs = fullLookMs;
  /** Users none of whose processes may be looked at, and those of whom one may. */
  #closedUids = new Set<number>();
  #openUids = new Set<number>();

  constructor(options: SocketOwnersOptions) {
    this.#options = options;
  }

  /** The process that has the socket of a user, which may have ended since; null when it cannot be told. */
  find(inode: number, uid: number): ProcessId | null {
    const known = this.#ownerOf.get(inode);
    if (known !== undefined) return known;
    const nowMs = this.#options.nowMs();
    if (this.#isClosed(uid) && nowMs - this.#lookedMs < closedMs) return null;
    if (nowMs - (this.#missing.get(inode) ?? -Infinity) < missingMs) return null;
    const isFound = this.#search(inode, nowMs);
    const owner = isFound ? this.#ownerOf.get(inode) ?? null : null;
    if (owner === null) remember(this.#missing, inode, nowMs, missingMax);
    else {
      this.#late.delete(owner.pid);
      this.#late.add(owner.pid);
      if (this.#late.size > lateMax) this.#late.delete(first(this.#late));
    }
    return owner;
  }

  /** The process is gone: whoever has the socket now is another. */
  forget(inode: number): void {
    this.#ownerOf.delete(inode);
  }

  /**
   * Who among the processes that have begun, or were found, lately has just opened such sockets. Never this one: what it begins has
   * ordinary sockets, and what it opens is to capture and to look with.
   */
  openers(): Opener[] {
    const { tree } = this.#options;
    const passive = tree.passiveSockets();
    const pids = tree.pids().filter((pid) => pid !== Deno.pid);
    const youngSinceMs = this.#options.nowMs() - youngMs;
    const young = pids.filter((pid) => (this.#firstSeen.get(pid) ?? Infinity) > youngSinceMs);
    const late = this.#lately(pids).late.filter((pid) => !young.includes(pid));
    const found = [...young.slice(-newMax), ...late].filter((pid) => {
      const inodes = tree.sockets(pid) ?? [];
      const opened = inodes.filter((inode) => !this.#ownerOf.has(inode) && !passive.has(inode));
      this.#remember(pid, inodes);
      return opened.length > 0 && tree.isOfOwnNetwork(pid);
    });
    return found.map((pid) => ({ pid, isNew: young.includes(pid) }));
  }

  /** Looks at all processes, and forgets sockets that nobody has any more; returns whether one has a socket. */
  lookAtAll(inode = 0, pids = this.#options.tree.pids()): boolean {
    const { tree } = this.#options;
    const startMs = this.#options.nowMs();
    const closed = new Map<number, number>();
    const open = new Set<number>();
    let isFound = false;
    const before = this.#ownerOf;
    this.#ownerOf = new Map();
    for (const pid of pids) {
      const hasIt = this.#look(pid, inode, before);
      if (hasIt) isFound = true;
      const uid = tree.uid(pid);
      if (uid === null) continue;
      if (hasIt === null) closed.set(uid, (closed.get(uid) ?? 0) + 1);
      else open.add(uid);
    }
    for (const uid of open) closed.delete(uid);
    this.processes = pids.length;
    this.closedProcesses = [...closed.values()].reduce((sum, count) => sum + count, 0);
    this.#closedUids = new Set(closed.keys());
    this.#openUids = open;
    this.hidesOthers = pids[0] !== firstPid;
    const beganMs = this.#lookedMs === -Infinity ? -Infinity : startMs;
    this.#firstSeen = new Map(pids.map((pid) => [pid, this.#firstSeen.get(pid) ?? beganMs]));
    this.#known = new Set(pids);
    this.#lookedMs = this.#options.nowMs();
    this.#pauseMs = Math.max(fullLookMs, (this.#lookedMs - startMs) * fullLookPause);
    return isFound;
  }

  #isClosed(uid: number): boolean {
    return this.#closedUids.has(uid) || this.hidesOthers && !this.#openUids.has(uid);
  }

  #search(inode: number, nowMs: number): boolean {
    if (this.#lookAtNewest(inode)) return true;
    const pids = this.#options.tree.pids();
    const { begun, late } = this.#lately(pids);
    for (const pid of [...begun, ...late]) if (this.#look(pid, inode)) return true;
    return nowMs - this.#lookedMs < this.#pauseMs ? false : this.lookAtAll(inode, pids);
  }

  /** Who has just begun may be gone before all processes are listed. */
  #lookAtNewest(inode: number): boolean {
    const { tree } = this.#options;
    for (const number of tree.newest(newestMax)) {
      if (this.#known.has(number)) continue;
      const inodes = tree.sockets(number);
      if (inodes === null || !inodes.includes(inode)) continue;
      const pid = tree.leader(number);
      if (pid === 0) return false;
      this.#remember(pid, inodes);
      return true;
    }
    return false;
  }

  /** Those that have begun stay so until the next look at all: they are only now opening their sockets. */
  #lately(pids: readonly number[]) {
    const begun = pids.filter((pid) => !this.#known.has(pid)).slice(-newMax);
    return { begun, late: [...this.#late].reverse().filter((pid) => this.#known.has(pid)) };
  }

  /** Null when the process may not be looked at. */
  #look(pid: number, inode: number, before?: ReadonlyMap<number, ProcessId>): boolean | null {
    const inodes = this.#options.tree.sockets(pid);
    if (inodes === null) return null;
    this.#remember(pid, inodes, before);
    return inodes.includes(inode);
  }

  /** Of several that have a socket the first one began it, which `before` may know. */
  #remember(
    pid: number,
    inodes: readonly number[],
    before: ReadonlyMap<number, ProcessId> = new Map(),
  ): void {
    const others = inodes.filter((inode) =>
      !this.#ownerOf.has(inode) || before.get(inode)?.pid === pid
    );
    const owner = others.length === 0 ? null : this.#options.tree.identify(pid);
    if (owner === null) return;
    for (const inode of others) remember(this.#ownerOf, inode, owner, inodesMax);
  }
}

function first<T>(items: Iterable<T>): T {
  for (const item of items) return item;
  throw new RangeError("Cannot take the first of nothing");
}
