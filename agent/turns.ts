/**
 * Work that comes through ports, done a piece at a time, so that everybody else whom a thread serves has a turn between two pieces.
 *
 * Deno hands over the messages of a port one after the other, 128 at most, for as long as there are more; meanwhile no timer runs and
 * nothing that comes through another port, or from the thread that began this one, is seen. So a thread that is behind would hear of
 * nothing else for seconds: no word to stop, no answer, no question.
 */
import { setImmediate } from "node:timers";

/**
 * Tokio's `global_queue_interval`: a thread that has work of its own looks only so seldom at what other threads have woken. As many
 * looks take some 25 microseconds.
 */
const looksApart = 31;
/** A thread may work so long before others have their turn. */
const turnMs = 2;
/** After a pause that no message takes to unpack, the others have been heard. */
const pauseMs = 100;

/** Turns in which `work` is called, never within another call; it says whether there is more to do. */
export class Turns {
  readonly #work: () => boolean;
  /** It is being worked, or whoever had to wait for that has yet to have a turn. */
  #isBusy = false;
  #isWanted = false;
  /** Of this turn: its begin, the end of its last piece of work, and how long the pieces took. */
  #beganMs = -Infinity;
  #endedMs = -Infinity;
  #workedMs = 0;

  constructor(work: () => boolean) {
    this.#work = work;
  }

  /** There is something to do: at once in a thread that was calm, else when the others have had their turn. */
  goOn(): void {
    this.#isWanted = true;
    if (this.#isBusy) return;
    const nowMs = performance.now();
    if (nowMs - this.#endedMs > pauseMs) this.#begin(nowMs);
    this.#take(nowMs);
  }

  #begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#workedMs = 0;
  }

  #take(nowMs: number): void {
    this.#isBusy = true;
    do {
      this.#isWanted = false;
      this.#isWanted = this.#work() || this.#isWanted;
      this.#endedMs = performance.now();
      this.#workedMs += this.#endedMs - nowMs;
      nowMs = this.#endedMs;
    } while (this.#isWanted && this.#workedMs < turnMs);
    if (this.#workedMs >= turnMs) afterOthers(() => this.#rest());
    // Little work, but messages that come one after the other.
    else if (this.#endedMs - this.#beganMs >= turnMs) setImmediate(() => this.#rest());
    else this.#isBusy = false;
  }

  #rest(): void {
    const nowMs = performance.now();
    this.#begin(nowMs);
    if (this.#isWanted) this.#take(nowMs);
    else this.#isBusy = false;
  }
}

/** A function that has `take` called for each thing it is given, in their order, in turns. */
export function inTurns<T>(take: (thing: T) => void): (thing: T) => void {
  const waiting: T[] = [];
  const turns = new Turns(() => {
    take(waiting.shift()!);
    return waiting.length > 0;
  });
  return (thing) => {
    waiting.push(thing);
    turns.goOn();
  };
}

function afterOthers(next: () => void): void {
  let left = looksApart;
  const look = () => {
    if (--left === 0) next();
    else setImmediate(look);
  };
  setImmediate(look);
}
