/**
 * The two ways to capture, behind one door: libpcap (ffi/pcap), which runs nearly everywhere and may be missing, and a packet
 * socket's ring (ffi/afpacket), which is Linux' own and needs nothing. "auto" is libpcap where it can be loaded, else the ring.
 */
import { AfPacket, type FilterFormat } from "../../ffi/afpacket/af_packet.ts";
import { listSocketDevices } from "../../ffi/afpacket/device_list.ts";
import type {
  CaptureMethod,
  HandleOptions,
  SharingHandle,
} from "../../ffi/capture/capture_handle.ts";
import type { DeviceInfo } from "../../ffi/capture/device_info.ts";
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import { findLinktype, listDevices } from "../../ffi/pcap/device_list.ts";
import { Pcap } from "../../ffi/pcap/pcap.ts";
import {
  LibraryMissingError,
  libraryVersion,
  openLibrary,
  type PcapLibrary,
} from "../../ffi/pcap/symbols.ts";
import { UsageError } from "../errors.ts";
import type { CaptureChoice } from "../messages.ts";
import { compileSocketFilter } from "./filter/compile.ts";
import { FilterError } from "./filter/filter_error.ts";

/** A way to capture that can be used here. */
export interface Capture {
  readonly method: CaptureMethod;
  /** Its name for people, with the version of what is loaded: "libpcap version 1.10.3 (with TPACKET_V3)". */
  readonly description: string;
  /** Throws CaptureError. */
  open(options: HandleOptions): SharingHandle;
  /** Best candidate first. Throws CaptureError. */
  list(): DeviceInfo[];
  /** With the link types of those that are up; opens each for a moment. Throws CaptureError. */
  listWithLinktypes(): DeviceInfo[];
}

let library: PcapLibrary | null = null;

/**
 * Loads what `choice` means. Throws LibraryMissingError where libpcap is meant and not there, Deno.errors.NotCapable without the
 * permission to load anything, UsageError for what this system has not.
 */
export function chooseCapture(choice: CaptureChoice): Capture {
  const isLinux = Deno.build.os === "linux";
  if (choice === "afpacket") {
    if (isLinux) return byPacketSocket();
    throw new UsageError(
      `Packet sockets are Linux's, and this is ${Deno.build.os}. Leave --capture out, or give --capture pcap.`,
    );
  }
  try {
    library ??= openLibrary();
    return byLibrary(library);
  } catch (error) {
    if (choice === "pcap" || !isLinux || !(error instanceof LibraryMissingError)) throw error;
    return byPacketSocket();
  }
}

function byLibrary(library: PcapLibrary): Capture {
  return {
    method: "pcap",
    description: libraryVersion(library),
    open: (options) => Pcap.open(library, options),
    list: () => listDevices(library),
    listWithLinktypes: () =>
      listDevices(library).map((device) =>
        device.isUp ? { ...device, linktype: findLinktype(library, device.name) } : device
      ),
  };
}

function byPacketSocket(): Capture {
  return {
    method: "afpacket",
    description: "AF_PACKET (Linux, TPACKET_V3)",
    open: (options) => AfPacket.open({ ...options, compileFilter: compile }),
    list: listSocketDevices,
    listWithLinktypes: listSocketDevices,
  };
}

/** The program of a filter. Throws CaptureError with the place and what is wrong there. */
function compile(filter: string, format: FilterFormat): Uint8Array<ArrayBuffer> {
  try {
    return compileSocketFilter(filter, format);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new CaptureError("filter", "other", `${error.message} in the filter "${filter}"`);
  }
}
