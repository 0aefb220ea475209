/**
 * Flags, environment and `.env` become one validated, frozen Config. Flags win over the process's environment, that
 * over the file, that over the defaults. Everything wrong is refused here, before anything starts, with the value, what
 * is allowed and the nearest name.
 */
import { parseArgs, parseEnv } from "node:util";
import type { QuietHours } from "./alert/quiet_hours.ts";
import {
  asBaseUrl,
  asMailAddress,
  asQuietHours,
  asSyslog,
  asWebhook,
  type SyslogConfig,
  type WebhookConfig,
} from "./alert_options.ts";
import { systemReason, UsageError } from "./errors.ts";
import type { CaptureChoice } from "./messages.ts";
import {
  asBoolean,
  asFleetServers,
  asHomeNet,
  asHubStore,
  asNumber,
  asSite,
  asSpeed,
  asText,
  asTimeUs,
  HOME_WORDS,
  type HubStoreConfig,
  quote,
  type RawValue,
} from "./option_values.ts";
import { idleOptions, listed } from "./idle_options.ts";
import { nearest } from "./nearest.ts";
import type { Severity } from "./records.ts";
import { COMMAND_NAMES, type CommandName, OPTIONS, type OptionSpec } from "./options.ts";

export interface Config {
  readonly command: CommandName;
  /** What stands after the command: files, or the kind of an export. */
  readonly operands: readonly string[];
  readonly interfaces: readonly string[];
  readonly filter: string;
  readonly capture: CaptureChoice;
  readonly bufferMb: number;
  readonly snaplen: number;
  readonly isPromiscuous: boolean;
  readonly captureThreads: number;
  readonly captureCount: number;
  readonly captureTimeoutMs: number;
  readonly resultsFolder: string;
  readonly host: string;
  readonly port: number;
  /** Dashboard login; null without one. Secret. */
  readonly password: string | null;
  readonly anomalyThresholdPct: number;
  /** Quantile of the forest's held-out scores above which a window is anomalous, 0.5 to below 1. */
  readonly anomalyQuantile: number;
  readonly alertIntervalS: number;
  readonly smtp: SmtpConfig | null;
  readonly mailFrom: string | null;
  readonly mailTo: readonly string[];
  readonly webhooks: readonly WebhookConfig[];
  /** Secret. */
  readonly webhookSecret: string | null;
  readonly syslog: SyslogConfig | null;
  readonly alertSeverity: Severity;
  readonly alertsPerHour: number;
  readonly quietHours: QuietHours | null;
  /** What links in alerts begin with, without a slash at the end. */
  readonly dashboardUrl: string;
  /** Whom a process started as root becomes; null to stay who it is. */
  readonly user: string | null;
  /** What is local: networks, and HOME_WORDS. */
  readonly homeNets: readonly string[];
  /** The processes of this host behind its flows are looked for, and all their arguments are kept. */
  readonly namesProcesses: boolean;
  readonly hasProcessArguments: boolean;
  /** MMDB files; none takes those of the usual folder. */
  readonly geoFiles: readonly string[];
  /** Files of block lists. */
  readonly blocklists: readonly string[];
  /** UDP ports of VXLAN besides the usual ones. */
  readonly vxlanPorts: readonly number[];
  readonly logPackets: LogPackets;
  readonly retentionDays: number;
  readonly historyDays: number;
  readonly retentionMb: number;
  readonly pcapFileMb: number;
  readonly pcapFiles: number;
  /** Packets of findings that are kept beyond the ring; 0 keeps none. */
  readonly evidenceMb: number;
  /** Free space below which captures, then packet rows, then flow rows stop growing. */
  readonly minFreeMb: number;
  readonly logLevel: LogLevel;
  readonly logFormat: "text" | "json";
  readonly isFfiAllowed: boolean;
  /** Multiple of the file's own speed; 0 is as fast as possible. */
  readonly speed: number;
  readonly isJson: boolean;
  readonly flowsFile: string | null;
  readonly eveFile: string | null;
  /** First contacts are findings. */
  readonly hasFirstContactFindings: boolean;
  /** `results/eve.json` is written. */
  readonly hasEveLog: boolean;
  /** Addresses of the engine that an agent reports to; none is no fleet. */
  readonly fleetServers: readonly string[];
  readonly fleetCredentials: string | null;
  readonly fleetLevel: "findings" | "rollups" | "flows";
  readonly fleetSpoolMb: number;
  readonly fleetSite: string;
  /** Where the hub keeps flows. */
  readonly hubStore: HubStoreConfig;
  /** Of `tapwatch fleet`. */
  readonly fleetFolder: string;
  readonly fleetStoreGb: number;
  readonly fleetReplicas: number;
  readonly exportFormat: "csv" | "jsonl";
  readonly fromUs: number | null;
  readonly toUs: number | null;
  /** What was given and changes nothing: a sentence each. */
  readonly warnings: readonly string[];
  /** `install-service` does it, and does the opposite. */
  readonly isConfirmed: boolean;
  readonly isUninstall: boolean;
  /** Only this is to be done: show the configuration, or check it. */
  readonly configAction: "print" | "check" | null;
  /** The file that variables were read from; null without one. */
  readonly envFile: string | null;
  /** What was given, by option, as it was; the rest are defaults. With secrets. */
  readonly given: ReadonlyMap<string, readonly RawValue[]>;
}

