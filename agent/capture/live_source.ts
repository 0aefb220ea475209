/**
 * The life of one capture device:
 *
 *     starting -> capturing <-> retrying (device gone or down: again after 1, 2, 4 … 30 s; its link: looked at each second)
 *         |           |            |
 *         v           +------------+--> stopped (asked to; what the ring held is handed over first)
 *       failed (no such device, no permission, bad filter: before the first packet only)
 */
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import {
  type BatchResult,
  type CaptureHandle,
  RecordHeader,
} from "../../ffi/capture/capture_handle.ts";
import type { CaptureOptions, SourceToMain } from "../messages.ts";
import type { CaptureSourceState } from "../records.ts";
import type { LiveOutbox } from "./live_outbox.ts";
import { LiveTotals } from "./live_totals.ts";
import { messageOf } from "../errors.ts";

interface LiveSourceParts {
  /** Throws CaptureError. */
  readonly open: () => Promise<CaptureHandle>;
  readonly outbox: LiveOutbox;
  readonly tell: (message: SourceToMain) => void;
  /** What is wrong with the link of the open device; "" when nothing is. */
  readonly linkTrouble: () => string;
  /** Resolves after `ms`, or when `signal` is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

const reportMs = 1000;
/** Buffers that were not needed for so many reports are given back. */
const shrinkReports = 10;
const retryMaxS = 30;
/** The kernel hands packets over up to its timeout late; this is for its timer, and bounds the whole. */
const drainExtraMs = 100;
const drainMaxMs = 500;
/** A starved thread may find more in the ring than it can take in that time: it takes that too, but not for ever. */
const restMaxMs = 4000;
/** A read that was broken off may have nothing although there is some. */
const emptyReadsMax = 2;

export class LiveSource {
  readonly #options: CaptureOptions;
  readonly #parts: LiveSourceParts;
  readonly #totals = new LiveTotals();
  readonly #stopping = new AbortController();
  #handle: CaptureHandle | null = null;
  #hasOpened = false;
  #isDrained = false;
  #isAbandoned = false;
  /** Wall clock, milliseconds; what is stamped later need not be read. */
  #stopMs = Infinity;
  /** Of the handle that is open. */
  #readPackets = 0;
  /** When the last packet of the last batch was stamped, milliseconds; -Infinity before. */
  #lastMs = -Infinity;
  #drainTimer: number | undefined;
  #isReportDue = false;
  #reports = 0;
  #packets = 0;
  #linktype = 0;
  #isPromiscuous = false;
  #state: CaptureSourceState["state"] = "starting";
  #detail = "opening the device";
  /** What is wrong with the link while the device stands open. */
  #trouble = "";

