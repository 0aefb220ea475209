/** Which addresses the pipeline tells to be of one device. */
import { deepStrictEqual } from "node:assert/strict";
import { Pipeline } from "./pipeline.ts";
import { batchOf } from "./testing.ts";
import {
  advertisement,
  arpRequest,
  type LinkEnd,
  routerAdvertisement,
  segment,
  solicitation,
} from "./testing/link_frames.ts";

const routerMac = "02:00:00:00:00:01";
const hostMac = "02:00:00:00:00:50";
const router: LinkEnd = { mac: routerMac, ip: "192.168.1.1" };
const router6: LinkEnd = { mac: routerMac, ip: "fe80::1" };
const host: LinkEnd = { mac: hostMac, ip: "192.168.1.50" };
const host6: LinkEnd = { mac: hostMac, ip: "2001:db8:1:1::50" };
const hostLink6: LinkEnd = { mac: hostMac, ip: "fe80::50" };
const privacy6: LinkEnd = { mac: hostMac, ip: "2001:db8:1:1:a1b2:c3d4:e5f6:1" };
const behind: LinkEnd = { mac: routerMac, ip: "10.20.0.14" };

function outside(index: number): LinkEnd {
  return { mac: routerMac, ip: `203.0.${index}.9` };
}
function outside6(index: number): LinkEnd {
  return { mac: routerMac, ip: `2001:db8:${100 + index}::1` };
}

/** A connection that is used. */
function visit(client: LinkEnd, target: LinkEnd): Uint8Array[] {
  const ports = [40_000, 443] as const;
  const back = [443, 40_000] as const;
  return [
    segment(client, target, { ports }),
    segment(target, client, { ports: back, flags: 0x12, ttl: 52 }),
    segment(client, target, { ports, flags: 0x18, payloadLength: 50 }),
  ];
}

/** MAC addresses of local hosts by address, "" where none is theirs. */
function devicesOf(frames: readonly Uint8Array[]): Record<string, string> {
  const pipeline = new Pipeline({ flowCountMax: 100, rowPolicy: "none" });
  pipeline.process(
    batchOf(frames.map((bytes, index) => ({ timestampUs: 1.7e15 + index * 20_000, bytes }))),
  );
  const hosts = pipeline.takeChangedHosts(Infinity).filter(({ isLocal }) => isLocal);
  return Object.fromEntries(hosts.map(({ address, mac }) => [address, mac]));
}

Deno.test("a device's IPv4, link-local, global and privacy addresses have its MAC address", () => {
  const frames = [
    routerAdvertisement(router6, "2001:db8:1:1::", 64),
    arpRequest(host, router.ip),
    solicitation(hostLink6, router6.ip),
    advertisement(host6, router6),
    ...visit(host, outside(1)),
    ...visit(host6, outside6(1)),
    ...visit(privacy6, outside6(2)),
  ];
  const devices = devicesOf(frames);
  deepStrictEqual(
    [host, host6, privacy6, hostLink6].map(({ ip }) => devices[ip]),
    [hostMac, hostMac, hostMac, hostMac],
  );
});

Deno.test("a global address is local, and the device's, when the device is: without neighbour discovery", () => {
  const frames = [
    ...[1, 2, 3, 4, 5].flatMap((index) => visit(host, outside(index))),
    ...[1, 2, 3].flatMap((index) => visit(host6, outside6(index))),
    ...visit(privacy6, outside6(4)),
  ];
  const devices = devicesOf(frames);
  deepStrictEqual([host6, privacy6].map(({ ip }) => devices[ip]), [hostMac, hostMac]);
});

Deno.test("hosts behind a router of the own networks are not the router", () => {
  const frames = [
    arpRequest(router, host.ip),
    arpRequest(host, router.ip),
    ...visit(behind, host),
    ...visit(host, behind),
    ...visit(router, host),
  ];
  const devices = devicesOf(frames);
  deepStrictEqual(
    [router, host, behind].map(({ ip }) => devices[ip]),
    [routerMac, hostMac, ""],
  );
});
