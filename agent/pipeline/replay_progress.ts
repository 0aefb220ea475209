/**
 * What of a file's rows goes to the store: nothing of the packets that an earlier replay has written, and of the others packets
 * and flows as they come, seconds and hosts (an increment for each hour, as the device book wants it) only with a mark, at which all that came before is sent. From there a later replay
 * goes on (agent/store/replayed_files.ts).
 */
import type { ReplayMark } from "../messages.ts";
import type { HostTotals, StatsSecond } from "../records.ts";
import type { Pipeline } from "./pipeline.ts";
import type { RowOutlet } from "./row_outlet.ts";

export class ReplayProgress {
  readonly #rows: Pick<RowOutlet, "sendAll" | "sendMark">;
  /** Packets that are written; null until the store has said so. */
  #known: number | null = null;
  #packets = 0;
  /** Seconds that wait for the next mark, and what of the one in progress was sent or is known. */
  #seconds: StatsSecond[] = [];
  #sent: StatsSecond | null = null;
  /** Increments of hours that are over, which wait too. */
  #hosts: HostTotals[] = [];
  #marked: ReplayMark = { packets: -1, isWhole: false };

  constructor(rows: Pick<RowOutlet, "sendAll" | "sendMark">) {
    this.#rows = rows;
  }

  /** Packets of the file that have been processed. */
  get packets(): number {
    return this.#packets;
  }

  /** False before the store has said where to begin. */
  get canBegin(): boolean {
    return this.#known !== null;
  }

  /** Most packets to be processed at once: none before what is known may share a batch with those behind. */
  get packetsLeft(): number {
    const left = (this.#known ?? 0) - this.#packets;
    return left > 0 ? left : Infinity;
  }

  /** Whether what comes now is written, as is the packet with this number, which counts from 1. */
  isKnown(packet = this.#packets + 1): boolean {
    return packet <= this.#known!;
  }

  /** How many of the last `count` packets are not known. */
  unknownOf(count: number): number {
    return Math.max(0, Math.min(count, this.#packets - this.#known!));
  }

  /** Told once; a store that takes the place of one that crashed says nothing new. */
  begin(known: number): void {
    this.#known ??= known;
  }

  addSecond(second: StatsSecond): void {
    if (!this.isKnown()) this.#addPart(second);
    this.#sent = null;
  }

  endHour(pipeline: Pipeline): void {
    const hosts = pipeline.takeChangedHosts(Infinity);
    if (!this.isKnown()) this.#hosts.push(...hosts);
  }

  /** So many more packets have been processed. */
  passed(count: number, pipeline: Pipeline): void {
    this.#packets += count;
    if (count === 0 || this.#packets !== this.#known) return;
    pipeline.takeChangedHosts(Infinity);
    this.#sent = pipeline.secondSoFar();
  }

  /** Sends all there is, with a mark behind it; false when the store has no room for it now. */
  mark(pipeline: Pipeline, isWhole: boolean): boolean {
    const packets = this.#packets;
    // What is whole stays so.
    const isMarked = this.#marked.isWhole || packets === this.#marked.packets && !isWhole;
    if (isMarked || this.#known === null || this.isKnown()) return true;
    if (!this.#rows.sendAll()) return false;
    const soFar = pipeline.secondSoFar();
    if (soFar !== null) this.#addPart(soFar);
    this.#sent = soFar;
    const hosts = [...this.#hosts, ...pipeline.takeChangedHosts(Infinity)];
    this.#hosts = [];
    this.#marked = { packets, isWhole };
    this.#rows.sendMark({ seconds: this.#seconds, hosts, mark: this.#marked });
    this.#seconds = [];
    return true;
  }

  #addPart(second: StatsSecond): void {
    const part = this.#sent === null ? second : minus(second, this.#sent);
    if (part.packets > 0) this.#seconds.push(part);
  }
}

/** What the second has gained since it was `before`. */
function minus(second: StatsSecond, before: StatsSecond): StatsSecond {
  return {
    ...second,
    packets: second.packets - before.packets,
    bytes: second.bytes - before.bytes,
    inBytes: second.inBytes - before.inBytes,
    outBytes: second.outBytes - before.outBytes,
    internalBytes: second.internalBytes - before.internalBytes,
    tcpPackets: second.tcpPackets - before.tcpPackets,
    udpPackets: second.udpPackets - before.udpPackets,
    icmpPackets: second.icmpPackets - before.icmpPackets,
    otherPackets: second.otherPackets - before.otherPackets,
    newFlows: second.newFlows - before.newFlows,
    kernelDrops: second.kernelDrops - before.kernelDrops,
    interfaceDrops: second.interfaceDrops - before.interfaceDrops,
    queueDrops: second.queueDrops - before.queueDrops,
  };
}
