import { deepStrictEqual } from "node:assert/strict";
import type { DeviceInfo } from "../capture/device_info.ts";
import { findLinktype, listDevices } from "../pcap/device_list.ts";
import { openLibrary } from "../pcap/symbols.ts";
import { testAsRoot } from "../pcap/testing.ts";
import { listSocketDevices } from "./device_list.ts";

/** Bluetooth, USB and the like, which are no network interfaces. */
const isInterface = ({ name }: DeviceInfo) => !/^(bluetooth|usbmon|nflog|nfqueue|dbus)/.test(name);

testAsRoot("listSocketDevices() tells of each interface what libpcap tells", () => {
  const library = openLibrary();
  const expected = listDevices(library).filter(isInterface).map((device) =>
    comparable({
      ...device,
      linktype: device.isUp ? findLinktype(library, device.name) : null,
    })
  );
  const actual = listSocketDevices().map(comparable);
  const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
  deepStrictEqual(actual.toSorted(byName), expected.toSorted(byName));
});

/** Addresses in one order; of what is down nothing is known of its connection. */
function comparable(device: DeviceInfo) {
  return {
    ...device,
    description: "",
    addresses: device.addresses.map(({ address }) => address).sort(),
    connection: device.isUp ? device.connection : "unknown",
  };
}
