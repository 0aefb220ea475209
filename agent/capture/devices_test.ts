import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { testAsRoot } from "../../ffi/pcap/testing.ts";
import {
  chooseDefaultDevice,
  type DeviceInfo,
  listCaptureDevices,
  listWithLinktypes,
  readRouteTables,
} from "./devices.ts";

const noRoutes = { ipv4: "", ipv6: "" };
const ipv4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	010200C0	0003	0	0	100	00000000	0	0	0
eth1	00000000	010200C0	0002	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
`;
const zeros = "0".repeat(32);
const ipv6 = `fd${
  "0".repeat(30)
} 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001     wlan0
${zeros} 00 ${zeros} 00 fe80${"0".repeat(28)} 00000400 00000002 00000000 00000003     eth1
${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo
`;

function device(name: string, facts: Partial<DeviceInfo> = {}): DeviceInfo {
  return {
    name,
    description: "",
    addresses: [],
    isUp: true,
    isRunning: true,
    isLoopback: name === "lo",
    isWireless: false,
    connection: "connected",
    linktype: 1,
    ...facts,
  };
}
const all = ["any", "lo", "wlan0", "eth0", "eth1"].map((name) => device(name));

Deno.test("chooseDefaultDevice() takes the IPv4 default route of the least metric that is up", () => {
  deepStrictEqual(chooseDefaultDevice(all, { ipv4, ipv6 }), { name: "eth0", note: "" });
});

Deno.test("chooseDefaultDevice() takes the IPv6 default route where IPv4 has none", () => {
  deepStrictEqual(chooseDefaultDevice(all, { ipv4: "", ipv6 }), { name: "eth1", note: "" });
});

Deno.test("chooseDefaultDevice() passes over a route to a device that cannot be captured on", () => {
  const devices = all.filter(({ name }) => name !== "eth0");
  strictEqual(chooseDefaultDevice(devices, { ipv4, ipv6 })?.name, "eth1");
});

Deno.test("chooseDefaultDevice() takes the first network device up without a default route", () => {
  const devices = [device("any"), device("eth9", { isUp: false }), ...all];
  const chosen = chooseDefaultDevice(devices, noRoutes);
  strictEqual(chosen?.name, "wlan0");
  ok(chosen.note.includes("no default route"));
});

Deno.test("chooseDefaultDevice() falls back to loopback, then any, and says so", () => {
  const down = device("eth0", { isRunning: false });
  strictEqual(chooseDefaultDevice([down, device("any"), device("lo")], noRoutes)?.name, "lo");
  const chosen = chooseDefaultDevice([down, device("any")], noRoutes);
  strictEqual(chosen?.name, "any");
  ok(chosen.note.includes("no network device is up"));
  strictEqual(chooseDefaultDevice([down], noRoutes), null);
});

testAsRoot("listWithLinktypes() knows loopback's addresses and link type", () => {
  const devices = listWithLinktypes("auto");
  const loopback = devices.find(({ name }) => name === "lo");
  strictEqual(loopback?.linktype, 1);
  ok(loopback.addresses.some(({ address }) => address === "127.0.0.1"));
  ok(chooseDefaultDevice(devices, readRouteTables()) !== null);
  const withoutOpening = listCaptureDevices("auto");
  deepStrictEqual(withoutOpening.map(({ name }) => name), devices.map(({ name }) => name));
});
