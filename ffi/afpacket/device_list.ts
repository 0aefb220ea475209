/** The capture devices of this host without libpcap, in its order: what is up and connected first, loopback and `any` last. */
import { addressText, prefixLength } from "../capture/address_text.ts";
import type { ConnectionName, DeviceAddress, DeviceInfo } from "../capture/device_info.ts";
import { readKernelFile } from "../linux/kernel_file.ts";
import { Ifaddrs, InterfaceFlag } from "./layout.ts";
import { cookedLink, linkKindOf } from "./link_kinds.ts";
import { check } from "./packet_socket.ts";
import { socketFunctions } from "./symbols.ts";

interface Entry {
  readonly flags: number;
  readonly addresses: DeviceAddress[];
}

/** Opens no device. Throws CaptureError. */
export function listSocketDevices(): DeviceInfo[] {
  const devices = [...readInterfaces()].map(([name, entry]) => describe(name, entry));
  const rank = (device: DeviceInfo) =>
    (device.isRunning ? 0 : 4) + (device.isLoopback ? 2 : 0) +
    (device.connection === "disconnected" ? 1 : 0);
  const any: DeviceInfo = {
    name: "any",
    description: "Pseudo-device that captures on all interfaces",
    addresses: [],
    isUp: true,
    isRunning: true,
    isLoopback: false,
    isWireless: false,
    connection: "not applicable",
    linktype: cookedLink.linktype,
  };
  const sorted = devices.toSorted((a, b) => rank(a) - rank(b));
  const after = sorted.findIndex((device) => rank(device) >= 2);
  return after < 0 ? [...sorted, any] : sorted.toSpliced(after, 0, any);
}

/** getifaddrs(3): an entry for each address, and one without for each interface. */
function readInterfaces(): Map<string, Entry> {
  const { getifaddrs, freeifaddrs } = socketFunctions();
  const head = new BigUint64Array(1);
  check("list", "getifaddrs", getifaddrs(new Uint8Array(head.buffer)));
  const first = Deno.UnsafePointer.create(head[0]!);
  const entries = new Map<string, Entry>();
  try {
    for (let pointer = first; pointer !== null;) {
      const view: Deno.UnsafePointerView = new Deno.UnsafePointerView(pointer);
      const name = Deno.UnsafePointerView.getCString(view.getPointer(Ifaddrs.name)!);
      const entry = entries.get(name) ?? { flags: view.getUint32(Ifaddrs.flags), addresses: [] };
      entries.set(name, entry);
      const address = addressText(view.getPointer(Ifaddrs.addr));
      if (address !== null) {
        const prefix = prefixLength(view.getPointer(Ifaddrs.netmask));
        entry.addresses.push({ address, prefixLength: prefix });
      }
      pointer = view.getPointer(Ifaddrs.next);
    }
  } finally {
    freeifaddrs(first);
  }
  return entries;
}

function describe(name: string, { flags, addresses }: Entry): DeviceInfo {
  const read = (file: string) => readKernelFile(`/sys/class/net/${name}/${file}`)?.trim();
  const isUp = (flags & InterfaceFlag.up) !== 0;
  const isLoopback = (flags & InterfaceFlag.loopback) !== 0;
  const hardware = read("type");
  return {
    name,
    description: "",
    addresses,
    isUp,
    isRunning: (flags & InterfaceFlag.running) !== 0,
    isLoopback,
    isWireless: read("phy80211/name") !== undefined || read("wireless/status") !== undefined,
    connection: isLoopback ? "not applicable" : connectionOf(read("carrier")),
    linktype: isUp && hardware !== undefined ? linkKindOf(Number(hardware)).linktype : null,
  };
}

/** Of a device that is down it cannot be read. */
function connectionOf(carrier: string | undefined): ConnectionName {
  return carrier === "1" ? "connected" : carrier === "0" ? "disconnected" : "unknown";
}
