/**
 * Follows flows of SSH from their first segments until it is known what came of the login (agent/decode/ssh_login.ts), and has
 * that told. Only these flows' packets are given to it, some tens of each; a bounded number of flows is followed at a time.
 */
import { payloadSequence } from "../decode/app_pending.ts";
import { SshLogin } from "../decode/ssh_login.ts";
import { SshPlain, type SshSegment } from "../decode/ssh_plain.ts";
import type { FlowTable } from "../flow/flow_table.ts";
import { Application, type Packet, Transport } from "../records.ts";
import type { LoginRow } from "./observation_writer.ts";

/** Flows followed at a time: what they hold is 2 kB each as usual, 37 kB at most. */
const loginsMax = 1024;
/** Segments of a flow that are looked at before what there is is told. */
const segmentsMax = 512;

/** Segments of the server that are remembered until the login begins. */
const earlyMax = 8;

interface WatchedFlow {
  /** Client's, server's. */
  readonly plain: [SshPlain | null, SshPlain | null];
  login: SshLogin | null;
  /** What the server had sent before the login began, two numbers a segment. */
  readonly early: number[];
  segments: number;
  isContinued: boolean;
  /** Of the client and the server. */
  readonly addresses: readonly number[];
  readonly ports: number;
}

interface LoginWatchOptions {
  readonly flows: FlowTable;
  readonly tell: (row: LoginRow) => void;
  readonly countMax?: number;
}

export class LoginWatch {
  readonly #options: LoginWatchOptions;
  /** By slot, the oldest first. */
  readonly #watched = new Map<number, WatchedFlow>();

  constructor(options: LoginWatchOptions) {
    this.#options = options;
  }

  /** Flows that are followed. */
  get count(): number {
    return this.#watched.size;
  }

  /** Takes a segment of a flow that is followed, as segmentSeen() of HotCalls tells it; `bytes` are the batch's. */
  take(
    bytes: Uint8Array,
    slot: number,
    offset: number,
    length: number,
    payloadAt: number,
    captured: number,
    acknowledged: number,
    timestampUs: number,
  ): void {
    const watched = this.#watched.get(slot)!;
    const isClient = this.#options.flows.isOriginator;
    watched.segments++;
    const { login } = watched;
    if (login === null) {
      const shown = bytes.subarray(payloadAt, payloadAt + captured);
      this.#addPlain(watched, { offset, length, captured: shown, acknowledged }, isClient ? 0 : 1);
    } else if (isClient) login.addClient(offset, length, acknowledged);
    else login.addServer(offset, length);
    this.#review(watched, slot, timestampUs);
  }

  /** Tells what has become known, and gives up where nothing more will. */
  #review(watched: WatchedFlow, slot: number, timestampUs: number): void {
    const { login } = watched;
    const isLong = watched.segments >= segmentsMax;
    if (login !== null) {
      if (isLong || login.isDecided) this.#decide(watched, login, slot, timestampUs);
    } else if (isLong || watched.plain[0]?.isOver === true) this.#drop(slot);
  }

  /** Begins to follow the flow in a slot if the packet in hand has just shown that it is SSH. */
  begin(bytes: Uint8Array, packet: Packet, slot: number): void {
    const { flows, countMax = loginsMax } = this.#options;
    if (packet.transport !== Transport.tcp || flows.application(slot) !== Application.ssh) return;
    if (flows.isOpen(slot)) return;
    if (this.#watched.size >= countMax) this.#drop(this.#watched.keys().next().value!);
    const watched: WatchedFlow = {
      plain: [null, null],
      login: null,
      early: [],
      segments: 0,
      isContinued: false,
      addresses: endsOf(packet, flows.isOriginator),
      ports: flows.isOriginator
        ? packet.sourcePort << 16 | packet.destinationPort
        : packet.destinationPort << 16 | packet.sourcePort,
    };
    this.#watched.set(slot, watched);
    this.#addFirst(watched, bytes, packet, slot);
    flows.follow(slot);
  }

  /** The flow in a slot ends. */
  end(slot: number): void {
    const watched = this.#watched.get(slot);
    if (watched === undefined) return;
    this.#watched.delete(slot);
    const client = watched.plain[0];
    if (client !== null) {
      client.giveUp();
      this.#beginLogin(watched, client);
    }
    const { login } = watched;
    if (login === null) return;
    login.end();
    this.#tell(watched, login, slot, this.#options.flows.lastUs(slot));
  }

  #addFirst(watched: WatchedFlow, bytes: Uint8Array, packet: Packet, slot: number): void {
    const { flows } = this.#options;
    const { payloadOffset: at, payloadLength, payloadCapturedLength: captured } = packet;
    if (packet.isLaterFragment === 1 || payloadLength <= 0) return;
    watched.segments++;
    const segment: SshSegment = {
      offset: flows.streamOffset(slot, payloadSequence(packet)),
      length: payloadLength,
      captured: bytes.subarray(at, at + Math.max(0, Math.min(captured, payloadLength))),
      acknowledged: flows.peerOffset(slot, packet.tcpAcknowledgement),
    };
    this.#addPlain(watched, segment, flows.isOriginator ? 0 : 1);
  }

  /** A segment of the key exchange, or the first ones behind it. */
  #addPlain(watched: WatchedFlow, segment: SshSegment, direction: 0 | 1): void {
    const plain = watched.plain[direction] ??= new SshPlain(segment.offset);
    plain.add(segment);
    if (direction === 1) {
      if (watched.early.length >= earlyMax * 2) watched.early.splice(0, 2);
      watched.early.push(segment.offset, segment.length);
    } else this.#beginLogin(watched, plain);
  }

  /** Goes on from the clear part of the client to what follows, if its end is known. */
  #beginLogin(watched: WatchedFlow, client: SshPlain): void {
    if (client.end < 0) return;
    const { plain, early } = watched;
    const login = watched.login = new SshLogin(client.end, plain[1]?.end ?? -1);
    for (let at = 0; at < early.length; at += 2) login.addServer(early[at], early[at + 1]);
    const { ending } = client;
    for (let index = 0; index < ending.length; index++) {
      const { offset, length, acknowledged } = ending[index];
      login.addClient(offset, length, acknowledged);
    }
    plain[0] = plain[1] = null;
    early.length = 0;
  }

  #decide(watched: WatchedFlow, login: SshLogin, slot: number, timestampUs: number): void {
    this.#tell(watched, login, slot, timestampUs);
    if (!login.goOn()) return this.#drop(slot);
    watched.isContinued = true;
    watched.segments = 0;
  }

  #tell(watched: WatchedFlow, login: SshLogin, slot: number, timestampUs: number): void {
    const verdict = login.verdict();
    if (verdict === null) return;
    const { addresses, ports, isContinued } = watched;
    const flowId = this.#options.flows.id(slot);
    this.#options.tell({ ...verdict, addresses, ports, flowId, isContinued, timestampUs });
  }

  #drop(slot: number): void {
    this.#watched.delete(slot);
    this.#options.flows.unfollow(slot);
  }
}

/** Words of both addresses, the originator's first. */
function endsOf(packet: Packet, isOriginator: boolean): readonly number[] {
  const { source0, source1, source2, source3 } = packet;
  const { destination0, destination1, destination2, destination3 } = packet;
  return isOriginator
    ? [source0, source1, source2, source3, destination0, destination1, destination2, destination3]
    : [destination0, destination1, destination2, destination3, source0, source1, source2, source3];
}
