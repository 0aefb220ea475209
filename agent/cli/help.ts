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
    text:
      "checks libpcap, rights, results folder, disk, port and mail server; says the fix for each",
  },
  "alert-test": {
    usage: "tapwatch alert-test",
    text: "sends one test alert through every configured channel, and says what each answered",
  },
  "self-test": {
    usage: "tapwatch self-test",
    text: "a made-up scan through all of the program, with times: detected, stored, shown, sent",
  },
  export: {
    usage: "tapwatch export KIND",
    text:
      "packets, flows, anomalies, scans, incidents, alerts, hosts as --format csv|jsonl; or pcap",
  },
  "install-service": {
    usage: "tapwatch install-service",
    text:
      "prints, or with --yes makes and starts, a systemd service; run's options become its settings",
  },
  hub: {
    usage: "tapwatch hub",
    text: "receives many agents over NATS JetStream; one dashboard, one search, one alert for all",
  },
  fleet: {
    usage: "tapwatch fleet init HOST... | enroll NAME | revoke NAME | list | streams",
    text: "prepares the engine of a fleet and its agents' credentials; list --json",
  },
  licenses: { usage: "tapwatch licenses", text: "licences of everything inside the executable" },
  version: { usage: "tapwatch version", text: "the version" },
  help: { usage: "tapwatch help [COMMAND]", text: "this page, or the options of one command" },
};

/** Options of `run` and `replay` that the general page lists first. */
const runCommands: readonly CommandName[] = ["run", "replay"];
const columnsMax = 100;
const helpColumn = 32;

/** The page of a command; of all with null. Lines are at most 100 characters long. */
export function helpText(command: CommandName | null): string {
  return command === null ? generalPage() : commandPage(command);
}

function generalPage(): string {
  const isOfRun = (option: OptionSpec) => runCommands.some((name) => isHeededBy(option, name));
  const flags = OPTIONS.filter(({ isSecret, name }) => !isSecret && !isInformative(name));
  return [
    "tapwatch watches the network of one host: captures, decodes, logs and shows.",
    "",
    ...COMMAND_NAMES.flatMap((name) =>
      columns(`  ${commandHelp[name].usage}`, commandHelp[name].text)
    ),
    "",
    "Options of run and replay:",
    ...flags.filter(isOfRun).flatMap((option) => optionLines(option)),
    "",
    "Options of other commands:",
    ...flags.filter((option) => !isOfRun(option)).flatMap((option) =>
      optionLines(option, `of ${option.commands?.join(", ")}`)
    ),
    "",
    "Only as variables, so that they stay out of process lists:",
    ...OPTIONS.filter(({ isSecret }) => isSecret).flatMap((option) =>
      columns(`      ${option.env}`, option.help)
    ),
    "",
    "--help and --version work everywhere; help COMMAND lists the options of one command.",
    "--print-config (--json) shows every value and where it came from, --check-config only checks them.",
    "Flags win over the environment, it over .env, it over the defaults.",
    "Exit status: 0 done, 1 failed while running, 2 wrong usage or configuration,",
    "3 a library or privilege is missing, 4 the input is no readable capture.",
  ].join("\n");
}

function commandPage(command: CommandName): string {
  const options = OPTIONS.filter((option) =>
    !option.isSecret && !isInformative(option.name) && isHeededBy(option, command)
  );
  const takesOptions = command !== "help";
  const { usage, text } = commandHelp[command];
  return [
    `${usage}${takesOptions ? " [options]" : ""}`,
    text,
    ...(takesOptions
      ? ["", "Options:", ...options.flatMap((option) => optionLines(forCommand(option, command)))]
      : []),
  ].join("\n");
}

function forCommand(option: OptionSpec, command: CommandName): OptionSpec {
  return { ...option, help: option.helpOf?.[command] ?? option.help };
}

function isHeededBy({ commands }: OptionSpec, command: CommandName): boolean {
  return commands?.includes(command) ?? true;
}

function isInformative(name: string): boolean {
  return ["help", "version", "print-config", "check-config"].includes(name);
}

function optionLines(option: OptionSpec, ...remarks: string[]): string[] {
  const hasDefault = option.default !== undefined && option.default !== "" &&
    option.default !== false;
  const notes = [
    ...remarks,
    ...(hasDefault ? [`default ${option.default === true ? "on" : option.default}`] : []),
    ...(option.env ? [option.env] : []),
  ];
  const tail = notes.length > 0 ? ` (${notes.join("; ")})` : "";
  return columns(optionHead(option), option.help + tail);
}

function optionHead(option: OptionSpec): string {
  const short = option.short ? `-${option.short}, ` : "    ";
  const negated = option.kind === "boolean" && option.default === true
    ? `, --no-${option.name}`
    : "";
  const value = option.placeholder ? ` ${option.placeholder}` : "";
  return `  ${short}--${option.name}${value}${negated}`;
}

/** `head`, and `text` to its right in as many lines as it needs; from the next line on when the head is too long. */
function columns(head: string, text: string): string[] {
  const indent = " ".repeat(helpColumn);
  const lines = wrap(text, columnsMax - helpColumn);
  if (head.length + 2 > helpColumn) return [head, ...lines.map((line) => indent + line)];
  return lines.map((line, index) => (index === 0 ? head.padEnd(helpColumn) : indent) + line);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
