/** `tapwatch help [COMMAND]`, made from the table of options. */
import { COMMAND_NAMES, type CommandName, OPTIONS, type OptionSpec } from "../options.ts";

const commandHelp: Readonly<Record<CommandName, { usage: string; text: string }>> = {
  run: {
    usage: "tapwatch [run]",
    text: "capture live, log, serve the dashboard (the default command)",
  },
  replay: {
    usage: "tapwatch replay FILE",
    text: "the same pipeline and dashboard fed from a capture file (--speed 1 | 10 | max)",
  },
  analyze: {
    usage: "tapwatch analyze FILE...",
    text: "offline, as fast as the machine allows: a report for people, or --json",
  },
  decode: { usage: "tapwatch decode FILE", text: "one TSV line per packet" },
  interfaces: {
    usage: "tapwatch interfaces",
    text: "capture devices with addresses, state and link type; --json",
  },
  doctor: {
    usage: "tapwatch doctor",
    text: "checks libpcap, privileges, results folder, disk and port; says the fix for each",
  },
  "alert-test": {
    usage: "tapwatch alert-test",
    text: "sends one test alert through every configured channel",
  },
  export: {
    usage: "tapwatch export KIND",
    text:
      "packets | flows | anomalies | scans | alerts as --format csv|jsonl, or pcap with --filter",
  },
  version: { usage: "tapwatch version", text: "the version" },
  help: { usage: "tapwatch help [COMMAND]", text: "this page, or the options of one command" },
};

/** Options that a command takes, beyond those of running the pipeline. */
const runCommands: readonly CommandName[] = ["run", "replay"];
const readsResults = ["results", "env-file", "log-level", "log-format"];
const extraOptions: Partial<Record<CommandName, readonly string[]>> = {
  analyze: ["log-level", "log-format", "env-file"],
  decode: ["log-level", "log-format", "env-file"],
  interfaces: ["allow-ffi", "env-file"],
  doctor: ["interface", "host", "port", "allow-ffi", ...readsResults],
  "alert-test": ["smtp-url", "mail-from", "mail-to", "webhook", ...readsResults],
  export: ["filter", ...readsResults],
};

/** The page of a command; of all with null. */
export function helpText(command: CommandName | null): string {
  if (command === null) {
    const width = Math.max(...COMMAND_NAMES.map((name) => commandHelp[name].usage.length));
    const commands = COMMAND_NAMES.map((name) =>
      `  ${commandHelp[name].usage.padEnd(width)}  ${commandHelp[name].text}`
    );
    return [
      "tapwatch watches the network of one host: captures, decodes, logs and shows.",
      "",
      ...commands,
      "",
      "Options of run and replay:",
      ...optionLines(optionsOf("run")),
      "",
      "Flags win over the environment, it over .env, it over the defaults.",
      "Exit status: 0 done, 1 failed while running, 2 wrong usage or configuration,",
      "3 a library or privilege is missing, 4 the input is no readable capture.",
    ].join("\n");
  }
  const options = optionsOf(command);
  const { usage, text } = commandHelp[command];
  return [
    `${usage}${options.length > 0 ? " [options]" : ""}`,
    text,
    ...(options.length > 0 ? ["", "Options:", ...optionLines(options)] : []),
  ].join("\n");
}

function optionsOf(command: CommandName): OptionSpec[] {
  return OPTIONS.filter((option) => {
    if (option.isSecret || option.name === "help" || option.name === "version") return false;
    if (option.commands) return option.commands.includes(command);
    return runCommands.includes(command) || (extraOptions[command]?.includes(option.name) ?? false);
  });
}

function optionLines(options: readonly OptionSpec[]): string[] {
  const heads = options.map(optionHead);
  const width = Math.min(34, Math.max(...heads.map((head) => head.length)));
  return options.map((option, index) => {
    const notes = [
      option.default !== undefined && option.default !== "" && option.kind !== "boolean"
        ? `default ${option.default}`
        : "",
      option.env ?? "",
    ].filter((note) => note !== "");
    const tail = notes.length > 0 ? ` (${notes.join("; ")})` : "";
    return `  ${heads[index].padEnd(width)}  ${option.help}${tail}`;
  });
}

function optionHead(option: OptionSpec): string {
  const short = option.short ? `-${option.short}, ` : "    ";
  const negated = option.kind === "boolean" && option.default === true
    ? ` / --no-${option.name}`
    : "";
  const value = option.placeholder ? ` ${option.placeholder}` : "";
  return `${short}--${option.name}${value}${negated}`;
}
