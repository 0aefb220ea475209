/** Where the packets of `run` and `replay` come from, chosen and tried before anything is written. */
import { join } from "node:path";
import {
  chooseDefaultDevice,
  chosenCapture,
  type DeviceInfo,
  listCaptureDevices,
  readRouteTables,
} from "../capture/devices.ts";
import { fingerprintFile } from "../capture/file_fingerprint.ts";
import { CaptureFileReader } from "../capture/file_reader.ts";
import { tryCapture } from "../capture/live_open.ts";
import { inProgressName } from "../capture/ring_files.ts";
import type { Config } from "../config.ts";
import { MissingError, RunError, UsageError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { CaptureOptions, ReplayedFile } from "../messages.ts";
import { VERSION } from "../version.ts";
import { requireFfiConsent } from "./ffi_consent.ts";
import { isSameFile } from "./same_file.ts";

/** Devices, or one file. */
export type Input =
  | {
    readonly kind: "live";
    readonly devices: readonly string[];
    /** That loopback is not among them, and how it would be; "" where it is. */
    readonly loopbackNote: string;
  }
  | {
    readonly kind: "file";
    readonly path: string;
    readonly speed: number;
    /** Null for a pipe, which cannot be known again. */
    readonly file: ReplayedFile | null;
  };

/** The input that the command line means, once it could be opened. Throws TapwatchError. */
export async function chooseInput(config: Config, log: Log): Promise<Input> {
  if (config.command === "replay") return await chooseFile(config);
  const devices = chooseDevices(config, log);
  for (const device of devices) tryDevice(config, device);
  return {
    kind: "live",
    devices,
    loopbackNote: loopbackNote(devices, listCaptureDevices(config.capture)),
  };
}

/** What a capture worker is told. */
export function captureOptions(
  config: Config,
  device: string,
  interfaceId: number,
): CaptureOptions {
  return {
    interfaceId,
    device,
    capture: config.capture,
    filter: config.filter,
    snaplen: config.snaplen,
    isPromiscuous: config.isPromiscuous,
    bufferBytes: config.bufferMb * 2 ** 20,
    batchPacketsMax: config.captureCount,
    timeoutMs: config.captureTimeoutMs,
  };
}

/** As `captureOptions`, for opening a device once and closing it. */
export function trialOptions(config: Config, device: string): CaptureOptions {
  return { ...captureOptions(config, device, 0), bufferBytes: 2 ** 20, batchPacketsMax: 1 };
}

/** What capture on `chosen` does not see of this host; "" where it sees all. */
export function loopbackNote(
  chosen: readonly string[],
  devices: readonly Pick<DeviceInfo, "name" | "isLoopback">[],
): string {
  const loopback = devices.find(({ isLoopback }) => isLoopback)?.name;
  const isWatched = (name: string) =>
    name === "any" || devices.some((device) => device.name === name && device.isLoopback);
  if (loopback === undefined || chosen.some(isWatched)) return "";
  const named = [...chosen, loopback].map((name) => `-i ${name}`).join(" ");
  const all = devices.some(({ name }) => name === "any") ? ", or with -i any" : "";
  return "Loopback is not watched: what this host sends to itself, to whichever of its addresses, is not " +
    `seen. To see it, start tapwatch with ${named}${all}.`;
}

/** What a replay plays. Throws UsageError or CaptureFormatError. */
export async function chooseFile(config: Config): Promise<Input> {
  const { operands, speed, resultsFolder, vxlanPorts } = config;
  const path = operands[0]!;
  if (isSameFile(path, join(resultsFolder, inProgressName))) {
    throw new UsageError(
      `${path} is the capture file that this replay would write. Name another folder with --results DIR.`,
    );
  }
  // A pipe can be read only once: what is wrong with it shows when it is played.
  if (isPipe(path)) return { kind: "file", path, speed, file: null };
  (await CaptureFileReader.open(path)).close();
  const decoder = [VERSION, ...vxlanPorts].join(" ");
  return { kind: "file", path, speed, file: { fingerprint: fingerprintFile(path), path, decoder } };
}

function chooseDevices(config: Config, log: Log): readonly string[] {
  requireFfiConsent(config);
  const { method, description } = chosenCapture(config.capture);
  if (config.capture === "auto" && method === "afpacket") {
    log.info(`libpcap cannot be loaded; ${description} captures without it.`);
  }
  if (config.interfaces.length > 0) return [...new Set(config.interfaces)];
  const device = chooseDefaultDevice(listCaptureDevices(config.capture), readRouteTables());
  if (device === null) {
    throw new MissingError(
      "There is no capture device to be seen. What may not be opened can be hidden: start tapwatch as root, or see tapwatch doctor.",
    );
  }
  if (device.note !== "") log.warning(`${device.note}; name another with -i.`);
  return [device.name];
}

/** A device that is down, or busy for the moment, is the capture worker's to wait for. */
function tryDevice(config: Config, device: string): void {
  try {
    tryCapture(trialOptions(config, device));
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
  }
}

function isPipe(path: string): boolean {
  if (path === "-") return true;
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    return !isFile && !isDirectory;
  } catch {
    return false; // opening it says what is wrong
  }
}
