/** One check of `doctor`. */
import { TapwatchError } from "../errors.ts";

export interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "failed";
  /** What was found, and behind it the fix. */
  readonly text: string;
  /** What to do; "" when all is well. */
  readonly fix: string;
  /** Exit status that the failure leads to. */
  readonly exitCode: number;
}

export function good(name: string, text: string): Check {
  return { name, state: "ok", text, fix: "", exitCode: 0 };
}

/** `fix` is a sentence without its full stop. */
export function warning(name: string, found: string, fix: string): Check {
  return { name, state: "warning", text: `${found}. ${fix}`, fix, exitCode: 0 };
}

/** `run` gives what was found, or throws a TapwatchError with that and the fix. */
export function check(name: string, exitCode: number, run: () => string): Check {
  try {
    return good(name, run());
  } catch (error) {
    if (!(error instanceof TapwatchError)) throw error;
    return failed(name, exitCode, error.message);
  }
}

export function failed(name: string, exitCode: number, text: string): Check {
  return { name, state: "failed", text, fix: fixIn(text), exitCode };
}

/** What stands behind the first sentence; all of it where there is but one. */
function fixIn(text: string): string {
  return /^.*?\.\s+(?=[A-Z])([\s\S]+)$/.exec(text)?.[1] ?? text;
}
