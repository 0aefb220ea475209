/**
 * Failures that end a command, each with the exit status that the command line promises. `message` is one or more
 * full sentences for the person at the terminal: what happened, where, and what to do. Nothing else is printed.
 */

/** Base of the errors below; `exitCode` is the process's. */
export abstract class TapwatchError extends Error {
  abstract readonly exitCode: number;
}

/** It failed while running: disk, port, network. Exit status 1. */
export class RunError extends TapwatchError {
  override readonly name = "RunError";
  readonly exitCode = 1;
}

/** Wrong command line, configuration or capture filter. Exit status 2. */
export class UsageError extends TapwatchError {
  override readonly name = "UsageError";
  readonly exitCode = 2;
}

/** A library or a privilege is missing. Exit status 3. */
export class MissingError extends TapwatchError {
  override readonly name = "MissingError";
  readonly exitCode = 3;
}

/** The input is no readable capture. Exit status 4. */
export class CaptureFormatError extends TapwatchError {
  override readonly name = "CaptureFormatError";
  readonly exitCode = 4;
}

/** What was thrown, as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What `ask` returns; null when there is no such file. */
export function ifThere<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** What the system says against a file, without its number and what was called: "no such file or directory". */
export function systemReason(error: unknown): string {
  return messageOf(error).replace(/ \(os error \d+\).*$/s, "").replace(
    /^[A-Z](?=[a-z])/,
    (letter) => letter.toLowerCase(),
  );
}