type LogPackets = "all" | "sampled" | "anomalous" | "none";
export type LogLevel = "debug" | "info" | "warning" | "error";

export interface SmtpConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string | null;
  /** Secret. */
  readonly password: string | null;
  readonly security: "starttls" | "tls" | "none";
  /** PEM of the certificate authority; null for the system's. */
  readonly ca: string | null;
}

/** What parsing needs of the world; tests give their own. */
export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file; throws when it cannot be read. */
  readonly readTextFile: (path: string) => string;
  /** Whether the default `.env` is there. */
  readonly exists: (path: string) => boolean;
  /** Why the default `.env` must not be heeded, as "belongs to another user"; "" when it may be. */
  readonly distrust?: (path: string) => string;
}

type RawValues = Map<string, RawValue[]>;

const specByName = new Map(OPTIONS.map((spec) => [spec.name, spec]));

/** Reads the arguments behind the program's name. Throws UsageError. */
export function parseConfig(args: readonly string[], sources: ConfigSources): Config {
  const { command, operands, flags } = parseCommandLine(args);
  if (flags.has("help")) return build("help", [command], new Map(), sources);
  if (flags.has("version")) return build("version", [], new Map(), sources);
  checkCommandTakes(command, flags);
  checkOperands(command, operands, isAboutConfig(flags));
  checkUseless(command, operands, flags);
  const file = readEnvFile(flags, sources);
  const variables = environmentValues(command, file, sources);
  return build(
    command,
    operands,
    new Map([...variables, ...flags]),
    sources,
    file.isRead ? file.path : null,
  );
}

function parseCommandLine(args: readonly string[]) {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      OPTIONS.filter((spec) => !spec.isSecret).map((spec) => [spec.name, {
        type: spec.kind === "boolean" ? "boolean" as const : "string" as const,
        ...(spec.short ? { short: spec.short } : {}),
      }]),
    ),
  });
  const flags: RawValues = new Map();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    else if (token.kind === "option") addFlag(flags, token.rawName, token.name, token.value);
  }
  const command = commandOf(positionals[0]);
  // The executable may not open files of /dev by name.
  const operands = positionals.slice(1).map((word) => word === "/dev/stdin" ? "-" : word);
  return { command, operands, flags };
}

function commandOf(word: string | undefined): CommandName {
  if (word === undefined) return "run";
  const known = COMMAND_NAMES.find((name) => name === word);
  if (known) return known;
  const hint = nearest(word, COMMAND_NAMES);
  throw new UsageError(
    `Unknown command ${quote(word)}.${hint ? ` Did you mean ${hint}?` : ""} ` +
      `Commands: ${COMMAND_NAMES.join(", ")}.`,
  );
}

