/**
 * What looks for the processes behind this host's flows, in the thread of the detectors, whose findings they name. The pipeline asks for
 * flows that have begun, and is answered as far as a fifth of the time goes. Of connections that are over before their packets have been read the kernel tells who
 * begins them (connect_trace.ts), where it lets us; and a tap of the first packets that this host sends (ffi/linux/outgoing_tap.ts).
 */
import { boottimeMs, monotonicUs, threadCpuMs } from "../../ffi/linux/clocks.ts";
import { PerfRing } from "../../ffi/linux/perf_ring.ts";
import { PollSet } from "../../ffi/linux/poll_set.ts";
import { findUserName } from "../../ffi/linux/privileges.ts";
import { OutgoingTap, TAP_BYTES } from "../../ffi/linux/outgoing_tap.ts";
import { formatIpWords } from "../decode/addresses.ts";
import type { AsksMessage, LookForProcesses, ProcessesMessage, ProcessNews } from "../messages.ts";
import type { FlowProcess, ProcessesState } from "../records.ts";
import { readConnectFormat } from "./connect_events.ts";
import { ConnectTrace } from "./connect_trace.ts";
import { Desk, type DeskAnswer } from "./desk.ts";
import { ProcessFinder, TimeShare } from "./process_finder.ts";
import { ProcTree } from "./proc_tree.ts";
import { SocketOwners } from "./socket_owners.ts";
import { openSockets } from "./open_sockets.ts";
import type { ConnectTraceSource } from "./open_trace.ts";
import { PROTOCOL_TCP, type SocketQuery } from "./socket_query.ts";
import { queryOfPacket } from "./tap_packet.ts";

const share = 0.2;
const stateMs = 1000;
/** Between two looks at what was left. */
const againMs = 100;
/** This host's addresses are read again after it. */
const ownMs = 5000;
const waitMs = 5000;
/** After a wait that failed, and while there is no time left. */
const failedPauseMs = 250;
const busyPauseMs = 5;
/** Packets of the tap that are looked at in one go. */
const tapMax = 64;

export class ProcessThread {
  readonly #tell: (news: ProcessNews) => void;
  readonly #owners: SocketOwners;
  readonly #finder: ProcessFinder;
  readonly #source: ProcessesState["source"];
  readonly #closeSockets: () => void;
  readonly #share = new TimeShare(share, () => performance.now(), threadCpuMs);
  /** One a pipeline. */
  readonly #desks: readonly { readonly port: MessagePort; readonly desk: Desk }[];
  /** What the tap has still to give was sent after it. */
  #tapEmptyMs = performance.now();
  readonly #tap = openTap();
  readonly #trace: ConnectTrace<FlowProcess> | null;
  #againTimer: number | null = null;
  /** Addresses of this host. */
  #own: ReadonlySet<string> = new Set();

