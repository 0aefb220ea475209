/** Opening a device for live capture, with the one thing that can be done without: promiscuous mode. */
import { listDevices } from "../../ffi/pcap/device_list.ts";
import { PcapError } from "../../ffi/pcap/errors.ts";
import { PcapCode } from "../../ffi/pcap/layout.ts";
import { Pcap, type PcapOptions } from "../../ffi/pcap/pcap.ts";
import { openLibrary, type PcapLibrary } from "../../ffi/pcap/symbols.ts";
import type { TapwatchError } from "../errors.ts";
import type { CaptureOptions } from "../messages.ts";
import { describeFailure } from "./live_errors.ts";

/** Opens a device as `options` say, but not promiscuous where only that is refused. Throws PcapError. */
export function openDevice(
  options: CaptureOptions,
  open: (options: PcapOptions) => Pcap,
): Pcap {
  try {
    return open(options);
  } catch (error) {
    const isOnlyPromiscuous = error instanceof PcapError && options.isPromiscuous &&
      error.code === PcapCode.promiscuousDenied;
    if (!isOnlyPromiscuous) throw error;
    return open({ ...options, isPromiscuous: false });
  }
}

/** Opens and closes a device: what `doctor` asks. Throws TapwatchError with the remedy. */
export function tryCapture(options: CaptureOptions): Pick<Pcap, "linktype" | "isPromiscuous"> {
  try {
    const library = openLibrary();
    const pcap = openDevice(options, (pcapOptions) => Pcap.open(library, pcapOptions));
    pcap.close();
    return { linktype: pcap.linktype, isPromiscuous: pcap.isPromiscuous };
  } catch (error) {
    throw liveFailure(error, options.device) ?? error;
  }
}

/**
 * How old the newest packet is, in milliseconds by its own time, when it is handed over; null when none comes within
 * `waitMs`, or the device cannot be opened.
 */
export async function samplePacketAge(
  options: CaptureOptions,
  waitMs: number,
): Promise<number | null> {
  let pcap: Pcap;
  try {
    const library = openLibrary();
    pcap = openDevice(options, (pcapOptions) => Pcap.open(library, pcapOptions));
  } catch (error) {
    if (error instanceof PcapError) return null;
    throw error;
  }
  const timer = setTimeout(() => pcap.breakLoop(), waitMs);
  try {
    const { packetCount, byteLength } = await pcap.read();
    return packetCount === 0 ? null : Date.now() - newestTimeMs(pcap, byteLength);
  } catch (error) {
    if (error instanceof PcapError) return null; // gone meanwhile
    throw error;
  } finally {
    clearTimeout(timer);
    pcap.close();
  }
}

/** Of the last record of a batch (ffi/pcap/batch_reader.ts). */
function newestTimeMs({ bytes, isNanosecond }: Pcap, byteLength: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, byteLength);
  let timeMs = 0;
  for (let at = 0; at < byteLength; at += 16 + view.getUint32(at + 8, true)) {
    const fraction = view.getUint32(at + 4, true) / (isNanosecond ? 1e6 : 1000);
    timeMs = view.getUint32(at, true) * 1000 + fraction;
  }
  return timeMs;
}

/** As `describeFailure`, with the facts of this process. */
export function liveFailure(error: unknown, device: string): TapwatchError | null {
  return describeFailure(error, {
    device,
    executable: realExecutable(),
    listNames: () => deviceNames(openLibrary()),
  });
}

/** The path behind links, which setcap needs; as it is where this user may not look behind them. */
function realExecutable(): string {
  const path = Deno.execPath();
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function deviceNames(library: PcapLibrary): string[] {
  return listDevices(library).map((device) => device.name);
}
