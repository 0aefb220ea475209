/** The capture devices of this host, as libpcap lists them: best candidate first. */
import { addressText, prefixLength } from "../capture/address_text.ts";
import { CONNECTION_NAMES, type DeviceAddress, type DeviceInfo } from "../capture/device_info.ts";
import { errorBufferText, pcapError } from "./errors.ts";
import { errorBufferSize, IfFlag, linktypeOfDlt, PcapAddr, PcapIf } from "./layout.ts";
import { type PcapLibrary, readCString, toCString } from "./symbols.ts";

/** Lists the devices without opening any. Throws CaptureError. */
export function listDevices(library: PcapLibrary): DeviceInfo[] {
  const head = new BigUint64Array(1);
  const errorBuffer = new Uint8Array(errorBufferSize);
  const code = library.pcap.pcap_findalldevs(head, errorBuffer);
  if (code !== 0) throw pcapError("list", code, errorBufferText(errorBuffer));
  const first = Deno.UnsafePointer.create(head[0]);
  try {
    return Array.from(chain(first, PcapIf.next), readDevice);
  } finally {
    library.pcap.pcap_freealldevs(first);
  }
}

/**
 * The LINKTYPE_ value of `device`, asked with a handle that is open for a moment and reads nothing; null when it
 * cannot be opened (down, or no permission).
 */
export function findLinktype(library: PcapLibrary, device: string): number | null {
  const { pcap } = library;
  const handle = pcap.pcap_create(toCString(device), new Uint8Array(errorBufferSize));
  if (handle === null) return null;
  try {
    pcap.pcap_set_snaplen(handle, 64);
    pcap.pcap_set_buffer_size(handle, 1 << 16);
    if (pcap.pcap_activate(handle) < 0) return null;
    const dlt = pcap.pcap_datalink(handle);
    return dlt < 0 ? null : linktypeOfDlt(dlt);
  } finally {
    pcap.pcap_close(handle);
  }
}

function* chain(first: Deno.PointerValue, nextOffset: number) {
  for (let pointer = first; pointer !== null;) {
    const view = new Deno.UnsafePointerView(pointer);
    yield view;
    pointer = view.getPointer(nextOffset);
  }
}

function readDevice(view: Deno.UnsafePointerView): DeviceInfo {
  const flags = view.getUint32(PcapIf.flags);
  return {
    name: readCString(view.getPointer(PcapIf.name)),
    description: readCString(view.getPointer(PcapIf.description)),
    addresses: readAddresses(view.getPointer(PcapIf.addresses)),
    isUp: (flags & IfFlag.up) !== 0,
    isRunning: (flags & IfFlag.running) !== 0,
    isLoopback: (flags & IfFlag.loopback) !== 0,
    isWireless: (flags & IfFlag.wireless) !== 0,
    connection: CONNECTION_NAMES[(flags & IfFlag.connectionMask) >> 4],
    linktype: null,
  };
}

function readAddresses(first: Deno.PointerValue): DeviceAddress[] {
  const addresses: DeviceAddress[] = [];
  for (const view of chain(first, PcapAddr.next)) {
    const address = addressText(view.getPointer(PcapAddr.addr));
    if (address === null) continue;
    addresses.push({ address, prefixLength: prefixLength(view.getPointer(PcapAddr.netmask)) });
  }
  return addresses;
}
