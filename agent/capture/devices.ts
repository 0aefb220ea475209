/** Which devices there are to capture on, and which one is meant when none is named. */
import { readKernelFile } from "../../ffi/linux/kernel_file.ts";
import type { DeviceInfo } from "../../ffi/capture/device_info.ts";
import type { CaptureChoice } from "../messages.ts";
import { type Capture, chooseCapture } from "./capture_method.ts";
import { liveFailure } from "./live_open.ts";

export type { DeviceInfo };

/** The routing tables of Linux as text; "" where the platform has none. */
interface RouteTables {
  /** `/proc/self/net/route` */
  readonly ipv4: string;
  /** `/proc/self/net/ipv6_route` */
  readonly ipv6: string;
}

interface DefaultDevice {
  readonly name: string;
  /** Why it is this one, when it is not the default route's; else "". */
  readonly note: string;
}

/** The devices, none of which is opened. Throws MissingError when libpcap is meant and cannot be loaded. */
export function listCaptureDevices(choice: CaptureChoice): DeviceInfo[] {
  return list(choice, (capture) => capture.list());
}

/** The same with the link type of those that are up; libpcap opens each of them, which takes some 45 ms. */
export function listWithLinktypes(choice: CaptureChoice): DeviceInfo[] {
  return list(choice, (capture) => capture.listWithLinktypes());
}

function list(choice: CaptureChoice, ask: (capture: Capture) => DeviceInfo[]): DeviceInfo[] {
  try {
    return ask(chosenCapture(choice));
  } catch (error) {
    throw liveFailure(error, { device: "any device", capture: choice }) ?? error;
  }
}

/** As `chooseCapture`. Throws TapwatchError. */
export function chosenCapture(choice: CaptureChoice): Capture {
  try {
    return chooseCapture(choice);
  } catch (error) {
    throw liveFailure(error, { device: "any device", capture: choice }) ?? error;
  }
}

/** Loads the C library. */
export function readRouteTables(): RouteTables {
  if (Deno.build.os !== "linux") return { ipv4: "", ipv6: "" };
  return { ipv4: readTable("/proc/self/net/route"), ipv6: readTable("/proc/self/net/ipv6_route") };
}

/**
 * The default route's device; without one the first that is up, running and no loopback; without that loopback, or
 * `any`. Null when there is no device at all.
 */
export function chooseDefaultDevice(
  devices: readonly DeviceInfo[],
  routes: RouteTables,
): DefaultDevice | null {
  const names = [ipv4DefaultDevice(routes.ipv4), ipv6DefaultDevice(routes.ipv6)];
  const routed = names.find((name) => devices.some((device) => device.name === name));
  if (routed !== undefined && routed !== null) return { name: routed, note: "" };
  const running = devices.find((device) =>
    device.isUp && device.isRunning && !device.isLoopback && device.name !== "any"
  );
  if (running !== undefined) {
    return { name: running.name, note: `no default route; ${running.name} is the first device up` };
  }
  const last = devices.find((device) => device.isLoopback) ??
    devices.find((device) => device.name === "any");
  if (last === undefined) return null;
  return { name: last.name, note: `no network device is up; capturing on ${last.name}` };
}

const routeIsUp = 0x1;
const routeIsReject = 0x200;

/** Columns: Iface Destination Gateway Flags RefCnt Use Metric Mask; addresses and flags hexadecimal. */
function ipv4DefaultDevice(table: string): string | null {
  return cheapest(
    table.split("\n").slice(1).flatMap((line) => {
      const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
      const isDefault = destination === "00000000" && mask === "00000000" &&
        (parseInt(flags ?? "0", 16) & routeIsUp) !== 0;
      return isDefault && name ? [{ name, metric: Number(metric) }] : [];
    }),
  );
}

/** Columns, all hexadecimal: destination, its prefix, source, its prefix, next hop, metric, references, use, flags, device. */
function ipv6DefaultDevice(table: string): string | null {
  return cheapest(
    table.split("\n").flatMap((line) => {
      const [destination, prefix, , , , metric, , , flagsText, name] = line.trim().split(/\s+/);
      const flags = parseInt(flagsText ?? "0", 16);
      const isDefault = /^0{32}$/.test(destination ?? "") && prefix === "00" &&
        (flags & routeIsUp) !== 0 && (flags & routeIsReject) === 0 && name !== "lo";
      return isDefault && name ? [{ name, metric: parseInt(metric ?? "0", 16) }] : [];
    }),
  );
}

function cheapest(routes: readonly { name: string; metric: number }[]): string | null {
  return routes.toSorted((a, b) => a.metric - b.metric)[0]?.name ?? null;
}

/** "" for a table that is not there: a kernel without IPv6 has no such file. */
function readTable(path: string): string {
  return readKernelFile(path) ?? "";
}
