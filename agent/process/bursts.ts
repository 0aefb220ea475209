/**
 * Connections that have no socket any more when they are looked at: refused at once, or sent by a raw socket. One of them tells
 * nothing. When many come in a moment, as in a scan, somebody is opening sockets just then; if that is one program alone, it is
 * taken for theirs: at once when it has only begun and they are many, else when it does so at two looks.
 */
import type { FlowProcess } from "../records.ts";
import type { Opener } from "./socket_owners.ts";

export interface BurstsOptions<P> {
  readonly openers: () => readonly Opener[];
  /** Null when the process is gone. */
  readonly describe: (pid: number) => P | null;
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

export class Bursts<P extends Pick<FlowProcess, "name" | "user">> {
  readonly #options: BurstsOptions<P>;
  /** Connections without a process, and when they were missed, the latest last. */
  readonly #missed = new Map<string, number>();
  #lookedMs = -Infinity;
  /** Who was alone at the last look. */
  #before: { readonly process: P; readonly atMs: number } | null = null;
  #known: { readonly process: P; readonly atMs: number } | null = null;

  constructor(options: BurstsOptions<P>) {
    this.#options = options;
  }

  missed(key: string): void {
    const nowMs = this.#options.nowMs();
    this.#missed.delete(key);
    this.#missed.set(key, nowMs);
    for (const [old, atMs] of this.#missed) {
      if (nowMs - atMs <= burstMs && this.#missed.size <= missedMax) break;
      this.#missed.delete(old);
    }
    const goesOn = this.#knownAt(nowMs) !== null;
    if (this.#missed.size < burstMin && !goesOn) return;
    if (nowMs - this.#lookedMs >= lookMs) this.#look(nowMs);
    const process = this.#knownAt(nowMs);
    if (process === null) return;
    for (const each of this.#missed.keys()) this.#options.assign(each, process);
    this.#missed.clear();
  }

  #isDense(nowMs: number): boolean {
    return [...this.#missed.values()].filter((atMs) => nowMs - atMs <= denseMs).length >= burstMin;
  }

  #knownAt(nowMs: number): P | null {
    return this.#known !== null && nowMs - this.#known.atMs <= burstMs ? this.#known.process : null;
  }

  #look(nowMs: number): void {
    this.#lookedMs = nowMs;
    const openers = this.#options.openers().flatMap(({ pid, isNew }) => {
      const process = this.#options.describe(pid);
      return process === null ? [] : [{ process, isNew }];
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
    this.#before = { process, atMs: nowMs };
    if (first.isNew && this.#isDense(nowMs) || isAgain) this.#known = { process, atMs: nowMs };
  }
}

function isSame(
  a: Pick<FlowProcess, "name" | "user">,
  b: Pick<FlowProcess, "name" | "user">,
): boolean {
  return a.name === b.name && a.user === b.user;
}
