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
/** What takes less time a piece may be done a few times before others have their turn. */
const shortMs = 2;

/** Turns in which `work` is called, once for each and never within another; it says whether there is more to do. */
export class Turns {
  readonly #work: () => boolean;
  /** Something was done, and whoever had to wait for it has yet to have a turn. */
  #isBusy = false;
  #isWanted = false;

  constructor(work: () => boolean) {
    this.#work = work;
  }

  /** There is something to do: at once in a thread that was calm, else when the others have had their turn. */
  goOn(): void {
    if (this.#isBusy) this.#isWanted = true;
    else this.#take();
  }

  #take(): void {
    this.#isBusy = true;
    this.#isWanted = false;
    const beganMs = performance.now();
    const hasMore = this.#work();
    this.#isWanted ||= hasMore;
    const isShort = performance.now() - beganMs < shortMs;
    setImmediate(() => {
      if (isShort && !this.#isWanted) this.#isBusy = false;
      else afterOthers(() => this.#rest());
    });
  }

  #rest(): void {
    if (this.#isWanted) this.#take();
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
