/**
 * The queue of findings to the store: one message is under way until it is taken, the findings that come meanwhile wait,
 * of each only its newest state. What a store that crashed had not taken is sent to the next one; writing it twice changes
 * nothing. When too many wait, the one that has waited longest is given up and counted.
 */
import type { FindingsMessage } from "../messages.ts";
import type { Finding } from "../records.ts";

const messageMax = 500;
const waitingMax = 10_000;

export class FindingOutlet {
  /** Findings that found no room. */
  lostCount = 0;
  readonly #send: (message: FindingsMessage) => void;
  readonly #waiting = new Map<number, Finding>();
  #under: FindingsMessage[] = [];
  #sequence = 0;

  constructor(send: (message: FindingsMessage) => void) {
    this.#send = send;
  }

  add(finding: Finding): void {
    this.#waiting.delete(finding.id);
    this.#waiting.set(finding.id, finding);
    if (this.#waiting.size > waitingMax) {
      const [longest] = this.#waiting.keys();
      this.#waiting.delete(longest!);
      this.lostCount++;
    }
    if (this.#under.length === 0) this.#sendSome();
  }

  /** The store has taken a message. */
  taken(sequence: number): void {
    this.#under = this.#under.filter((message) => message.sequence > sequence);
    if (this.#under.length === 0) this.#sendSome();
  }

  /** Another store takes over: it gets what the one before had not taken. */
  resend(): void {
    for (const message of this.#under) this.#send(message);
  }

  /** Sends all that waits at once: the store is about to close. */
  flush(): void {
    while (this.#waiting.size > 0) this.#sendSome();
  }

  #sendSome(): void {
    const findings = [...this.#waiting.values().take(messageMax)];
    if (findings.length === 0) return;
    for (const { id } of findings) this.#waiting.delete(id);
    const message: FindingsMessage = { type: "findings", sequence: this.#sequence++, findings };
    this.#under.push(message);
    this.#send(message);
  }
}
