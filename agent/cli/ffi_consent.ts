/** Live capture loads native code of the host, so somebody must have said yes. */
import type { Config } from "../config.ts";
import { MissingError } from "../errors.ts";

/**
 * Throws MissingError when the executable was started without `--allow-ffi`. Under `deno run` Deno's own permission is
 * the consent, and Deno asks or refuses by itself.
 */
export function requireFfiConsent(config: Config): void {
  if (hasFfiConsent(config)) return;
  throw new MissingError(
    "Live capture loads libraries of this host: start tapwatch with --allow-ffi (or TAPWATCH_ALLOW_FFI=1) to allow that.",
  );
}

export function hasFfiConsent({ isFfiAllowed }: Pick<Config, "isFfiAllowed">): boolean {
  return !Deno.build.standalone || isFfiAllowed;
}
