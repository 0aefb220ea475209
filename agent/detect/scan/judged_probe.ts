import { EndsHash } from "./ends_hash.ts";

/** A first contact whose outcome is known; one object is filled again for each. */
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
  /** Source (words 0 to 3), destination (4 to 7), port << 16 | transport (8). */
  readonly key = new Int32Array(9);
  readonly ends = new EndsHash();
  family = 0;
  /** Trait bits. */
  traits = 0;
  /** One of Outcome. */
  outcome = 0;
  /** True when silence is all that is known. */
  isSilent = false;
  /** When it began, and when its outcome was known. */
  startUs = 0;
  atUs = 0;
  sourcePort = 0;
  flowId = 0;

  get port(): number {
    return this.key[8] >>> 16;
  }
}
