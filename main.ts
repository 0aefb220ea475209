/** Composition root: reads the configuration, runs the command, turns errors into exit statuses. */
import { runCommand } from "./agent/cli/commands.ts";
import { parseConfig } from "./agent/config.ts";
import { TapwatchError } from "./agent/errors.ts";

try {
  const config = parseConfig(Deno.args, {
    env: Deno.env.toObject(),
    readTextFile: Deno.readTextFileSync,
    exists,
  });
  await runCommand(config);
  Deno.exit(0);
} catch (error) {
  if (error instanceof TapwatchError) console.error(`tapwatch: ${error.message}`);
  else console.error("tapwatch: this should not have happened; please report it.", error);
  Deno.exit(error instanceof TapwatchError ? error.exitCode : 1);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