  constructor(options: CaptureOptions, parts: LiveSourceParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Captures until `stop()`. Throws CaptureError when the device cannot be opened the first time and waiting would not
   * help. Either way the pipeline has been told the end, unless the source was abandoned.
   */
  async run(): Promise<void> {
    const report = setInterval(() => this.#onReportTime(), reportMs);
    try {
      this.#tellState();
      await this.#runToEnd();
      if (!this.#isAbandoned) this.#setState("stopped", "stopped");
    } catch (error) {
      this.#setState("failed", messageOf(error));
      throw error;
    } finally {
      clearInterval(report);
      clearTimeout(this.#drainTimer);
      if (!this.#isAbandoned) this.#parts.outbox.end();
    }
  }

  /** Ends `run()` as soon as the device is not read from, and closes it: another thread takes the place of this one. */
  abandon(): void {
    this.#isAbandoned = this.#isDrained = true;
    this.#stopping.abort();
    this.#handle?.breakLoop();
  }

  /** Hands over what the kernel has so far, then ends `run()`. May be called more than once. */
  stop(): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#stopMs = Date.now();
    const drainMs = Math.min(this.#options.timeoutMs + drainExtraMs, drainMaxMs);
    this.#drainTimer = setTimeout(() => {
      this.#isDrained = true;
      this.#handle?.breakLoop();
    }, drainMs);
  }

  async #runToEnd(): Promise<void> {
    let { handle, lost } = await this.#openFirst();
    while (!this.#stopping.signal.aborted) {
      if (handle === null) {
        handle = await this.#reopen(lost);
        if (handle === null) return;
        continue;
      }
      lost = await this.#capture(handle);
      handle = null;
    }
    // Stopped while it was opened.
    await handle?.close();
  }

  /** Without a handle, but why, when it may still come: it is down, or was open before. */
  async #openFirst(): Promise<{ handle: CaptureHandle | null; lost: string }> {
    try {
      return { handle: await this.#parts.open(), lost: "" };
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      const { device, wasOpen = false } = this.#options;
      if (error.fault === "notUp") {
        return { handle: null, lost: `${device} is down` };
      }
      if (wasOpen) return { handle: null, lost: error.message };
      throw error;
    }
  }

  /** Tries until it opens, or, with null, until `stop()`. */
  async #reopen(reason: string): Promise<CaptureHandle | null> {
    this.#note("warning", `${reason}; trying again until it is back.`);
    for (let waitS = 1; !this.#stopping.signal.aborted; waitS = Math.min(2 * waitS, retryMaxS)) {
      this.#setState("retrying", `${reason}, next try in ${waitS} s`);
      await this.#parts.pause(waitS * 1000, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return null;
      try {
        return await this.#parts.open();
      } catch (error) {
        if (!(error instanceof CaptureError)) throw error;
        reason = error.message;
      }
    }
    return null;
  }

  /** Reads until everything is drained after `stop()`, or the device fails: then returns why. */
  async #capture(handle: CaptureHandle): Promise<string> {
    this.#begin(handle);
    try {
      while (!this.#isDrained) {
        this.#take(handle, await handle.read());
        if (this.#isReportDue) this.#report(handle);
      }
      if (!this.#isAbandoned) await this.#readRest(handle);
      return "";
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      // Of a device that is gone nothing more can be read.
      if (!this.#isAbandoned && this.#isSure(handle)) this.#loseRest(handle);
      return error.message;
    } finally {
      this.#handle = null;
      this.#addCounters(handle);
      await handle.close();
    }
  }

  /** What came before `stop()` and is still in the ring; what there is no time for is lost, and counted. */
  async #readRest(handle: CaptureHandle): Promise<void> {
    const endMs = performance.now() + restMaxMs;
    const { timeoutMs } = this.#options;
    const waitMs = handle.isExact
      ? Math.min(timeoutMs + drainExtraMs, restMaxMs)
      : drainExtraMs / 2;
    let emptyReads = 0;
    while (performance.now() < endMs && emptyReads < emptyReadsMax) {
      if (this.#lastMs >= this.#stopMs || this.#unread(handle) === 0) return;
      const timer = setTimeout(() => handle.breakLoop(), waitMs);
      const batch = await handle.read();
      clearTimeout(timer);
      this.#take(handle, batch);
      if (batch.packetCount === 0) emptyReads++;
    }
    if (this.#lastMs < this.#stopMs && (this.#isSure(handle) || emptyReads < emptyReadsMax)) {
      this.#loseRest(handle);
    }
  }

  /** Before its filter was set a device may have received some that were never to be read. */
  #isSure(handle: CaptureHandle): boolean {
    return handle.isExact && this.#options.filter === "";
  }

  /** Null where the counters do not tell. */
  #unread(handle: CaptureHandle): number | null {
    this.#addCounters(handle);
    return handle.isExact ? this.#totals.unread(this.#readPackets) : null;
  }

  #loseRest(handle: CaptureHandle): void {
    const unread = this.#unread(handle);
    if (unread === 0) return;
    this.#totals.kernelDrops += unread ?? 0;
    const what = unread === null ? "Packets, nobody knows how many," : `${unread} packets`;
    this.#note(
      "warning",
      `${what} that came before the end could not be read in time and are lost.`,
    );
  }

  #begin(handle: CaptureHandle): void {
    this.#handle = handle;
    this.#readPackets = 0;
    this.#lastMs = -Infinity;
    this.#trouble = "";
    this.#totals.startHandle();
    this.#parts.outbox.setFormat(handle);
    this.#linktype = handle.linktype;
    this.#isPromiscuous = handle.isPromiscuous;
    if (this.#hasOpened) this.#note("info", "The device is back.");
    else this.#noteOpening(handle);
    this.#hasOpened = true;
    this.#setState("capturing", describeCapture(handle));
  }

