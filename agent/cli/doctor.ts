/** `tapwatch doctor`: checks what a run needs, one line a check, and says the fix for each that fails. */
import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import {
  captureLibraryVersion,
  chooseDefaultDevice,
  listCaptureDevices,
  readRouteTables,
} from "../capture/devices.ts";
import { tryCapture } from "../capture/live_open.ts";
import type { Config } from "../config.ts";
import { MissingError, RunError, TapwatchError } from "../errors.ts";
import { GeoHost } from "./geo_host.ts";
import { modelPath } from "./detect_host.ts";
import { hasFfiConsent, requireFfiConsent } from "./ffi_consent.ts";
import { trialOptions } from "./input.ts";
import { portHolder } from "./port_holder.ts";
import { probeFolder, reasonOf } from "./results_folder.ts";

interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "failed";
  readonly text: string;
  /** Exit status that the failure leads to. */
  readonly exitCode: number;
}

/** Less than this free is worth a warning: a few minutes of a busy link. */
const freeBytesMin = 1e9;

/** Prints all checks; throws when one failed: MissingError for library and privileges, else RunError. */
export async function runDoctor(config: Config): Promise<void> {
  const checks = [
    check("libpcap", 3, () => {
      requireFfiConsent(config);
      return captureLibraryVersion();
    }),
    ...devicesOf(config).map((device) =>
      check(`capture on ${device}`, 3, () => tryOnce(config, device))
    ),
    check("results folder", 1, () => checkFolder(config.resultsFolder)),
    diskCheck(config.resultsFolder),
    check("dashboard port", 1, () => checkPort(config)),
    await mailCheck(config),
    modelCheck(config.resultsFolder),
    ...await geoChecks(config),
  ];
  console.log(config.isJson ? asJson(checks) : checks.map(asLine).join("\n"));
  const failed = checks.filter(({ state }) => state === "failed");
  if (failed.length === 0) return;
  const message = `${failed.length} of ${checks.length} checks failed: ${
    failed.map(({ name }) => name).join(", ")
  }.`;
  throw failed.some(({ exitCode }) => exitCode === 3)
    ? new MissingError(message)
    : new RunError(message);
}

function asJson(checks: readonly Check[]): string {
  return JSON.stringify(checks.map(({ exitCode: _, ...rest }) => rest), null, 2);
}

/** Further lines of a text stand under its first. */
function asLine({ name, state, text }: Check): string {
  return `${state.padEnd(8)} ${name}: ${text.replaceAll("\n", "\n         ")}`;
}

function check(name: string, exitCode: number, run: () => string): Check {
  try {
    return { name, state: "ok", text: run(), exitCode };
  } catch (error) {
    if (!(error instanceof TapwatchError)) throw error;
    return { name, state: "failed", text: error.message, exitCode };
  }
}

function devicesOf(config: Config): readonly string[] {
  if (config.interfaces.length > 0) return config.interfaces;
  try {
    requireFfiConsent(config);
    const device = chooseDefaultDevice(listCaptureDevices(), readRouteTables());
    return device === null ? [] : [device.name];
  } catch (error) {
    if (error instanceof TapwatchError) return []; // the libpcap check has said why
    throw error;
  }
}

function tryOnce(config: Config, device: string): string {
  requireFfiConsent(config);
  const { isPromiscuous } = tryCapture(trialOptions(config, device));
  if (isPromiscuous || !config.isPromiscuous || device === "any") return "permitted";
  return "permitted, but not promiscuous: only this host's own traffic will be seen (cap_net_admin adds the rest)";
}

/** Makes nothing that stays: of a folder that is not there yet, the place for it is tried. */
function checkFolder(folder: string): string {
  const existing = nearestExisting(folder);
  try {
    probeFolder(existing);
    return existing === folder ? `${folder} is writable` : `${folder} can be made`;
  } catch (error) {
    throw new RunError(
      `cannot write to ${existing}: ${reasonOf(error)}. ` +
        "Give it to the user that runs tapwatch, or use --results DIR",
    );
  }
}

/** The folder, or the first above it that is there. */
function nearestExisting(folder: string): string {
  for (let path = folder;; path = dirname(path)) {
    if (existsSync(path) || path === dirname(path)) return path;
  }
}

function diskCheck(folder: string): Check {
  const name = "disk";
  try {
    const { bavail, bsize } = statfsSync(nearestExisting(folder));
    const free = Number(bavail) * Number(bsize);
    const text = `${(free / 1e9).toFixed(1)} GB free`;
    const isLow = free < freeBytesMin;
    return {
      name,
      state: isLow ? "warning" : "ok",
      text: isLow
        ? `${text}: lower --retention-mb, --pcap-files or --pcap-file-mb, or make room`
        : text,
      exitCode: 1,
    };
  } catch (error) {
    return {
      name,
      state: "warning",
      text: `cannot be told: ${reasonOf(error)}`,
      exitCode: 1,
    };
  }
}

function checkPort(config: Config): string {
  const { host, port } = config;
  try {
    Deno.listen({ hostname: host, port }).close();
    return `${host}:${port} is free`;
  } catch (error) {
    const holder = portHolder(port, hasFfiConsent(config));
    throw new RunError(
      `${host}:${port} cannot be used: ${reasonOf(error)}${holder ? ` by ${holder}` : ""}. ` +
        "Name another with --port N",
    );
  }
}

/** Connects, secures the connection and logs in; sends nothing. */
async function mailCheck({ smtp }: Config): Promise<Check> {
  const name = "mail server";
  if (smtp === null) return { name, state: "ok", text: "none is set up", exitCode: 1 };
  const { smtpTransport } = await import("../alert/mail.ts");
  const { smtpTrouble } = await import("../alert/smtp_trouble.ts");
  const transport = smtpTransport(smtp);
  try {
    await transport.verify();
    const login = smtp.user === null ? "without a login" : `logged in as ${smtp.user}`;
    const how = { starttls: "STARTTLS", tls: "TLS", none: "no encryption" }[smtp.security];
    return {
      name,
      state: "ok",
      text: `${smtp.host}:${smtp.port} by ${how}, ${login}`,
      exitCode: 1,
    };
  } catch (error) {
    return { name, state: "failed", text: smtpTrouble(error as Error, smtp), exitCode: 1 };
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
    return [{ name, state: "failed", text: error.message, exitCode: 1 }];
  }
  if (warnings.length > 0) {
    return [{ name, state: "warning", text: warnings.join("\n"), exitCode: 0 }];
  }
  const text = host.files.map(({ path }) => path).join(", ");
  return text === "" ? [] : [{ name, state: "ok", text, exitCode: 0 }];
}

function modelCheck(folder: string): Check {
  const path = modelPath(folder);
  const text = existsSync(path)
    ? `${path}, saved ${statSync(path).mtime.toISOString()}`
    : "none yet; a run learns what is usual before it reports anomalies";
  return { name: "anomaly model", state: "ok", text, exitCode: 1 };
}