function addFlag(flags: RawValues, rawName: string, name: string, value: string | undefined): void {
  const negated = name.startsWith("no-") ? specByName.get(name.slice(3)) : undefined;
  const spec = negated?.kind === "boolean" && negated.default === true
    ? negated
    : specByName.get(name);
  if (!spec || spec.isSecret) throw unknownOption(rawName, name);
  if (spec.kind === "boolean") {
    if (value !== undefined) {
      throw new UsageError(`Option ${rawName} takes no value, got ${quote(value)}.`);
    }
    flags.set(spec.name, [{ origin: rawName, value: spec !== negated }]);
    return;
  }
  if (value === undefined) {
    throw new UsageError(`Option ${rawName} needs a value: ${rawName} ${spec.placeholder}.`);
  }
  const raw = { origin: rawName, value };
  flags.set(spec.name, spec.isRepeatable ? [...(flags.get(spec.name) ?? []), raw] : [raw]);
}

function unknownOption(rawName: string, name: string): UsageError {
  if (specByName.get(name)?.isSecret) {
    const { env } = specByName.get(name)!;
    return new UsageError(
      `${rawName} is no option, so that it stays out of process lists. Set ${env}.`,
    );
  }
  const known = OPTIONS.filter((spec) => !spec.isSecret).flatMap((spec) =>
    spec.kind === "boolean" && spec.default === true ? [spec.name, `no-${spec.name}`] : [spec.name]
  );
  const hint = nearest(name, known);
  return new UsageError(
    `Unknown option ${rawName}.${hint ? ` Did you mean --${hint}?` : ""} See tapwatch help.`,
  );
}

/** `--print-config` and `--check-config` do nothing else, whatever the command. */
function isAboutConfig(flags: RawValues): boolean {
  return flags.has("print-config") || flags.has("check-config");
}

function checkCommandTakes(command: CommandName, flags: RawValues): void {
  for (const [name, [raw]] of flags) {
    const { commands, isHarmless } = specByName.get(name)!;
    if (name === "json" && flags.has("print-config")) continue;
    if (!commands || isHarmless || commands.includes(command)) continue;
    // They become the settings of the service.
    if (command === "install-service" && commands.includes("run")) continue;
    throw new UsageError(
      `Option ${raw!.origin} belongs to ${listed(commands)}, not to ${command}.`,
    );
  }
}

/** Flags that the command takes, and that change nothing of what it was asked for: an option, and why. */
function checkUseless(command: CommandName, operands: readonly string[], flags: RawValues): void {
  const useless = [
    ...flags.has("check-config")
      ? [["print-config", "--check-config only checks."], ["json", "--check-config only checks."]]
      : [],
    ...command === "export" ? uselessOfExport(operands[0]) : [],
    ...command === "fleet" ? uselessOfFleet(operands[0]) : [],
    ...command === "install-service" && flags.has("uninstall") ? uselessOfUninstall : [],
  ] as readonly (readonly [string, string])[];
  for (const [option, why] of useless) {
    const given = flags.get(option)?.[0];
    if (given) throw new UsageError(`${given.origin} has no effect here: ${why}`);
  }
}

/** Rows and packets are narrowed down in different ways. */
function uselessOfExport(kind: string | undefined): (readonly [string, string])[] {
  if (kind === "pcap") return [["format", "packets are exported as a pcap file."]];
  return [
    ...(kind === "hosts"
      ? [["from", "hosts have no time."], ["to", "hosts have no time."]] as const
      : []),
    ["vxlan-port", "rows are as they were decoded."],
  ];
}

/** By option, the one command of `tapwatch fleet` that heeds it. */
const verbOfFleetOption = {
  "fleet": "streams",
  "fleet-replicas": "streams",
  "fleet-store-gb": "init",
  "json": "list",
} as const;

function uselessOfFleet(verb: string | undefined): (readonly [string, string])[] {
  return Object.entries(verbOfFleetOption).filter(([, heeding]) => heeding !== verb)
    .map(([option, heeding]) => [option, `it is for tapwatch fleet ${heeding}.`]);
}