  #noteOpening(handle: CaptureHandle): void {
    if (handle.warning !== "") this.#note("warning", handle.warning);
    if (this.#options.isPromiscuous && !handle.isPromiscuous) {
      this.#note("info", "Promiscuous mode is not to be had here; capturing without it.");
    }
  }

  #take(handle: CaptureHandle, batch: BatchResult): void {
    this.#packets += batch.packetCount + batch.lostPackets;
    this.#parts.outbox.queueDrops += batch.lostPackets;
    this.#readPackets += batch.packetCount + batch.lostPackets;
    if (batch.packetCount === 0) return;
    if (this.#stopping.signal.aborted) this.#lastMs = lastStampMs(handle, batch);
    this.#parts.outbox.append(handle.bytes.subarray(0, batch.byteLength), batch.packetCount);
  }

  /** The counters may be read only between two reads: an idle one is ended for that. */
  #onReportTime(): void {
    if (++this.#reports % shrinkReports === 0) this.#parts.outbox.shrink();
    if (this.#handle === null) return this.#tellState();
    this.#isReportDue = true;
    this.#handle.breakLoop();
  }

  #report(handle: CaptureHandle): void {
    this.#isReportDue = false;
    this.#addCounters(handle);
    this.#lookAtLink(handle);
    this.#tellState();
  }

  /** The device stays open: its packets come again with its link. */
  #lookAtLink(handle: CaptureHandle): void {
    const trouble = this.#parts.linkTrouble();
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (trouble === "") this.#note("info", "The link is back.");
    else this.#note("warning", `Nothing comes: ${trouble}.`);
    this.#state = trouble === "" ? "capturing" : "retrying";
    this.#detail = trouble === "" ? describeCapture(handle) : trouble;
  }

  #addCounters(handle: CaptureHandle): void {
    try {
      this.#totals.add(handle.stats());
    } catch (error) {
      // A device that is gone has no counters: the last ones stay. The next read says that it is gone.
      if (!(error instanceof CaptureError)) throw error;
    }
  }

  #setState(state: CaptureSourceState["state"], detail: string): void {
    this.#state = state;
    this.#detail = detail;
    this.#tellState();
  }

  #tellState(): void {
    const { outbox, tell } = this.#parts;
    const state: CaptureSourceState = {
      interfaceId: this.#options.interfaceId,
      name: this.#options.device,
      state: this.#state,
      detail: this.#detail,
      linktype: this.#linktype,
      isPromiscuous: this.#isPromiscuous,
      packets: this.#packets,
      received: this.#totals.received,
      kernelDrops: this.#totals.kernelDrops,
      interfaceDrops: this.#totals.interfaceDrops,
      queueDrops: outbox.queueDrops,
      queueDepth: outbox.queueDepth,
      queueMax: outbox.queueMax,
    };
    tell({ type: "state", state });
  }

  #note(severity: "info" | "warning", text: string): void {
    this.#parts.tell({ type: "note", severity, text: `${this.#options.device}: ${text}` });
  }
}

const methodNames = { pcap: "libpcap", afpacket: "AF_PACKET" } as const;

function describeCapture(handle: CaptureHandle): string {
  const mode = handle.isPromiscuous ? "promiscuous" : "not promiscuous";
  const pace = handle.isSlow ? ", packet by packet (slower)" : "";
  return `capturing by ${methodNames[handle.method]}, ${mode}${pace}`;
}

/** Of the last packet of a batch. */
function lastStampMs({ bytes, isNanosecond }: CaptureHandle, { byteLength }: BatchResult): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, byteLength);
  let last = 0;
  for (let at = 0; at + RecordHeader.size <= byteLength;) {
    last = at;
    at += RecordHeader.size + view.getUint32(at + RecordHeader.capturedLength, true);
  }
  const fraction = view.getUint32(last + RecordHeader.fraction, true);
  const ms = fraction / (isNanosecond ? 1e6 : 1e3);
  return view.getUint32(last + RecordHeader.seconds, true) * 1000 + ms;
}
