import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { CaptureError } from "../../ffi/capture/capture_error.ts";
import type { BatchResult, CaptureHandle } from "../../ffi/capture/capture_handle.ts";
import type { CaptureOptions, SourceToMain, SourceToPipeline } from "../messages.ts";
import type { CaptureSourceState } from "../records.ts";
import { LiveOutbox } from "./live_outbox.ts";
import { LiveSource } from "./live_source.ts";

const options: CaptureOptions = {
  interfaceId: 0,
  device: "tap0",
  capture: "auto",
  filter: "",
  snaplen: 65535,
  isPromiscuous: true,
  bufferBytes: 1 << 20,
  batchPacketsMax: 100,
  timeoutMs: 1,
};
const onePacket: BatchResult = { byteLength: 17, packetCount: 1, lostPackets: 0, isBroken: false };
const broken: BatchResult = { byteLength: 0, packetCount: 0, lostPackets: 0, isBroken: true };
const gone = new CaptureError("read", "other", "The interface disappeared");
const absent = new CaptureError("open", "noSuchDevice", "No such device exists");

/** A device that reads `script`, then waits until it is broken off. */
function fakeHandle(script: (BatchResult | CaptureError)[], facts: Partial<CaptureHandle> = {}) {
  let wake = Promise.withResolvers<void>();
  const steps = [...script];
  const handle: CaptureHandle & { isClosed: boolean } = {
    isClosed: false,
    linktype: 1,
    isNanosecond: true,
    isPromiscuous: true,
    warning: "",
    method: "pcap",
    isSlow: false,
    isExact: false,
    bytes: packetRecord(),
    read: async () => {
      const step = steps.shift();
      if (step instanceof CaptureError) throw step;
      if (step !== undefined) return step;
      await wake.promise;
      wake = Promise.withResolvers();
      return broken;
    },
    breakLoop: () => wake.resolve(),
    stats: () => ({ received: 10, kernelDrops: 2, interfaceDrops: 1 }),
    close: () => {
      handle.isClosed = true;
      return Promise.resolve();
    },
    ...facts,
  };
  return handle;
}

function packetRecord(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(17);
  bytes[8] = 1;
  return bytes;
}

/** A source over `openings`, in turn; the last one again and again. Pauses end at once. */
function createSource(
  openings: (CaptureHandle | CaptureError)[],
  changes: Partial<CaptureOptions> = {},
) {
  const states: CaptureSourceState[] = [];
  const notes: string[] = [];
  const sent: SourceToPipeline[] = [];
  const pauses: number[] = [];
  const watch = { onState: (_: CaptureSourceState) => {}, onOpen: () => {} };
  const outbox = new LiveOutbox({
    interfaceId: 0,
    bufferBytes: 4096,
    bufferCountMax: 4,
    send: (message) => sent.push(message),
  });
  const tell = (message: SourceToMain) => {
    if (message.type === "note") notes.push(message.text);
    if (message.type !== "state") return;
    states.push(message.state);
    watch.onState(message.state);
  };
  const open = async () => {
    watch.onOpen();
    const opening = openings.length > 1 ? openings.shift() : openings[0];
    if (opening instanceof CaptureError) throw opening;
    return await opening!;
  };
  const pause = (ms: number) => {
    pauses.push(ms);
    return Promise.resolve();
  };
  const link = { trouble: "" };
  const linkTrouble = () => link.trouble;
  const source = new LiveSource({ ...options, ...changes }, {
    open,
    outbox,
    tell,
    linkTrouble,
    pause,
  });
  return { source, states, notes, sent, pauses, watch, link };
}

function stateNames(states: readonly CaptureSourceState[]): string[] {
  const names = states.map(({ state }) => state);
  return names.filter((name, i) => name !== names[i - 1]);
}

Deno.test("LiveSource hands packets over until it is stopped, then says the end", async () => {
  const handle = fakeHandle([onePacket, onePacket]);
  const { source, states, sent, watch } = createSource([handle]);
  watch.onState = ({ state }) => state === "capturing" && source.stop();
  await source.run();
  deepStrictEqual(stateNames(states), ["starting", "capturing", "stopped"]);
  deepStrictEqual(sent.map(({ type }) => type), ["batch", "batch", "end"]);
  const last = states.at(-1)!;
  strictEqual(last.packets, 2);
  deepStrictEqual([last.received, last.kernelDrops, last.interfaceDrops], [10, 2, 1]);
  ok(handle.isClosed);
});