const uselessOfUninstall = OPTIONS.filter(({ commands }) => commands?.includes("run"))
  .map(({ name }) => [name, "--uninstall takes the service away, whatever its settings."] as const);

const operandCounts: Partial<Record<CommandName, { min: number; max: number; what: string }>> = {
  replay: { min: 1, max: 1, what: "one capture file (or - for stdin)" },
  analyze: { min: 1, max: Infinity, what: "at least one capture file (or - for stdin)" },
  decode: { min: 1, max: 1, what: "one capture file (or - for stdin)" },
  export: {
    min: 1,
    max: 1,
    what: "one of packets, flows, anomalies, scans, incidents, alerts, hosts, pcap",
  },
  fleet: { min: 1, max: Infinity, what: "one of init, enroll, revoke, list, streams" },
  help: { min: 0, max: 1, what: "at most one command" },
};

/** `mayBeNone`: nothing is done with them. */
function checkOperands(
  command: CommandName,
  operands: readonly string[],
  mayBeNone: boolean,
): void {
  const { min, max, what } = operandCounts[command] ?? { min: 0, max: 0, what: "no argument" };
  if (operands.length >= (mayBeNone ? 0 : min) && operands.length <= max) return;
  const got = operands.length === 0 ? "none" : operands.map(quote).join(", ");
  throw new UsageError(`tapwatch ${command} takes ${what}, got ${got}.`);
}

/** All variables, but those that stand for other commands' flags. */
function environmentValues(
  command: CommandName,
  file: EnvFile,
  sources: ConfigSources,
): RawValues {
  checkVariables(Object.keys(sources.env));
  const values: RawValues = new Map();
  for (const spec of OPTIONS) {
    if (!spec.env || spec.flagOnly?.includes(command)) continue;
    const fromProcess = sources.env[spec.env];
    const text = fromProcess ?? file.values[spec.env];
    // An empty password is a mistake that would leave the door open; any other empty variable is none.
    if (text === undefined || text === "" && spec.name !== "password") continue;
    const origin = fromProcess === undefined ? `${spec.env} in ${file.path}` : spec.env;
    const parts = spec.isRepeatable
      ? text.split(",").map((part) => part.trim()).filter(Boolean)
      : [text];
    values.set(spec.name, parts.map((value) => ({ origin, value })));
  }
  return values;
}

interface EnvFile {
  readonly path: string;
  readonly isRead: boolean;
  readonly values: Readonly<Record<string, string | undefined>>;
}

function readEnvFile(flags: RawValues, sources: ConfigSources): EnvFile {
  const given = flags.get("env-file")?.[0]?.value as string | undefined;
  const path = given ?? ".env";
  if (given === undefined && !sources.exists(path)) return { path, isRead: false, values: {} };
  const distrust = given === undefined ? sources.distrust?.(path) ?? "" : "";
  if (distrust !== "") {
    throw new UsageError(
      `${path} in this folder ${distrust}, so root does not take its settings from it. Start tapwatch in another folder, ` +
        `or with --env-file ${path} if it is yours.`,
    );
  }
  const values = parseEnv(readFile("--env-file", path, sources));
  const unknown = unknownVariables(Object.keys(values))[0];
  if (!unknown) return { path, isRead: true, values };
  const { name, hint } = unknown;
  throw new UsageError(
    `Unknown variable ${name} in ${path}.${hint ? ` Did you mean ${hint}?` : ""}`,
  );
}

/** In the process's environment others may have variables of this kind: refused is what one of ours was meant by. */
function checkVariables(names: readonly string[]): void {
  const meant = unknownVariables(names).find(({ hint }) => hint !== null);
  if (meant) throw new UsageError(`Unknown variable ${meant.name}. Did you mean ${meant.hint}?`);
}

const prefix = "TAPWATCH_";
const knownVariables = OPTIONS.flatMap(({ env }) => env ? [env.slice(prefix.length)] : []);

/** Variables with our prefix that are none of ours, with the one that was probably meant. */
function unknownVariables(names: readonly string[]) {
  return names.filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((name) => !knownVariables.includes(name))
    .map((name) => {
      const hint = nearest(name, knownVariables);
      return { name: prefix + name, hint: hint && prefix + hint };
    });
}

