/** `tapwatch doctor`: checks what a run needs, one line a check, and says the fix for each that fails. */
import { checkBlocklists } from "../blocklist_files.ts";
import {
  chooseDefaultDevice,
  chosenCapture,
  listCaptureDevices,
  readRouteTables,
} from "../capture/devices.ts";
import { tryCapture } from "../capture/live_open.ts";
import type { Config } from "../config.ts";
import { MissingError, RunError, TapwatchError } from "../errors.ts";
import { GeoHost } from "./geo_host.ts";
import { type Check, check, failed, good, warning } from "./doctor_check.ts";
import {
  clockCheck,
  codeCacheCheck,
  privilegesCheck,
  processesCheck,
  settingsCheck,
} from "./doctor_host.ts";
import { databaseChecks, diskCheck, folderCheck, modelCheck } from "./doctor_results.ts";
import { hasFfiConsent, requireFfiConsent } from "./ffi_consent.ts";
import { trialOptions } from "./input.ts";
import { portHolder } from "./port_holder.ts";
import { holderOf, reasonOf } from "./results_folder.ts";

/** Prints all checks; throws when one failed: MissingError for library and privileges, else RunError. */
export async function runDoctor(config: Config): Promise<void> {
  const devices = devicesOf(config);
  const captures = devices.map((device) =>
    check(`capture on ${device}`, 3, () => tryOnce(config, device))
  );
  const { resultsFolder } = config;
  const runningPid = holderOf(resultsFolder);
  const database = databaseChecks(config, Date.now() * 1000);
  const checks = [
    check("libpcap", 3, () => describeCapture(config)),
    ...captures,
    privilegesCheck(config, runningPid),
    ...processesCheck(config, runningPid),
    settingsCheck(config),
    ...codeCacheCheck(),
    folderCheck(resultsFolder),
    diskCheck(config),
    ...database.checks,
    await clockCheck(config, {
      device: captures[0]?.state === "ok" ? devices[0]! : null,
      newestUs: database.newestUs,
    }),
    check("dashboard port", 1, () => checkPort(config, runningPid)),
    await mailCheck(config),
    modelCheck(resultsFolder),
    ...await geoChecks(config),
    ...blocklistChecks(config.blocklists),
    ...config.fleetCredentials === null
      ? []
      : await (await import("./doctor_fleet.ts")).fleetChecks(config),
  ];
  console.log(config.isJson ? asJson(checks) : checks.map(asLine).join("\n"));
  const bad = checks.filter(({ state }) => state === "failed");
  if (bad.length === 0) return;
  const message = `${bad.length} of ${checks.length} checks failed: ${
    bad.map(({ name }) => name).join(", ")
  }.`;
  throw bad.some(({ exitCode }) => exitCode === 3)
    ? new MissingError(message)
    : new RunError(message);
}

/** None where none is given. */
function blocklistChecks(paths: readonly string[]): Check[] {
  if (paths.length === 0) return [];
  const run = () => {
    checkBlocklists(paths);
    return `${paths.join(", ")} can be read`;
  };
  return [check("block lists", 1, run)];
}

function asJson(checks: readonly Check[]): string {
  return JSON.stringify(checks.map(({ exitCode: _, ...rest }) => rest), null, 2);
}

/** Further lines of a text stand under its first. */
function asLine({ name, state, text }: Check): string {
  return `${state.padEnd(8)} ${name}: ${text.replaceAll("\n", "\n         ")}`;
}

function devicesOf(config: Config): readonly string[] {
  if (config.interfaces.length > 0) return config.interfaces;
  try {
    requireFfiConsent(config);
    const device = chooseDefaultDevice(listCaptureDevices(config.capture), readRouteTables());
    return device === null ? [] : [device.name];
  } catch (error) {
    if (error instanceof TapwatchError) return []; // the check of what captures has said why
    throw error;
  }
}

/** Its version, or what captures in its place. */
function describeCapture(config: Config): string {
  requireFfiConsent(config);
  const { method, description } = chosenCapture(config.capture);
  if (method === "pcap") return description;
  const why = config.capture === "auto" ? "cannot be loaded, and is not needed" : "not used";
  return `${why}: ${description} captures`;
}

function tryOnce(config: Config, device: string): string {
  requireFfiConsent(config);
  const { isPromiscuous } = tryCapture(trialOptions(config, device));
  if (isPromiscuous || !config.isPromiscuous || device === "any") return "permitted";
  return "permitted, but not promiscuous: only this host's own traffic will be seen (cap_net_admin adds the rest)";
}

function checkPort(config: Config, runningPid: number | null): string {
  const { host, port } = config;
  try {
    Deno.listen({ hostname: host, port }).close();
    return `${host}:${port} is free`;
  } catch (error) {
    const holder = portHolder(port, hasFfiConsent(config));
    if (runningPid !== null && holder?.endsWith(`(pid ${runningPid})`)) {
      return `${host}:${port} is that of the tapwatch that runs (pid ${runningPid})`;
    }
    throw new RunError(
      `${host}:${port} cannot be used: ${reasonOf(error)}${holder ? ` by ${holder}` : ""}. ` +
        "Name another with --port N",
    );
  }
}

/** Connects, secures the connection and logs in; sends nothing. */
async function mailCheck({ smtp }: Config): Promise<Check> {
  const name = "mail server";
  if (smtp === null) return good(name, "none is set up");
  const { smtpTransport } = await import("../alert/mail.ts");
  const { smtpTrouble } = await import("../alert/smtp_trouble.ts");
  const transport = smtpTransport(smtp);
  try {
    await transport.verify();
    const login = smtp.user === null ? "without a login" : `logged in as ${smtp.user}`;
    const how = { starttls: "STARTTLS", tls: "TLS", none: "no encryption" }[smtp.security];
    return good(name, `${smtp.host}:${smtp.port} by ${how}, ${login}`);
  } catch (error) {
    return failed(name, 1, smtpTrouble(error as Error, smtp));
  } finally {
    transport.close();
  }
}

/** None where there is no file to check. */
async function geoChecks({ geoFiles }: Config): Promise<Check[]> {
  const name = "countries and networks";
  const warnings: string[] = [];
  const host = new GeoHost({ paths: geoFiles, onWarning: (text) => warnings.push(text) });
  try {
    await host.start();
  } catch (error) {
    if (!(error instanceof TapwatchError)) throw error;
    return [failed(name, 1, error.message)];
  }
  if (warnings.length > 0) {
    return [
      warning(name, warnings.join("\n").replace(/\.$/, ""), "Name other files with --geo-db FILE"),
    ];
  }
  const text = host.files.map(({ path }) => path).join(", ");
  return text === "" ? [] : [good(name, text)];
}