Deno.test("LiveSource closes a device that is open only when it has been stopped", async () => {
  const handle = fakeHandle([onePacket]);
  const { source, states, sent } = createSource([handle]);
  const running = source.run();
  source.stop();
  await running;
  deepStrictEqual(stateNames(states), ["starting", "stopped"]);
  deepStrictEqual(sent.map(({ type }) => type), ["end"]);
  ok(handle.isClosed);
});

Deno.test("LiveSource captures from no device that is back only when it has been stopped", async () => {
  const second = fakeHandle([onePacket]);
  const { source, states, watch, notes } = createSource([fakeHandle([onePacket, gone]), second]);
  watch.onOpen = () => {
    if (states.length > 1) source.stop();
  };
  await source.run();
  deepStrictEqual(stateNames(states), ["starting", "capturing", "retrying", "stopped"]);
  ok(second.isClosed);
  ok(!notes.some((note) => note.includes("The device is back")));
});

Deno.test("LiveSource waits for a lost device with back-off, and adds its counters up", async () => {
  const first = fakeHandle([onePacket, gone]);
  const second = fakeHandle([onePacket]);
  const { source, states, notes, pauses, watch } = createSource([
    first,
    ...new Array<CaptureError>(6).fill(absent),
    second,
  ]);
  watch.onState = ({ state, packets }) => state === "capturing" && packets === 1 && source.stop();
  await source.run();
  deepStrictEqual(pauses, [1, 2, 4, 8, 16, 30, 30].map((s) => s * 1000));
  deepStrictEqual(stateNames(states), [
    "starting",
    "capturing",
    "retrying",
    "capturing",
    "stopped",
  ]);
  const details = states.filter(({ state }) => state === "retrying").map(({ detail }) => detail);
  strictEqual(details[0], "The interface disappeared, next try in 1 s");
  strictEqual(details[1], "No such device exists, next try in 2 s");
  const last = states.at(-1)!;
  deepStrictEqual([last.packets, last.received, last.kernelDrops], [2, 20, 4]);
  deepStrictEqual(notes.length, 2);
  ok(first.isClosed && second.isClosed);
});

Deno.test("LiveSource can be stopped while it waits for a device", async () => {
  const { source, states, sent, watch } = createSource([fakeHandle([gone]), absent]);
  watch.onState = ({ state }) => state === "retrying" && source.stop();
  await source.run();
  deepStrictEqual(stateNames(states), ["starting", "capturing", "retrying", "stopped"]);
  deepStrictEqual(sent.map(({ type }) => type), ["end"]);
});

Deno.test("LiveSource waits for a device that is down at the start", async () => {
  const down = new CaptureError("open", "notUp", "That device is not up");
  const { source, states, watch } = createSource([down, fakeHandle([])]);
  watch.onState = ({ state }) => state === "capturing" && source.stop();
  await source.run();
  deepStrictEqual(stateNames(states), ["starting", "retrying", "capturing", "stopped"]);
  strictEqual(
    states.find(({ state }) => state === "retrying")?.detail,
    "tap0 is down, next try in 1 s",
  );
});

Deno.test("LiveSource fails at once on a device that was never there", async () => {
  const { source, states, sent } = createSource([absent]);
  await rejects(source.run(), absent);
  deepStrictEqual(stateNames(states), ["starting", "failed"]);
  deepStrictEqual(sent.map(({ type }) => type), ["end"]);
});

Deno.test("LiveSource waits for a device that an earlier thread of this run had open", async () => {
  const { source, states, notes, watch } = createSource([absent, absent, fakeHandle([])], {
    wasOpen: true,
  });
  watch.onState = ({ state }) => state === "capturing" && source.stop();
  await source.run();
  deepStrictEqual(stateNames(states), ["starting", "retrying", "capturing", "stopped"]);
  strictEqual(notes[0], "tap0: No such device exists; trying again until it is back.");
});