function build(
  command: CommandName,
  operands: readonly string[],
  values: RawValues,
  sources: ConfigSources,
  envFile: string | null = null,
): Config {
  const text = (name: string) => one(values, name, asText);
  const int = (name: string) => one(values, name, asNumber)!;
  const config: Config = {
    command,
    operands,
    interfaces: (values.get("interface") ?? []).map((raw) =>
      asText(raw, specByName.get("interface")!)
    ),
    filter: text("filter")!,
    capture: captureOf(text("capture") as CaptureChoice, int("capture-threads")),
    bufferMb: int("buffer-mb"),
    snaplen: int("snaplen"),
    isPromiscuous: one(values, "promiscuous", asBoolean)!,
    captureThreads: int("capture-threads"),
    captureCount: int("capture-count"),
    captureTimeoutMs: int("capture-timeout"),
    resultsFolder: text("results")!,
    host: text("host")!,
    port: int("port"),
    password: passwordOf(values, sources),
    anomalyThresholdPct: int("anomaly-threshold"),
    anomalyQuantile: int("anomaly-quantile"),
    alertIntervalS: int("alert-interval"),
    smtp: smtpOf(values, sources),
    mailFrom: one(values, "mail-from", asMailAddress),
    mailTo: (values.get("mail-to") ?? []).map(asMailAddress),
    webhooks: (values.get("webhook") ?? []).map(asWebhook),
    webhookSecret: text("webhook-secret"),
    syslog: syslogOf(values, sources),
    alertSeverity: text("alert-severity") as Severity,
    alertsPerHour: int("alerts-per-hour"),
    quietHours: one(values, "quiet-hours", asQuietHours),
    dashboardUrl: one(values, "dashboard-url", asBaseUrl) ??
      `http://${bracketed(text("host")!)}:${int("port")}`,
    user: text("user"),
    homeNets: values.get("home-net")?.map(asHomeNet) ?? HOME_WORDS,
    namesProcesses: one(values, "processes", asBoolean)!,
    hasProcessArguments: one(values, "process-arguments", asBoolean)!,
    geoFiles: [
      ...new Set((values.get("geo-db") ?? []).map((raw) => asText(raw, specByName.get("geo-db")!))),
    ],
    blocklists: (values.get("blocklist") ?? []).map((raw) =>
      asText(raw, specByName.get("blocklist")!)
    ),
    vxlanPorts: (values.get("vxlan-port") ?? []).map((raw) =>
      asNumber(raw, specByName.get("vxlan-port")!)
    ),
    logPackets: text("log-packets") as LogPackets,
    retentionDays: int("retention-days"),
    historyDays: int("history-days"),
    retentionMb: int("retention-mb"),
    pcapFileMb: int("pcap-file-mb"),
    pcapFiles: int("pcap-files"),
    evidenceMb: int("evidence-mb"),
    minFreeMb: int("min-free-mb"),
    logLevel: text("log-level") as LogLevel,
    logFormat: text("log-format") as "text" | "json",
    isFfiAllowed: one(values, "allow-ffi", asBoolean)!,
    speed: one(values, "speed", asSpeed) ?? 1,
    isJson: one(values, "json", asBoolean)!,
    flowsFile: text("flows"),
    eveFile: text("eve"),
    hasFirstContactFindings: one(values, "first-contact-findings", asBoolean)!,
    hasEveLog: one(values, "eve-log", asBoolean)!,
    // A self-test's scan, say, is nothing for the fleet.
    fleetServers: heeds(command, "fleet")
      ? (values.get("fleet") ?? []).flatMap(asFleetServers)
      : [],
    fleetCredentials: text("fleet-credentials"),
    fleetLevel: text("fleet-level") as Config["fleetLevel"],
    fleetSpoolMb: int("fleet-spool-mb"),
    fleetSite: one(values, "fleet-site", asSite) ?? "",
    hubStore: asHubStore(
      values.get("hub-store")?.[0] ?? { origin: "--hub-store", value: "sqlite" },
      text("hub-store-password") ?? "",
    ),
    fleetFolder: text("fleet-folder")!,
    fleetStoreGb: int("fleet-store-gb"),
    fleetReplicas: int("fleet-replicas"),
    exportFormat: text("format") as "csv" | "jsonl",
    fromUs: one(values, "from", asTimeUs),
    toUs: one(values, "to", asTimeUs),
    warnings: [],
    isConfirmed: one(values, "yes", asBoolean)!,
    isUninstall: one(values, "uninstall", asBoolean)!,
    configAction: values.has("print-config")
      ? "print"
      : values.has("check-config")
      ? "check"
      : null,
    envFile,
    given: values,
  };
  checkDashboardAddress(config);
  checkChannels(config, values);
  checkFleet(config, values);
  const { fromUs, toUs } = config;
  if (fromUs !== null && toUs !== null && toUs <= fromUs) {
    throw new UsageError("--to must be later than --from.");
  }
  const smtpUrl = URL.parse(String(values.get("smtp-url")?.[0]?.value));
  return Object.freeze({
    ...config,
    warnings: idleOptions(config, heeded(asCommand(command), values), smtpUrl),
  });
}

