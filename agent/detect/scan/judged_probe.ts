/** A first contact whose outcome is known, as it lies in the memory of ContactJudge: its words are written again for each. */
import { FAMILY_MASK, P_AT_US, P_FLOW, P_PORT, P_START_US, P_TRAITS } from "./contact_layout.ts";

export const Outcome = {
  /** Rejected or unanswered. */
  failed: 0,
  /** Accepted and dropped half open, or answered where answers do not speak for the asker. */
  answered: 1,
  /** Accepted and closed without data: neither speaks for a scan nor against it. */
  neutral: 2,
  /** Accepted and used. */
  used: 3,
} as const;

export class JudgedProbe {
  /** Source (words 0 to 3), destination (4 to 7), and what else P_ of the layout names. */
  readonly words: Int32Array;
  readonly #doubles: Float64Array;

  constructor(buffer: ArrayBuffer, at: number, wordCount: number) {
    this.words = new Int32Array(buffer, at, wordCount);
    this.#doubles = new Float64Array(buffer, at, wordCount / 2);
  }

  get port(): number {
    return this.words[P_PORT] >>> 16;
  }

  get transport(): number {
    return this.words[P_PORT] & 0xffff;
  }

  get family(): number {
    return this.traits & FAMILY_MASK;
  }

  /** Trait bits and family. */
  get traits(): number {
    return this.words[P_TRAITS];
  }

  /** When it began, and when its outcome was known. */
  get startUs(): number {
    return this.#doubles[P_START_US / 2];
  }

  get atUs(): number {
    return this.#doubles[P_AT_US / 2];
  }

  get flowId(): number {
    return this.words[P_FLOW] >>> 0;
  }
}
