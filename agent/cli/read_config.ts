/** The configuration of this process: its arguments, its environment and its `.env`. */
import { type Config, parseConfig } from "../config.ts";

/** Reads all of it anew. Throws UsageError. */
export function readConfig(): Config {
  return parseConfig(Deno.args, {
    env: Deno.env.toObject(),
    readTextFile: Deno.readTextFileSync,
    exists,
    distrust,
  });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Root is told what to do by root alone. */
function distrust(path: string): string {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return "";
  const { uid, mode } = Deno.statSync(path);
  if (uid !== 0) return "belongs to another user";
  return (mode! & 0o022) === 0 ? "" : "may be written by others";
}