  constructor(
    { options, pipelines, trace }: LookForProcesses,
    tell: (news: ProcessNews) => void,
  ) {
    this.#tell = tell;
    const tree = new ProcTree(options);
    const nowMs = () => performance.now();
    const sockets = openSockets(nowMs);
    this.#source = sockets.source;
    this.#closeSockets = sockets.close;
    this.#owners = new SocketOwners({ tree, nowMs });
    this.#finder = new ProcessFinder({
      findSocket: sockets.find,
      owners: this.#owners,
      tree,
      userName: findUserName,
      nowMs,
      wallMs: () => Date.now(),
      bootMs: boottimeMs,
    });
    // What runs here for the first time takes too long for a short connection.
    this.#owners.lookAtAll();
    this.#owners.openers();
    this.#finder.connects(Deno.pid);
    findUserName(0);
    this.#trace = trace === null ? null : this.#readTrace(trace);
    this.#desks = pipelines.map((port) => ({
      port,
      desk: new Desk({
        find: (query, startMs, isOriginator) => this.#find(query, startMs, isOriginator),
        share: this.#share,
        nowMs,
      }),
    }));
    for (const { port, desk } of this.#desks) {
      port.onmessage = ({ data }: MessageEvent<AsksMessage>) => {
        this.#tellFlows(port, desk.answer(data), 1);
        this.#answerLater();
      };
    }
    this.#readOwn();
    setInterval(() => this.#readOwn(), ownMs);
    setInterval(() => this.#tellState(), stateMs);
    const traceHandles = this.#trace === null ? [] : trace!.handles;
    void this.#watch([...this.#tap === null ? [] : [this.#tap.handle], ...traceHandles]);
    this.#tellState();
  }

  /** What the system has lent the process would stay with it when the thread ends. */
  close(): void {
    this.#tap?.close();
    this.#closeSockets();
  }

  /** No timer runs while nothing waits. */
  #answerLater(): void {
    if (this.#againTimer !== null || !this.#desks.some(({ desk }) => desk.isWaiting)) return;
    this.#againTimer = setTimeout(() => {
      this.#againTimer = null;
      this.#answerAgain();
      this.#answerLater();
    }, againMs);
  }

  #answerAgain(): void {
    for (const { port, desk } of this.#desks) {
      const answer = desk.answerAgain();
      if (answer !== null && answer.flows.length > 0) this.#tellFlows(port, answer, 0);
    }
  }

  /** Null where the kernel tells other things than are read here. */
  #readTrace(source: ConnectTraceSource): ConnectTrace<FlowProcess> | null {
    const format = readConnectFormat(source.format);
    if (format === null) return null;
    // Both clocks go as one.
    const aheadMs = Number(monotonicUs()) / 1000 - performance.now();
    const rings = source.rings.map(({ address, byteLength }) => PerfRing.at(address, byteLength));
    // Of what came while nobody read, the processes may be others by now.
    for (const ring of rings) ring.drain(() => {});
    return new ConnectTrace<FlowProcess>({
      rings,
      format,
      describe: (pid) => this.#finder.connects(pid),
      onConnect: (query, process, atMs) => this.#finder.connected(query, process, atMs - aheadMs),
      nowMs: () => performance.now(),
    });
  }

  #find(query: SocketQuery, startMs: number, isOriginator: boolean): FlowProcess | null {
    this.#trace?.take();
    const process = this.#finder.find(query, startMs, isOriginator);
    if (process !== null || this.#trace === null) return process;
    // Its socket may have been closed since.
    return this.#trace.take() ? this.#finder.find(query, startMs, isOriginator) : null;
  }

  async #watch(handles: readonly number[]): Promise<void> {
    if (handles.length === 0) return;
    const files = new PollSet(handles);
    const packet = new Uint8Array(TAP_BYTES);
    for (;;) {
      const hasFailed = await files.wait(waitMs);
      let isAny = false;
      const isDone = this.#share.spend(() => {
        isAny = this.#trace?.take() ?? false;
      });
      if (this.#takePackets(packet) > 0) isAny = true;
      // Such as of a device that is gone. What there was to read may only have been read meanwhile, for a flow.
      const pauseMs = hasFailed && !isAny ? failedPauseMs : isDone ? 0 : busyPauseMs;
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Returns how many there were. */
  #takePackets(packet: Uint8Array<ArrayBuffer>): number {
    for (let count = 0; count < tapMax; count++) {
      const askedMs = performance.now();
      const length = this.#tap?.next(packet) ?? 0;
      if (length === 0) {
        this.#tapEmptyMs = askedMs;
        return count;
      }
      const query = queryOfPacket(packet.subarray(0, Math.min(length, packet.length)));
      // What is only passed on has no process here; what there is no time for is not looked at, and the flow is asked for later.
      if (query !== null && this.#isOwn(query)) this.#share.spend(() => this.#begins(query));
    }
    return tapMax;
  }

  #begins(query: SocketQuery): void {
    if (query.protocol === PROTOCOL_TCP && this.#trace !== null) {
      this.#trace.take();
      if (this.#trace.hasBegun(query)) return;
    }
    this.#finder.begins(query, this.#tapEmptyMs);
  }

  /** Takes milliseconds where there are many devices, which a connection that begins may not have. */
  #readOwn(): void {
    this.#own = new Set(Deno.networkInterfaces().map(({ address }) => address));
  }

  #isOwn({ isIpv6, local }: SocketQuery): boolean {
    const address = formatIpWords(isIpv6 ? 6 : 4, local);
    return this.#own.has(address) || !isIpv6 && address.startsWith("127.");
  }

  #tellFlows(
    pipeline: MessagePort,
    { processes, flows: found, contacts }: DeskAnswer,
    answers: number,
  ): void {
    const flows = Float64Array.from(found);
    const message: ProcessesMessage = { type: "processes", answers, processes, flows };
    pipeline.postMessage(message, [flows.buffer]);
    if (contacts.length > 0) this.#tell({ type: "contacts", processes, contacts });
  }

  #tellState(): void {
    const { processes, closedProcesses, hidesOthers } = this.#owners;
    this.#tell({
      type: "state",
      state: {
        state: "ok",
        detail: "",
        source: this.#source,
        hasTap: this.#tap !== null,
        hasTrace: this.#trace !== null,
        traceLost: this.#trace?.lost ?? 0,
        ...addCounts(this.#desks.map(({ desk }) => desk.counts)),
        processes,
        closedProcesses,
        hidesOthers,
      },
    });
  }
}

/** Null without the right to. */
function openTap(): OutgoingTap | null {
  try {
    return new OutgoingTap();
  } catch {
    return null;
  }
}

function addCounts(all: readonly Desk["counts"][]): Desk["counts"] {
  const sum = { named: 0, userOnly: 0, unknown: 0, passedOver: 0 };
  for (const counts of all) {
    sum.named += counts.named;
    sum.userOnly += counts.userOnly;
    sum.unknown += counts.unknown;
    sum.passedOver += counts.passedOver;
  }
  return sum;
}
