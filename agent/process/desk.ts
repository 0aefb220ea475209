/**
 * Answers what the pipeline asks: at once as far as time goes, and what then was left, or is not known yet, again a moment
 * later, while the flow may still stand.
 */
import type { AsksMessage, ProcessContact } from "../messages.ts";
import type { FlowProcess } from "../records.ts";
import { formatIpWords } from "../decode/addresses.ts";
import { type Ask, readAsk } from "./asks.ts";
import type { TimeShare } from "./process_finder.ts";
import type { SocketQuery } from "./socket_query.ts";

export interface DeskOptions {
  readonly find: (query: SocketQuery, startMs: number, isOriginator: boolean) => FlowProcess | null;
  readonly share: Pick<TimeShare, "spend">;
  /** Rises. */
  readonly nowMs: () => number;
}

export interface DeskAnswer {
  readonly processes: readonly FlowProcess[];
  /** Slot, id and which of the processes, one flow after the other. */
  readonly flows: readonly number[];
  readonly contacts: readonly ProcessContact[];
}

interface Waiting {
  readonly ask: Ask;
  readonly dueMs: number;
  readonly tries: number;
}

/** Waits before the tries after the first. */
const againMs = [300, 1000, 3000];
const waitingMax = 1024;

export class Desk {
  readonly counts = { named: 0, userOnly: 0, unknown: 0, passedOver: 0 };
  readonly #options: DeskOptions;
  /** What waits longest first. */
  #waiting: Waiting[] = [];

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Whether answerAgain() will have something to do. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  answer({ rows, count, passedOver }: Omit<AsksMessage, "type">): DeskAnswer {
    this.counts.passedOver += passedOver;
    const asks = Array.from({ length: count }, (_, index) => readAsk(rows, index));
    return this.#answer(asks.map((ask) => ({ ask, tries: 0 })));
  }

  /** What is due of what was left; null when nothing is. */
  answerAgain(): DeskAnswer | null {
    const nowMs = this.#options.nowMs();
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs);
    if (due.length === 0) return null;
    this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > nowMs);
    return this.#answer(due);
  }

  #answer(asks: readonly Pick<Waiting, "ask" | "tries">[]): DeskAnswer {
    const processes: FlowProcess[] = [];
    const places = new Map<string, number>();
    const flows: number[] = [];
    const contacts: ProcessContact[] = [];
    for (const { ask, tries } of asks) {
      const process = this.#ask(ask, tries);
      if (process === null) continue;
      const key = JSON.stringify(process);
      const place = places.get(key) ?? processes.push(process) - 1;
      places.set(key, place);
      flows.push(ask.slot, ask.id, place);
      if (ask.isOriginator) contacts.push(contactOf(ask.query, place));
    }
    return { processes, flows, contacts };
  }

  #ask(ask: Ask, tries: number): FlowProcess | null {
    let process: FlowProcess | null = null;
    const isDone = this.#options.share.spend(() => {
      process = this.#options.find(ask.query, ask.startUs / 1000, ask.isOriginator);
    });
    const found = process as FlowProcess | null;
    // What has no socket may be part of a scan, whose process shows a moment later.
    const isOpen = !isDone || (found === null ? ask.isOriginator && tries === 0 : found.pid === 0);
    if (isOpen && this.#waits(ask, tries)) return found;
    if (!isDone) this.counts.passedOver++;
    else if (found === null) this.counts.unknown++;
    else if (found.pid === 0) this.counts.userOnly++;
    else this.counts.named++;
    return found;
  }

  /** False when it has been tried often enough, or too many wait. */
  #waits(ask: Ask, tries: number): boolean {
    const pauseMs = againMs[tries];
    if (pauseMs === undefined || this.#waiting.length >= waitingMax) return false;
    this.#waiting.push({ ask, dueMs: this.#options.nowMs() + pauseMs, tries: tries + 1 });
    return true;
  }
}

function contactOf({ isIpv6, local, remote, remotePort }: SocketQuery, process: number) {
  const version = isIpv6 ? 6 : 4;
  return {
    local: formatIpWords(version, local),
    remote: formatIpWords(version, remote),
    port: remotePort,
    process,
  };
}