/** How the options were given that the command heeds. */
function heeded(command: CommandName, values: RawValues): ReadonlyMap<string, string> {
  return new Map(
    [...values].filter(([name]) => specByName.get(name)!.commands?.includes(command) ?? true)
      .map(([name, [raw]]) => [name, raw!.origin]),
  );
}

function one<T>(
  values: RawValues,
  name: string,
  convert: (raw: RawValue, spec: OptionSpec) => T,
): T | null {
  const spec = specByName.get(name)!;
  const raw = values.get(name)?.[0];
  if (raw) return convert(raw, spec);
  if (spec.default === undefined) return null;
  return typeof spec.default === "string"
    ? convert({ origin: name, value: spec.default }, spec)
    : spec.default as T;
}

function passwordOf(values: RawValues, sources: ConfigSources): string | null {
  const file = values.get("password-file")?.[0];
  const password = file
    ? readFile(file.origin, String(file.value), sources).replace(/\r?\n$/, "")
    : values.get("password")?.[0]?.value as string | undefined;
  if (password === undefined) return null;
  if (password.length >= 8) return password;
  throw new UsageError(
    `The dashboard's password (${
      file ? file.value : "TAPWATCH_PASSWORD"
    }) must have at least 8 characters.`,
  );
}

function smtpOf(values: RawValues, sources: ConfigSources): SmtpConfig | null {
  const user = one(values, "smtp-user", asText);
  const password = one(values, "smtp-password", asText);
  const raw = values.get("smtp-url")?.[0];
  const caFile = values.get("smtp-ca")?.[0];
  const ca = caFile ? readFile(caFile.origin, String(caFile.value), sources) : null;
  if (raw) return { ...smtpFromUrl(raw, user, password), ca };
  const host = one(values, "smtp-host", asText);
  if (host === null) return null;
  const security = one(values, "smtp-security", asText) as SmtpConfig["security"];
  const port = one(values, "smtp-port", asNumber) ?? (security === "tls" ? 465 : 587);
  return { host, port, user, password, security, ca };
}

function syslogOf(values: RawValues, sources: ConfigSources): SyslogConfig | null {
  const syslog = one(values, "syslog", asSyslog);
  const caFile = values.get("syslog-ca")?.[0];
  if (syslog === null) return null;
  return { ...syslog, ca: caFile ? readFile(caFile.origin, String(caFile.value), sources) : null };
}

