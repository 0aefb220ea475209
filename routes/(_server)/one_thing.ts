/** JSON of one thing by its number. */
import { UsageError } from "../../agent/errors.ts";
import { errorJson } from "./plain_answers.ts";

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
