/**
 * The queue of EVE lines to the thread that writes them: at most `messagesOutMax` messages are under way until it has taken
 * them. When it is full, live lines wait up to `waitingMax` characters and are then shed, counted; a file can wait, and asks
 * `hasRoom` before it goes on.
 */
import type { EveLinesMessage } from "../messages.ts";

const messageCharacters = 65_536;
const messagesOutMax = 32;
const waitingMax = 1 << 20;

interface EveOutletOptions {
  /** Nothing is ever shed; the owner waits instead. */
  readonly isPatient: boolean;
}

export class EveOutlet {
  #isPatient: boolean;
  #send: ((message: EveLinesMessage) => void) | null = null;
  /** Lines in each message under way, oldest first. */
  #under: number[] = [];
  #text = "";
  #count = 0;
  /** Lines given up, those that the other end has heard of included. */
  #shedCount = 0;
  #shedTold = 0;

  constructor({ isPatient }: EveOutletOptions) {
    this.#isPatient = isPatient;
  }

  /** Joins a thread; what was under way to one that crashed is lost and counted. */
  join(send: (message: EveLinesMessage) => void): void {
    for (const count of this.#under) this.#shedCount += count;
    this.#under = [];
    this.#send = send;
  }

  get shedCount(): number {
    return this.#shedCount;
  }

  /** Whether the lines of another few thousand packets can be sent at once. */
  get hasRoom(): boolean {
    return this.#send !== null && this.#under.length <= messagesOutMax / 2;
  }

  /** From now on nothing is shed: the input has ended, and what is left has to arrive. */
  beginEnd(): void {
    this.#isPatient = true;
  }

  /** Whether lines wait, or are on their way. */
  get isUnderWay(): boolean {
    return this.#under.length > 0 || this.#count > 0;
  }

  write(line: string): void {
    if (this.#text.length >= waitingMax && !this.#isPatient) {
      this.#shedCount++;
      return;
    }
    this.#text += line + "\n";
    this.#count++;
    if (this.#text.length >= messageCharacters) this.send();
  }

  /** Sends what waits, when there is room. */
  send(): void {
    if (this.#send === null || this.#under.length >= messagesOutMax) return;
    const shed = this.#shedCount - this.#shedTold;
    if (this.#count === 0 && shed === 0) return;
    this.#shedTold = this.#shedCount;
    this.#under.push(this.#count);
    this.#send({ type: "lines", text: this.#text, count: this.#count, shed });
    this.#text = "";
    this.#count = 0;
  }

  /** The thread has taken the oldest message. */
  taken(): void {
    this.#under.shift();
    if (this.#text.length >= messageCharacters) this.send();
  }
}