function smtpFromUrl(
  raw: RawValue,
  user: string | null,
  password: string | null,
): Omit<SmtpConfig, "ca"> {
  const url = URL.parse(String(raw.value));
  if (!url || !["smtp:", "smtps:"].includes(url.protocol) || url.hostname === "") {
    throw new UsageError(`${raw.origin} must look like smtp://host:587 or smtps://host:465.`);
  }
  if (url.password !== "" && raw.origin.startsWith("-")) {
    throw new UsageError(`${raw.origin} must not hold the password. Set TAPWATCH_SMTP_PASSWORD.`);
  }
  const isTls = url.protocol === "smtps:";
  const security = url.searchParams.get("security");
  const isKnown = url.searchParams.size === 0 ||
    url.searchParams.size === 1 && !isTls && ["starttls", "none"].includes(security ?? "");
  if (!isKnown || !["", "/"].includes(url.pathname) || url.hash !== "") {
    throw new UsageError(
      `${raw.origin} takes nothing behind the port but ?security=none (or starttls) of smtp://.`,
    );
  }
  return {
    host: url.hostname,
    port: url.port === "" ? (isTls ? 465 : 587) : Number(url.port),
    user: url.username === "" ? user : decodeURIComponent(url.username),
    password: url.password === "" ? password : decodeURIComponent(url.password),
    security: isTls ? "tls" : security === "none" ? "none" : "starttls",
  };
}

/** Mail needs a server and a receiver: one without the other would be ignored in silence. */
function checkChannels({ command, smtp, mailTo, syslog }: Config, values: RawValues): void {
  const tells = specByName.get("smtp-url")!.commands!.includes(command);
  if (!tells && command !== "install-service") return;
  if (smtp !== null && mailTo.length === 0) {
    throw new UsageError("A mail server is set up, but nobody to write to. Add --mail-to ADDR.");
  }
  const alone = ["mail-to", "mail-from", "smtp-ca"].find((name) => values.has(name));
  if (smtp === null && alone !== undefined) {
    const { origin } = values.get(alone)![0]!;
    throw new UsageError(`${origin} has no effect without a mail server. Add --smtp-url URL.`);
  }
  const syslogCa = values.get("syslog-ca")?.[0];
  if (syslogCa && syslog?.protocol !== "tls") {
    throw new UsageError(`${syslogCa.origin} has no effect without --syslog tls://HOST.`);
  }
}

/** Only a packet socket shares packets out among threads. */
function captureOf(choice: CaptureChoice, threads: number): CaptureChoice {
  if (threads === 1) return choice;
  if (choice !== "pcap") return "afpacket";
  throw new UsageError(
    `libpcap does not share the packets of a device out among ${threads} threads. ` +
      "Give --capture afpacket (Linux), or leave --capture-threads out.",
  );
}

/** An agent needs both, to know whom to report to and as whom. */
function checkFleet({ command, fleetServers, fleetCredentials }: Config, values: RawValues): void {
  // The hub's lie in the fleet's folder, and say where the engine is.
  if (!heeds(command, "fleet-credentials") || command === "hub") return;
  if (fleetServers.length > 0 && fleetCredentials === null) {
    throw new UsageError(
      `${
        values.get("fleet")![0]!.origin
      } needs --fleet-credentials FILE: tapwatch fleet enroll makes it.`,
    );
  }
  if (fleetServers.length === 0 && fleetCredentials !== null) {
    throw new UsageError(
      `${values.get("fleet-credentials")![0]!.origin} has no effect without --fleet URL.`,
    );
  }
}

function heeds(command: CommandName, option: string): boolean {
  return specByName.get(option)!.commands?.includes(asCommand(command)) ?? true;
}

/** Options of the service are those of what it runs. */
function asCommand(command: CommandName): CommandName {
  return command === "install-service" ? "run" : command;
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Loopback names and addresses; anything else is reachable by others. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(host);
}

function checkDashboardAddress(config: Config): void {
  const servesDashboard = ["run", "replay", "install-service"].includes(config.command);
  if (!servesDashboard || isLoopbackHost(config.host) || config.password !== null) return;
  throw new UsageError(
    `Binding the dashboard to ${config.host} lets others in, so it needs a password: ` +
      `put one into a file and add --password-file FILE, or set TAPWATCH_PASSWORD. Or leave --host at 127.0.0.1.`,
  );
}

function readFile(origin: string, path: string, sources: ConfigSources): string {
  try {
    return sources.readTextFile(path);
  } catch (error) {
    throw new UsageError(`Cannot read ${path} (${origin}): ${systemReason(error)}.`);
  }
}
