/**
 * StoreQueries from another thread: the same questions, answered later. Reading takes up to some hundred milliseconds, in which the
 * main thread goes on; reader_worker.ts asks the database, one question after the other.
 */
import { UsageError } from "../errors.ts";
import { SearchError } from "../search/search_error.ts";
import { StoreError, type StoreErrorKind } from "./failure.ts";
import type { StoreQueries } from "./queries.ts";

type Question = Exclude<keyof StoreQueries, "close">;

/** The methods of StoreQueries, each with a promise; they reject with what those throw. */
export type StoreReader = {
  readonly [Name in Question]: (
    ...parameters: Parameters<StoreQueries[Name]>
  ) => Promise<ReturnType<StoreQueries[Name]>>;
};

/** A question, and its answer with the same number. */
export interface ReaderQuestion {
  readonly sequence: number;
  readonly name: string;
  readonly parameters: readonly unknown[];
}
export interface ReaderAnswer {
  readonly sequence: number;
  readonly value?: unknown;
  readonly failure?: ReaderFailure;
}
/** An error as it passes between threads, where it would lose its class. */
interface ReaderFailure {
  readonly name: string;
  readonly message: string;
  readonly kind?: StoreErrorKind;
  readonly column?: number;
  readonly detail?: string;
}

/** A reader that hands each question to `ask`. */
export function makeReader(
  ask: (name: string, parameters: readonly unknown[]) => Promise<unknown>,
): StoreReader {
  return new Proxy({} as StoreReader, {
    // It is no promise itself, should anybody wait for it.
    get: (_, name) =>
      name === "then" ? undefined : (...parameters: unknown[]) => ask(String(name), parameters),
  });
}

/** A reader in this thread. */
export function readHere(queries: StoreQueries): StoreReader {
  return makeReader((name, parameters) =>
    Promise.resolve().then(() => answer(queries, name, parameters))
  );
}

/** What `queries` answers; throws what it throws. */
export function answer(
  queries: StoreQueries,
  name: string,
  parameters: readonly unknown[],
): unknown {
  const method = queries[name as Question] as (...parameters: readonly unknown[]) => unknown;
  return method.apply(queries, parameters as unknown[]);
}

export function toFailure(error: unknown): ReaderFailure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { message } = error;
  // By class, not by name: subclasses of RangeError have names of their own.
  if (error instanceof SearchError) {
    return { name: "SearchError", message, column: error.column, detail: error.detail };
  }
  if (error instanceof StoreError) return { name: "StoreError", message, kind: error.kind };
  if (error instanceof UsageError) return { name: "UsageError", message };
  return { name: error instanceof RangeError ? "RangeError" : "Error", message };
}

export function toError({ name, message, kind, column, detail }: ReaderFailure): Error {
  if (name === "SearchError") return new SearchError(column!, detail!);
  if (name === "StoreError") return new StoreError(kind!, message);
  if (name === "UsageError") return new UsageError(message);
  return name === "RangeError" ? new RangeError(message) : new Error(message);
}
