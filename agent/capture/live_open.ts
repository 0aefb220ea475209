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