Deno.test("LiveSource says that it goes on without promiscuous mode", async () => {
  const handle = fakeHandle([], { isPromiscuous: false });
  const { source, states, notes, watch } = createSource([handle]);
  watch.onState = ({ state }) => state === "capturing" && source.stop();
  await source.run();
  strictEqual(states.at(-1)!.isPromiscuous, false);
  strictEqual(
    states.find(({ state }) => state === "capturing")?.detail,
    "capturing by libpcap, not promiscuous",
  );
  ok(notes[0].includes("Promiscuous mode"), notes[0]);
});

Deno.test("LiveSource counts packets that a full batch lost as dropped in the queue", async () => {
  const { source, states, watch } = createSource([fakeHandle([{ ...onePacket, lostPackets: 5 }])]);
  watch.onState = ({ state }) => state === "capturing" && source.stop();
  await source.run();
  const last = states.at(-1)!;
  deepStrictEqual([last.packets, last.queueDrops], [6, 5]);
});

Deno.test("a link that is lost is told while the device stands open, and that it is back", async () => {
  const { source, states, notes, watch, link } = createSource([fakeHandle([onePacket])]);
  watch.onState = ({ state }) => {
    if (state === "capturing" && notes.length === 0) link.trouble = "tap0 has no link";
    else if (state === "retrying") link.trouble = "";
    else if (state === "capturing") source.stop();
  };
  await source.run();
  deepStrictEqual(stateNames(states), [
    "starting",
    "capturing",
    "retrying",
    "capturing",
    "stopped",
  ]);
  deepStrictEqual(notes, ["tap0: Nothing comes: tap0 has no link.", "tap0: The link is back."]);
});

/** Reads one packet at a time, slower than what is drained; then waits. */
function slowHandle(count: number, facts: Partial<CaptureHandle>) {
  const handle = fakeHandle([], { isExact: true, ...facts });
  const { read } = handle;
  let left = count;
  handle.read = async () => {
    if (left-- <= 0) return await read();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return onePacket;
  };
  return handle;
}

Deno.test("LiveSource reads what came before its stop, however long that takes", async () => {
  const { source, states, notes, watch } = createSource([slowHandle(8, {})]);
  watch.onState = ({ state }) => state === "capturing" && source.stop();
  await source.run();
  const last = states.at(-1)!;
  deepStrictEqual([last.packets, last.received, last.kernelDrops], [8, 10, 2]);
  deepStrictEqual(notes, []);
});

Deno.test("LiveSource counts what came before its stop and could not be read as dropped", async () => {
  const { source, states, notes, watch } = createSource([slowHandle(3, {})]);
  watch.onState = ({ state }) => state === "capturing" && source.stop();
  await source.run();
  const last = states.at(-1)!;
  deepStrictEqual([last.packets, last.received, last.kernelDrops], [3, 10, 7]);
  deepStrictEqual(notes, [
    "tap0: 5 packets that came before the end could not be read in time and are lost.",
  ]);
});

Deno.test("LiveSource counts what a device had that is gone, and that could not be read, as dropped", async () => {
  const first = fakeHandle([onePacket, gone], { isExact: true });
  const { source, states, notes, watch } = createSource([first, fakeHandle([])]);
  watch.onState = ({ state }) => {
    if (state === "retrying") source.stop();
  };
  await source.run();
  // Ten received, two dropped, one read.
  strictEqual(states.at(-1)!.kernelDrops, 2 + 7);
  strictEqual(
    notes[0],
    "tap0: 7 packets that came before the end could not be read in time and are lost.",
  );
});

Deno.test("LiveSource does not count what came after its stop", async () => {
  const bytes = packetRecord();
  new DataView(bytes.buffer).setUint32(0, 0xffff_ffff, true);
  const { source, states, notes, watch } = createSource([slowHandle(3, { bytes })]);
  watch.onState = ({ state }) => state === "capturing" && source.stop();
  await source.run();
  strictEqual(states.at(-1)!.kernelDrops, 2);
  deepStrictEqual(notes, []);
});
