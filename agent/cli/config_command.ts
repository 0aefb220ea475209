/** `--print-config` and `--check-config`. That the values are good has shown before. */
import { join } from "node:path";
import { checkBlocklists } from "../blocklist_files.ts";
import { FilterError } from "../capture/filter/filter_error.ts";
import { parseFilter } from "../capture/filter/parse.ts";
import { badFilter } from "../capture/live_errors.ts";
import type { Config } from "../config.ts";
import { readCredentials } from "../fleet/credentials.ts";
import { hasFfiConsent } from "./ffi_consent.ts";
import { GeoHost } from "./geo_host.ts";
import { chooseFile } from "./input.ts";
import { wantedUser } from "./rights.ts";
import { type Setting, settingsOf } from "./settings.ts";

/** Throws UsageError or CaptureFormatError when what a value names on this host is not there: a start would end with it. */
export async function tellConfig(config: Config): Promise<void> {
  if (config.configAction === "check") {
    await checkNamed(config);
    return console.log(checkedText(config));
  }
  console.log(config.isJson ? asJson(config) : asTable(settingsOf(config)));
}

async function checkNamed(config: Config): Promise<void> {
  checkFilter(config.filter);
  checkBlocklists(config.blocklists);
  await new GeoHost({ paths: config.geoFiles }).start();
  if (config.user !== null && hasFfiConsent(config)) wantedUser(config.user);
  checkCredentials(config);
  if (config.command === "replay" && config.operands.length > 0) await chooseFile(config);
}

/** Its grammar; names and what a kind of link has are looked at when the device is opened. */
function checkFilter(filter: string): void {
  try {
    parseFilter(filter);
  } catch (error) {
    if (error instanceof FilterError) throw badFilter(error.message, error);
    throw error;
  }
}

function checkCredentials({ command, fleetServers, fleetCredentials, fleetFolder }: Config): void {
  if (command === "hub") readCredentials(fleetCredentials ?? join(fleetFolder, "hub.json"), "hub");
  else if (fleetServers.length > 0) readCredentials(fleetCredentials!, "agent");
}

function checkedText({ envFile, warnings }: Config): string {
  const read = envFile === null ? "" : ` ${envFile} was read.`;
  const count = warnings.length;
  const notes = count === 0 ? "" : ` ${count === 1 ? "One warning" : `${count} warnings`} above.`;
  return `The configuration is good.${read}${notes}`;
}

function asJson(config: Config): string {
  const options = settingsOf(config).map(({ name, variable, value, origin, isHidden, isSet }) => ({
    name,
    variable,
    ...isHidden ? { secret: true, set: isSet } : { value },
    origin,
  }));
  const { command, envFile, warnings } = config;
  return JSON.stringify({ command, env_file: envFile, options, warnings }, null, 2);
}

function asTable(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => [setting.name, valueText(setting), setting.origin]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
}

function valueText({ value, isHidden, isSet }: Setting): string {
  if (isHidden) return isSet ? "set" : "not set";
  if (value === null || value === "" || Array.isArray(value) && value.length === 0) return "none";
  if (typeof value === "boolean") return value ? "on" : "off";
  return Array.isArray(value) ? value.join(", ") : String(value);
}
