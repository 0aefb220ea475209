/** Composition root: reads the configuration, runs the command, turns errors into exit statuses. */
import { runCommand } from "./agent/cli/commands.ts";
import { failureText } from "./agent/cli/failure_text.ts";
import { readConfig } from "./agent/cli/read_config.ts";
import type { Config } from "./agent/config.ts";
import { TapwatchError } from "./agent/errors.ts";
import { formatLine } from "./agent/log.ts";

let config: Config | undefined;
// Nothing can happen any more, and the command has not ended.
addEventListener("beforeunload", () => fail(new Error("it waited for what never came")));
main().catch(fail);

async function main(): Promise<void> {
  config = readConfig();
  await runCommand(config);
  Deno.exit(0);
}

function fail(error: unknown): never {
  const isJson = config?.logFormat === "json";
  const text = failureText(error);
  console.error(isJson ? formatLine("error", text, "json") : `tapwatch: ${text}`);
  Deno.exit(error instanceof TapwatchError ? error.exitCode : 1);
}
