/** One thing by its number or name: its page, its JSON. */
import { page } from "fresh";
import { UsageError } from "../../agent/errors.ts";
import { attempt } from "./lists.ts";
import { errorJson } from "./plain_answers.ts";
import type { State } from "./state.ts";

/** The number in a path; null when it is none. */
export function idOf(text: string | undefined): number | null {
  const id = /^\d{1,16}$/.test(text ?? "") ? Number(text) : NaN;
  return Number.isSafeInteger(id) ? id : null;
}

/** A text in a path, which comes as it was sent: with percent signs. */
export function decodedText(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    return "";
  }
}

/** The page of what `ask` finds; 404 when that is null. */
export async function onePage<T>(
  state: State,
  ask: () => Promise<T | null>,
  titleOf: (found: T) => string,
) {
  const found = await attempt(ask, null);
  if (found.value !== null) state.title = titleOf(found.value);
  const isMissing = found.value === null && found.error === "";
  return page(found, { status: isMissing ? 404 : found.status });
}

/** 404 when there is no such thing, 503 when the database cannot be read. */
export async function oneJson(
  what: string,
  text: string | undefined,
  ask: (id: number) => Promise<object | null>,
): Promise<Response> {
  const id = idOf(text);
  try {
    const found = id === null ? null : await ask(id);
    return found === null
      ? errorJson(404, `There is no ${what} ${JSON.stringify((text ?? "").slice(0, 40))}.`)
      : Response.json(found);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return errorJson(error instanceof UsageError ? 400 : 503, error.message);
  }
}
