/** A failure to write: told once, tried again after 1, 2, 4 … 30 seconds, and told again when it is over. */
import { messageOf, systemReason } from "./errors.ts";
import type { StatusEntry } from "./records.ts";

/** Where notes go, and a clock in milliseconds. */
export interface WriteContext {
  note(severity: StatusEntry["severity"], text: string): void;
  now(): number;
}

const retryMinMs = 1000;
const retryMaxMs = 30_000;

export class FailedWrites {
  readonly #context: WriteContext;
  #text = "";
  #delayMs = retryMinMs;
  #retryAtMs = 0;

  constructor(context: WriteContext) {
    this.#context = context;
  }

  /** What stands against writing, as a sentence; "" while nothing does. */
  get text(): string {
    return this.#text;
  }

  /** Whether to write, or to try again. */
  get isDue(): boolean {
    return this.#text === "" || this.#context.now() >= this.#retryAtMs;
  }

  fail(text: string): void {
    const isNew = this.#text === "";
    this.#text = text;
    this.#retryAtMs = this.#context.now() + this.#delayMs;
    this.#delayMs = Math.min(this.#delayMs * 2, retryMaxMs);
    if (isNew) this.#context.note("error", text);
  }

  /** It was written; `text` is told if it could not be before. */
  recovered(text: string): void {
    if (this.#text === "") return;
    this.#text = "";
    this.#delayMs = retryMinMs;
    this.#context.note("info", text);
  }
}

/** What stands against writing to `path`, and what helps. */
export function writeFailureText(path: string, error: unknown): string {
  const text = messageOf(error);
  const known = error instanceof Deno.errors.PermissionDenied
    ? "permission denied; make it writable for this user, or name another folder with --results"
    : text.includes("os error 28")
    ? "the disk is full; free some space, or lower --pcap-file-mb or --pcap-files"
    : systemReason(error);
  return `Cannot write ${path}: ${known}.`;
}
