/**
 * Flags, environment and `.env` become one validated, frozen Config. Flags win over the process's environment, that
 * over the file, that over the defaults. Everything wrong is refused here, before anything starts, with the value, what
 * is allowed and the nearest name.
 */
import { parseArgs, parseEnv } from "node:util";
import { parseNetwork } from "./decode/addresses.ts";
import { UsageError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { COMMAND_NAMES, type CommandName, OPTIONS, type OptionSpec } from "./options.ts";

export interface Config {
  readonly command: CommandName;
  /** What stands after the command: files, or the kind of an export. */
  readonly operands: readonly string[];
  readonly interfaces: readonly string[];
  readonly filter: string;
  readonly bufferMb: number;
  readonly snaplen: number;
  readonly isPromiscuous: boolean;
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
  readonly webhooks: readonly string[];
  /** What is local: networks, and HOME_WORDS. */
  readonly homeNets: readonly string[];
  readonly logPackets: LogPackets;
  readonly retentionDays: number;
  readonly retentionMb: number;
  readonly pcapFileMb: number;
  readonly pcapFiles: number;
  readonly logLevel: LogLevel;
  readonly logFormat: "text" | "json";
  readonly isFfiAllowed: boolean;
  /** Multiple of the file's own speed; 0 is as fast as possible. */
  readonly speed: number;
  readonly isJson: boolean;
  readonly flowsFile: string | null;
  readonly eveFile: string | null;
  readonly exportFormat: "csv" | "jsonl";
  readonly fromUs: number | null;
  readonly toUs: number | null;
}

/** What --home-net takes besides networks, and what holds without it. */
export const HOME_WORDS = ["private", "own"] as const;

export type LogPackets = "all" | "sampled" | "anomalous" | "none";
export type LogLevel = "debug" | "info" | "warning" | "error";

export interface SmtpConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string | null;
  /** Secret. */
  readonly password: string | null;
  readonly security: "starttls" | "tls" | "none";
}

/** What parsing needs of the world; tests give their own. */
export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file; throws when it cannot be read. */
  readonly readTextFile: (path: string) => string;
  /** Whether the default `.env` is there. */
  readonly exists: (path: string) => boolean;
}

/** Where a value came from, for messages: "--port" or "TAPWATCH_PORT". */
interface RawValue {
  readonly origin: string;
  readonly value: string | boolean;
}
type RawValues = Map<string, RawValue[]>;

const specByName = new Map(OPTIONS.map((spec) => [spec.name, spec]));

