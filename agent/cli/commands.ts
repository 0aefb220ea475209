/** Finds the code of a command; each command's modules are loaded only when it runs. */
import type { Config } from "../config.ts";
import { UsageError } from "../errors.ts";
import { isJournal, Log } from "../log.ts";
import { COMMAND_NAMES, type CommandName } from "../options.ts";
import { VERSION } from "../version.ts";
import { helpText } from "./help.ts";
import { writeToStdout } from "./stdout.ts";

/** Runs the configured command to its end. Throws TapwatchError. */
export async function runCommand(config: Config): Promise<void> {
  const log = new Log({
    level: config.logLevel,
    format: config.logFormat,
    isJournal: isJournal(Deno.env.get("JOURNAL_STREAM")),
  });
  for (const text of config.warnings) log.warning(text);
  if (config.configAction !== null) return (await import("./config_command.ts")).tellConfig(config);
  switch (config.command) {
    case "run":
    case "replay":
      return (await import("./run.ts")).runLive(config, log);
    case "analyze":
      return (await import("./analyze.ts")).runAnalyze(config, log);
    case "decode":
      return (await import("./decode.ts")).runDecode(
        config.operands[0],
        writeToStdout,
        config.vxlanPorts,
      );
    case "interfaces":
      return (await import("./interfaces.ts")).runInterfaces(config);
    case "doctor":
      return (await import("./doctor.ts")).runDoctor(config);
    case "export":
      return (await import("./export_command.ts")).runExportCommand(config);
    case "alert-test":
      return (await import("./alert_test_command.ts")).runAlertTest(config);
    case "self-test":
      return (await import("./self_test.ts")).runSelfTest(config);
    case "install-service":
      return (await import("./install_service.ts")).runInstallService(config);
    case "hub":
      return (await import("./hub.ts")).runHub(config, log);
    case "fleet":
      return (await import("./fleet.ts")).runFleet(config);
    case "licenses":
      return (await import("./licenses.ts")).runLicenses();
    case "version":
      return console.log(
        config.isJson
          ? JSON.stringify({ name: "tapwatch", version: VERSION })
          : `tapwatch ${VERSION}`,
      );
    case "help":
      return console.log(helpText(helpTopic(config.operands[0])));
  }
}

function helpTopic(word: string | undefined): CommandName | null {
  if (word === undefined || word === "help") return null;
  const known = COMMAND_NAMES.find((name) => name === word);
  if (known) return known;
  throw new UsageError(
    `Unknown command ${JSON.stringify(word)}. Commands: ${COMMAND_NAMES.join(", ")}.`,
  );
}
