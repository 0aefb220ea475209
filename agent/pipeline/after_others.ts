import { setImmediate } from "node:timers";

/** Tokio's `global_queue_interval`: a thread that has work of its own looks only so seldom at what other threads have woken. */
const looksApart = 31;

/**
 * Calls `next` once everybody else whom this thread serves has had a turn: timers, and what has come through each of its ports. Some
 * 25 microseconds.
 *
 * A port's messages are handed over one after the other for as long as there are more, and while they are, or one `setImmediate()`
 * follows another, neither timers nor other ports have their turn.
 */
export function afterOthers(next: () => void): void {
  let left = looksApart;
  const look = () => {
    if (--left === 0) next();
    else setImmediate(look);
  };
  setImmediate(look);
}
