/**
 * Connections that have no socket any more when they are looked at: refused at once, or sent by a raw socket. One of them tells
 * nothing. When many come in a moment, as in a scan, somebody is opening sockets just then; if that is one program alone, it is
 * taken for theirs: at once when it has only begun and they are many, else when it does so at two looks. A connection is never that
 * of a program that was not there yet when it may have begun.
 */
import type { FlowProcess } from "../records.ts";
import type { Opener } from "./socket_owners.ts";

export interface BurstsOptions<P> {
  readonly openers: () => readonly Opener[];
  /** Null when the process is gone; `startedMs` is by nowMs(). */
  readonly describe: (pid: number) => { readonly process: P; readonly startedMs: number } | null;
  /** The connection is that process's. */
  readonly assign: (key: string, process: P) => void;
  readonly nowMs: () => number;
}

const burstMin = 8;
const burstMs = 1000;
/** So many within it leave no doubt that somebody scans. */
const denseMs = 250;
/** Between two looks. */
const lookMs = 10;
const missedMax = 1024;
/** Of what began longer ago it does not tell who opens sockets now. */
const lateMs = 250;

interface Alone<P> {
  readonly process: P;
  readonly startedMs: number;
  readonly atMs: number;
}

export class Bursts<P extends Pick<FlowProcess, "name" | "user">> {
  readonly #options: BurstsOptions<P>;
  /** Connections without a process, when they were missed and after when they began, the latest last. */
  readonly #missed = new Map<string, { readonly atMs: number; readonly sinceMs: number }>();
  #lookedMs = -Infinity;
  /** Who was alone at the last look. */
  #before: Alone<P> | null = null;
  #known: Alone<P> | null = null;

  constructor(options: BurstsOptions<P>) {
    this.#options = options;
  }

  /** A connection that began after `sinceMs` has no socket. */
  missed(key: string, sinceMs: number): void {
    const nowMs = this.#options.nowMs();
    if (nowMs - sinceMs > lateMs) return;
    this.#missed.delete(key);
    this.#missed.set(key, { atMs: nowMs, sinceMs });
    for (const [old, { atMs }] of this.#missed) {
      if (nowMs - atMs <= burstMs && this.#missed.size <= missedMax) break;
      this.#missed.delete(old);
    }
    const goesOn = this.#knownAt(nowMs) !== null;
    if (this.#missed.size < burstMin && !goesOn) return;
    if (nowMs - this.#lookedMs >= lookMs) this.#look(nowMs);
    const known = this.#knownAt(nowMs);
    if (known === null) return;
    for (const [each, { sinceMs }] of this.#missed) {
      if (known.startedMs <= sinceMs) this.#options.assign(each, known.process);
    }
    this.#missed.clear();
  }

  #isDense(nowMs: number): boolean {
    return [...this.#missed.values()].filter(({ atMs }) => nowMs - atMs <= denseMs).length >=
      burstMin;
  }

  #knownAt(nowMs: number): Alone<P> | null {
    return this.#known !== null && nowMs - this.#known.atMs <= burstMs ? this.#known : null;
  }

  #look(nowMs: number): void {
    this.#lookedMs = nowMs;
    const openers = this.#options.openers().flatMap(({ pid, isNew }) => {
      const opener = this.#options.describe(pid);
      return opener === null ? [] : [{ ...opener, isNew }];
    });
    const [first] = openers;
    if (first === undefined) return;
    const { process } = first;
    if (openers.some((other) => !isSame(other.process, process))) {
      this.#before = this.#known = null;
      return;
    }
    const isAgain = this.#before !== null && nowMs - this.#before.atMs <= burstMs &&
      isSame(this.#before.process, process);
    const startedMs = Math.min(...openers.map((opener) => opener.startedMs));
    this.#before = { process, startedMs, atMs: nowMs };
    if (first.isNew && this.#isDense(nowMs) || isAgain) this.#known = this.#before;
  }
}

function isSame(
  a: Pick<FlowProcess, "name" | "user">,
  b: Pick<FlowProcess, "name" | "user">,
): boolean {
  return a.name === b.name && a.user === b.user;
}
