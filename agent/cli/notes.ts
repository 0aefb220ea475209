import type { LiveState } from "../live_state.ts";
import type { Log } from "../log.ts";

/** What happens in a running program, told on its status page and in its log. Functions to be handed on. */
export class Notes {
  readonly #live: LiveState;
  readonly #log: Log;

  constructor(live: LiveState, log: Log) {
    this.#live = live;
    this.#log = log;
  }

  readonly note = (severity: "info" | "warning" | "error", text: string): void => {
    this.#live.note(severity, text);
    this.#log.write(severity, text);
  };
  readonly info = (text: string): void => this.note("info", text);
  readonly warn = (text: string): void => this.note("warning", text);

  /** A thread has ended by a crash. */
  readonly crashed = (text: string): void => {
    this.#live.workerRestarts++;
    this.note("error", text);
  };
}