/** Reads the arguments behind the program's name. Throws UsageError. */
export function parseConfig(args: readonly string[], sources: ConfigSources): Config {
  const { command, operands, flags } = parseCommandLine(args);
  if (flags.has("help")) return build("help", [command], new Map(), sources);
  if (flags.has("version")) return build("version", [], new Map(), sources);
  checkCommandTakes(command, flags);
  checkOperands(command, operands);
  const values = new Map(environmentValues(flags, sources));
  for (const [name, raw] of flags) values.set(name, raw);
  return build(command, operands, values, sources);
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
  return { command, operands: positionals.slice(1), flags };
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

function checkCommandTakes(command: CommandName, flags: RawValues): void {
  for (const [name, [raw]] of flags) {
    const { commands, isHarmless } = specByName.get(name)!;
    if (!commands || isHarmless || commands.includes(command)) continue;
    throw new UsageError(
      `Option ${raw!.origin} belongs to ${listed(commands)}, not to ${command}.`,
    );
  }
}

/** "a", "a and b", "a, b and c". */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

const operandCounts: Partial<Record<CommandName, { min: number; max: number; what: string }>> = {
  replay: { min: 1, max: 1, what: "one capture file (or - for stdin)" },
  analyze: { min: 1, max: Infinity, what: "at least one capture file (or - for stdin)" },
  decode: { min: 1, max: 1, what: "one capture file (or - for stdin)" },
  export: { min: 1, max: 1, what: "one of packets, flows, anomalies, scans, alerts, pcap" },
  help: { min: 0, max: 1, what: "at most one command" },
};

function checkOperands(command: CommandName, operands: readonly string[]): void {
  const { min, max, what } = operandCounts[command] ?? { min: 0, max: 0, what: "no argument" };
  if (operands.length >= min && operands.length <= max) return;
  const got = operands.length === 0 ? "none" : operands.map(quote).join(", ");
  throw new UsageError(`tapwatch ${command} takes ${what}, got ${got}.`);
}

function environmentValues(flags: RawValues, sources: ConfigSources): RawValues {
  const file = readEnvFile(flags, sources);
  const values: RawValues = new Map();
  for (const spec of OPTIONS) {
    if (!spec.env) continue;
    const fromProcess = sources.env[spec.env];
    const text = fromProcess ?? file.values[spec.env];
    if (text === undefined || text === "") continue;
    const origin = fromProcess === undefined ? `${spec.env} in ${file.path}` : spec.env;
    const parts = spec.isRepeatable
      ? text.split(",").map((part) => part.trim()).filter(Boolean)
      : [text];
    values.set(spec.name, parts.map((value) => ({ origin, value })));
  }
  return values;
}

function readEnvFile(
  flags: RawValues,
  sources: ConfigSources,
): { path: string; values: Record<string, string | undefined> } {
  const given = flags.get("env-file")?.[0]?.value as string | undefined;
  const path = given ?? ".env";
  if (given === undefined && !sources.exists(path)) return { path, values: {} };
  const values = parseEnv(readFile("--env-file", path, sources));
  const known = OPTIONS.flatMap((spec) => spec.env ? [spec.env] : []);
  const unknown = Object.keys(values).find((key) =>
    key.startsWith("TAPWATCH_") && !known.includes(key)
  );
  if (unknown) {
    const hint = nearest(unknown, known);
    throw new UsageError(
      `Unknown variable ${unknown} in ${path}.${hint ? ` Did you mean ${hint}?` : ""}`,
    );
  }
  return { path, values };
}

function build(
  command: CommandName,
  operands: readonly string[],
  values: RawValues,
  sources: ConfigSources,
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
    bufferMb: int("buffer-mb"),
    snaplen: int("snaplen"),
    isPromiscuous: one(values, "promiscuous", asBoolean)!,
    captureCount: int("capture-count"),
    captureTimeoutMs: int("capture-timeout"),
    resultsFolder: text("results")!,
    host: text("host")!,
    port: int("port"),
    password: passwordOf(values, sources),
    anomalyThresholdPct: int("anomaly-threshold"),
    anomalyQuantile: int("anomaly-quantile"),
    alertIntervalS: int("alert-interval"),
    smtp: smtpOf(values),
    mailFrom: text("mail-from"),
    mailTo: (values.get("mail-to") ?? []).map((raw) => String(raw.value)),
    webhooks: (values.get("webhook") ?? []).map(asWebUrl),
    homeNets: values.get("home-net")?.map(asHomeNet) ?? HOME_WORDS,
    logPackets: text("log-packets") as LogPackets,
    retentionDays: int("retention-days"),
    retentionMb: int("retention-mb"),
    pcapFileMb: int("pcap-file-mb"),
    pcapFiles: int("pcap-files"),
    logLevel: text("log-level") as LogLevel,
    logFormat: text("log-format") as "text" | "json",
    isFfiAllowed: one(values, "allow-ffi", asBoolean)!,
    speed: one(values, "speed", asSpeed) ?? 1,
    isJson: one(values, "json", asBoolean)!,
    flowsFile: text("flows"),
    eveFile: text("eve"),
    exportFormat: text("format") as "csv" | "jsonl",
    fromUs: one(values, "from", asTimeUs),
    toUs: one(values, "to", asTimeUs),
  };
  checkDashboardAddress(config);
  return Object.freeze(config);
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

function asText(raw: RawValue, spec: OptionSpec): string {
  const value = String(raw.value);
  if (value === "" && spec.name !== "filter") {
    throw new UsageError(`${raw.origin} must not be empty.`);
  }
  if (value.includes("\0")) throw new UsageError(`${raw.origin} must not hold a NUL byte.`);
  if (spec.choices && !spec.choices.includes(value)) {
    const hint = nearest(value, spec.choices);
    throw new UsageError(
      `${raw.origin} must be one of ${spec.choices.join(", ")}, got ${quote(value)}.` +
        (hint ? ` Did you mean ${hint}?` : ""),
    );
  }
  return value;
}

function asNumber(raw: RawValue, spec: OptionSpec): number {
  const value = String(raw.value).trim();
  const number = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
  const isGood = Number.isFinite(number) && number >= spec.min! && number <= spec.max! &&
    (spec.kind === "number" || Number.isInteger(number));
  if (isGood) return number;
  const what = spec.kind === "number" ? "a number" : "a whole number";
  throw new UsageError(
    `${raw.origin} must be ${what} from ${spec.min} to ${spec.max}, got ${quote(value)}.`,
  );
}

function asBoolean(raw: RawValue): boolean {
  if (typeof raw.value === "boolean") return raw.value;
  const value = raw.value.toLowerCase();
  if (["1", "true", "yes", "on"].includes(value)) return true;
  if (["0", "false", "no", "off"].includes(value)) return false;
  throw new UsageError(`${raw.origin} must be 1 or 0, got ${quote(raw.value)}.`);
}

function asSpeed(raw: RawValue): number {
  if (raw.value === "max") return 0;
  const speed = Number(raw.value);
  if (speed > 0 && speed <= 1e6) return speed;
  throw new UsageError(
    `${raw.origin} must be max or a number above 0 (1 is the capture's own speed), got ${
      quote(raw.value)
    }.`,
  );
}

function asTimeUs(raw: RawValue): number {
  const ms = Date.parse(String(raw.value));
  if (Number.isFinite(ms)) return ms * 1000;
  throw new UsageError(
    `${raw.origin} must be a time such as 2026-11-22T14:00:00Z, got ${quote(raw.value)}.`,
  );
}

function asHomeNet(raw: RawValue): string {
  const value = String(raw.value).trim();
  if (HOME_WORDS.some((word) => word === value) || parseNetwork(value) !== null) return value;
  const hint = nearest(value, HOME_WORDS);
  throw new UsageError(
    `${raw.origin} must be a network such as 192.0.2.0/24 or 2001:db8::/48 (prefix up to 32 and 128), an address, ` +
      `private or own, got ${quote(value)}.${hint ? ` Did you mean ${hint}?` : ""}`,
  );
}

function asWebUrl(raw: RawValue): string {
  const url = URL.parse(String(raw.value));
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return url.href;
  throw new UsageError(`${raw.origin} must be an http or https URL.`);
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

function smtpOf(values: RawValues): SmtpConfig | null {
  const user = one(values, "smtp-user", asText);
  const password = one(values, "smtp-password", asText);
  const raw = values.get("smtp-url")?.[0];
  if (raw) return smtpFromUrl(raw, user, password);
  const host = one(values, "smtp-host", asText);
  if (host === null) return null;
  const security = one(values, "smtp-security", asText) as SmtpConfig["security"];
  const port = one(values, "smtp-port", asNumber) ?? (security === "tls" ? 465 : 587);
  return { host, port, user, password, security };
}

function smtpFromUrl(raw: RawValue, user: string | null, password: string | null): SmtpConfig {
  const url = URL.parse(String(raw.value));
  if (!url || !["smtp:", "smtps:"].includes(url.protocol) || url.hostname === "") {
    throw new UsageError(`${raw.origin} must look like smtp://host:587 or smtps://host:465.`);
  }
  if (url.password !== "" && raw.origin.startsWith("-")) {
    throw new UsageError(`${raw.origin} must not hold the password. Set TAPWATCH_SMTP_PASSWORD.`);
  }
  const isTls = url.protocol === "smtps:";
  return {
    host: url.hostname,
    port: url.port === "" ? (isTls ? 465 : 587) : Number(url.port),
    user: url.username === "" ? user : decodeURIComponent(url.username),
    password: url.password === "" ? password : decodeURIComponent(url.password),
    security: isTls ? "tls" : url.searchParams.get("security") === "none" ? "none" : "starttls",
  };
}

/** Loopback names and addresses; anything else is reachable by others. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(host);
}

function checkDashboardAddress(config: Config): void {
  const servesDashboard = config.command === "run" || config.command === "replay";
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
    throw new UsageError(`Cannot read ${path} (${origin}): ${(error as Error).message}.`);
  }
}

function quote(value: unknown): string {
  return JSON.stringify(String(value));
}
