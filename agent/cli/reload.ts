/** What a running program takes up at SIGHUP, and what it says of the rest. */
import type { Config } from "../config.ts";
import { listed } from "../idle_options.ts";
import { OPTIONS, type OptionSpec } from "../options.ts";
import { messageOf } from "../errors.ts";
import type { Notes } from "./notes.ts";
import { readConfig } from "./read_config.ts";

export interface Reloaded {
  /** What holds from now on: of the new configuration the options that are taken up, else as before. */
  readonly config: Config;
  /** A sentence for the log. */
  readonly text: string;
  /** Another, of what was changed and waits for a restart; "" for nothing. */
  readonly restartText: string;
  /** What changes nothing now and did before: a sentence each. */
  readonly warnings: readonly string[];
}

/** Reads the configuration again and has it taken up; what is wrong with it changes nothing. Returns what holds from now on. */
export async function reload(
  before: Config,
  notes: Notes,
  takeUp: (config: Config) => Promise<void>,
): Promise<Config> {
  try {
    const { config, text, restartText, warnings } = reloaded(before, readConfig());
    await takeUp(config);
    notes.info(text);
    for (const warning of warnings) notes.warn(warning);
    if (restartText !== "") notes.warn(restartText);
    return config;
  } catch (error) {
    notes.warn(`The configuration stays as it was: ${messageOf(error)}`);
    return before;
  }
}

/** Options that are not taken up are those of `before`, even when they were given otherwise now. */
export function reloaded(before: Config, after: Config): Reloaded {
  const changed = OPTIONS.filter((spec) =>
    isHeeded(spec, before) && givenText(before, spec) !== givenText(after, spec)
  );
  const taken = changed.filter(({ isReloaded }) => isReloaded).map(label);
  const others = changed.filter(({ isReloaded }) => !isReloaded).map(label);
  if (before.password !== after.password && others.length === 0) others.push("the password");
  return {
    config: {
      ...before,
      ...reloadedOptions(after),
      given: mixed(before, after),
      warnings: after.warnings,
    },
    text: taken.length === 0
      ? "The configuration was read again: mail, alert options, block lists and mutes are as they were."
      : `The configuration was read again: ${listed(taken)} ${verb(taken)} taken up.`,
    restartText: others.length === 0
      ? ""
      : `${listed(others)} ${verb(others)} changed, which needs a restart.`,
    warnings: after.warnings.filter((text) => !before.warnings.includes(text)),
  };
}

/** What alerts and their channels are made of, the block lists, and what a fleet is told. */
const reloadedFields = [
  "blocklists",
  "anomalyThresholdPct",
  "alertIntervalS",
  "smtp",
  "mailFrom",
  "mailTo",
  "webhooks",
  "webhookSecret",
  "syslog",
  "alertSeverity",
  "alertsPerHour",
  "quietHours",
  "dashboardUrl",
  "fleetLevel",
  "fleetSpoolMb",
] as const satisfies readonly (keyof Config)[];

function reloadedOptions(config: Config): Pick<Config, typeof reloadedFields[number]> {
  const options = reloadedFields.map((field) => [field, config[field]]);
  return Object.fromEntries(options);
}

/** So that the next time is compared with what holds. */
function mixed(before: Config, after: Config): Config["given"] {
  const from = ({ name, isReloaded }: OptionSpec) =>
    (isReloaded ? after : before).given.get(name) ?? null;
  return new Map(OPTIONS.flatMap((spec) => {
    const given = from(spec);
    return given === null ? [] : [[spec.name, given] as const];
  }));
}

function isHeeded({ commands }: OptionSpec, { command }: Config): boolean {
  return commands?.includes(command) ?? true;
}

function givenText({ given }: Config, { name }: OptionSpec): string {
  return JSON.stringify(given.get(name)?.map(({ value }) => value) ?? null);
}

function label({ name, isSecret, env }: OptionSpec): string {
  return isSecret ? env! : `--${name}`;
}

function verb(words: readonly string[]): string {
  return words.length === 1 ? "is" : "are";
}
