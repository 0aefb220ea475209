/** What the program says of the error that ended it. */
import { TapwatchError } from "../errors.ts";

/** In a clone that was never built, what `tools/build.ts` makes is missing. */
const builtFile = /^Module not found "[^"]*\/(_fresh\/[^"]*|\w+_code\.ts)"/;

export function failureText(error: unknown): string {
  if (error instanceof TapwatchError) return error.message;
  if (error instanceof TypeError && builtFile.test(error.message)) {
    return "This clone has not been built yet. Build it once, and after each change of it: deno task build";
  }
  return `This should not have happened; please report it. ${(error as Error)?.stack ?? error}`;
}
