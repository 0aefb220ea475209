/** Opening a device for live capture, with the one thing that can be done without: promiscuous mode. */
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import type {
  CaptureHandle,
  HandleOptions,
  PacketGroup,
  SharingHandle,
} from "../../ffi/capture/capture_handle.ts";
import type { TapwatchError } from "../errors.ts";
import type { CaptureOptions } from "../messages.ts";
import { chooseCapture } from "./capture_method.ts";
import { fanoutProgram } from "./fanout.ts";
import { GROWING_TIMEOUT_MS, GrowingRing } from "./growing_ring.ts";
import { describeFailure } from "./live_errors.ts";
import { smallRingBytes } from "./ring_need.ts";

/** Opens a device as `options` say, but not promiscuous where only that is refused. Throws CaptureError. */
export function openDevice(
  options: HandleOptions,
  open: (options: HandleOptions) => SharingHandle,
): SharingHandle {
  try {
    return open(options);
  } catch (error) {
    const isOnlyPromiscuous = error instanceof CaptureError && options.isPromiscuous &&
      error.fault === "promiscuousDenied";
    if (!isOnlyPromiscuous) throw error;
    return open({ ...options, isPromiscuous: false });
  }
}

/** Opens a device as `openDevice()` does, as one of a group. Throws CaptureError. */
export async function openInGroup(
  options: HandleOptions,
  group: PacketGroup,
  open: (options: HandleOptions) => SharingHandle,
): Promise<SharingHandle> {
  const handle = openDevice({ ...options, joins: true }, open);
  try {
    await handle.join(group);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return handle;
}

/**
 * Opens a device to capture from it: with a ring that grows where the system has that, with a part of the ring where threads share the
 * device, else with the whole. Throws CaptureError.
 */
export async function openCapture(
  options: CaptureOptions,
  open: (options: HandleOptions) => SharingHandle,
  warn: (text: string) => void,
): Promise<CaptureHandle> {
  const { share, bufferBytes, timeoutMs } = options;
  if (share !== undefined) {
    return await openInGroup(options, { id: share.id, program: fanoutProgram() }, open);
  }
  const canGrow = Deno.build.os === "linux" && bufferBytes > smallRingBytes &&
    timeoutMs >= GROWING_TIMEOUT_MS[0] && timeoutMs <= GROWING_TIMEOUT_MS[1];
  if (!canGrow) return openDevice(options, open);
  try {
    const hasFilter = options.filter !== "";
    const openPart = (bufferBytes: number, group: PacketGroup) =>
      openInGroup({ ...options, bufferBytes }, group, open);
    return await GrowingRing.open({ open: openPart, bufferBytes, timeoutMs, hasFilter, warn });
  } catch (error) {
    // What is no packet socket (a bus, a queue of netfilter) knows no groups, and the kernel no such device.
    const isRefused = error instanceof CaptureError && error.operation === "open" &&
      ["other", "noSuchDevice"].includes(error.fault);
    if (!isRefused) throw error;
    return openDevice(options, open);
  }
}

/** What a device that was opened is like; it has been closed when `closed` resolves, which nobody needs to wait for. */
interface Trial extends Pick<CaptureHandle, "linktype" | "isPromiscuous"> {
  readonly closed: Promise<void>;
}

/** Opens and closes a device: what `doctor` asks. Throws TapwatchError with the remedy. */
export function tryCapture(options: CaptureOptions): Trial {
  try {
    const handle = openDevice(options, chooseCapture(options.capture).open);
    const { linktype, isPromiscuous } = handle;
    return { linktype, isPromiscuous, closed: handle.close() };
  } catch (error) {
    throw liveFailure(error, options) ?? error;
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
  let handle: CaptureHandle;
  try {
    handle = openDevice(options, chooseCapture(options.capture).open);
  } catch (error) {
    if (error instanceof CaptureError) return null;
    throw error;
  }
  const timer = setTimeout(() => handle.breakLoop(), waitMs);
  try {
    const { packetCount, byteLength } = await handle.read();
    return packetCount === 0 ? null : Date.now() - newestTimeMs(handle, byteLength);
  } catch (error) {
    if (error instanceof CaptureError) return null; // gone meanwhile
    throw error;
  } finally {
    clearTimeout(timer);
    await handle.close();
  }
}

/** Of the last record of a batch (ffi/capture/capture_handle.ts). */
function newestTimeMs({ bytes, isNanosecond }: CaptureHandle, byteLength: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, byteLength);
  let timeMs = 0;
  for (let at = 0; at < byteLength; at += 16 + view.getUint32(at + 8, true)) {
    const fraction = view.getUint32(at + 4, true) / (isNanosecond ? 1e6 : 1000);
    timeMs = view.getUint32(at, true) * 1000 + fraction;
  }
  return timeMs;
}

/** As `describeFailure`, with the facts of this process. */
export function liveFailure(
  error: unknown,
  { device, capture }: Pick<CaptureOptions, "device" | "capture">,
): TapwatchError | null {
  return describeFailure(error, {
    device,
    executable: realExecutable(),
    listNames: () => chooseCapture(capture).list().map(({ name }) => name),
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
