/**
 * The queue of rows to the store: at most `messagesOutMax` messages are under way until the store acknowledges them. When it
 * is full, a live pipeline sheds packet rows first and flow rows only past `flowsHeldMax`, both counted; a patient one (a
 * file can wait) sheds nothing and asks `hasRoom` before it goes on.
 */
import type { RowsMessage, StoreToPipeline } from "../messages.ts";
import type { Flow, HostTotals, PacketRow, StatsSecond } from "../records.ts";
import { leavePort } from "./leave_port.ts";

const messagesOutMax = 16;
/** Packet rows in one message, and flow rows; also the most packet rows that wait for one. */
export const rowsMessageMax = 2000;
const flowsHeldMax = 100_000;
const hostsMessageMax = 2000;

interface RowOutletOptions {
  /** Nothing is ever shed; the owner waits instead. */
  readonly isPatient: boolean;
  /** Hosts that changed; asked for when `wantsHosts` was set. */
  readonly takeHosts: (countMax: number) => HostTotals[];
  /** The store has taken a message. */
  readonly onRoom: () => void;
  /** The store knows so many packets of a file, see KnownPacketsMessage. */
  readonly onKnown?: (packets: number) => void;
}

export class RowOutlet {
  packetRows = 0;
  packetRowsShed = 0;
  flowRowsShed = 0;
  /** The next message brings the hosts that changed. */
  wantsHosts = false;
  readonly #options: RowOutletOptions;
  #port: MessagePort | null = null;
  /** Rows in each message under way, by packets and flows, oldest first. */
  #under: { packets: number; flows: number }[] = [];
  #sequence = 0;
  #packets: PacketRow[] = [];
  #flows: Flow[] = [];
  #seconds: StatsSecond[] = [];

  constructor(options: RowOutletOptions) {
    this.#options = options;
  }

  /** Joins a store; what was under way to one that crashed counts as lost, and what that one still says is not listened to. */
  join(port: MessagePort): void {
    leavePort(this.#port);
    for (const { packets, flows } of this.#under) {
      this.packetRowsShed += packets;
      this.flowRowsShed += flows;
    }
    this.#under = [];
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<StoreToPipeline>) => {
      if (data.type === "known") return this.#options.onKnown?.(data.packets);
      this.#under.shift();
      this.#options.onRoom();
    };
  }

  /** Whether the rows of another few thousand packets can be sent at once. */
  get hasRoom(): boolean {
    return this.#under.length <= messagesOutMax / 2 && this.#flows.length <= flowsHeldMax;
  }

  /** Whether the store still has to acknowledge something. */
  get isUnderWay(): boolean {
    return this.#under.length > 0;
  }

  get canSend(): boolean {
    return this.#port !== null && this.#under.length < messagesOutMax;
  }

  get isEmpty(): boolean {
    return this.#packets.length + this.#flows.length + this.#seconds.length === 0;
  }

  addPacket(row: PacketRow): void {
    this.packetRows++;
    const hasPlace = this.#packets.length < rowsMessageMax || this.canSend ||
      this.#options.isPatient;
    if (hasPlace) this.#packets.push(row);
    else this.packetRowsShed++;
    if (this.#packets.length >= rowsMessageMax) this.send();
  }

  addFlow(flow: Flow): void {
    if (this.#flows.length < flowsHeldMax || this.#options.isPatient) this.#flows.push(flow);
    else this.flowRowsShed++;
    if (this.#flows.length >= rowsMessageMax) this.send();
  }

  addSecond(second: StatsSecond): void {
    this.#seconds.push(second);
  }

  /** Sends all that waits; false when the store has no room for that, or none would be left for another message. */
  sendAll(): boolean {
    while (this.canSend && !this.isEmpty) this.send();
    return this.canSend;
  }

  /** Sends what a mark brings, when nothing waits and there is room. */
  sendMark(marked: Required<Pick<RowsMessage, "seconds" | "hosts" | "mark">>): void {
    this.#post({ packets: [], flows: [], ...marked });
  }

  /** Sends one message of what waits, when there is something and the store has room. */
  send(): void {
    if (!this.canSend) return;
    const rows = {
      packets: this.#packets.splice(0, rowsMessageMax),
      flows: this.#flows.splice(0, rowsMessageMax),
      seconds: this.#seconds.splice(0),
      hosts: this.wantsHosts ? this.#options.takeHosts(hostsMessageMax) : [],
    };
    const { packets, flows, seconds, hosts } = rows;
    if (packets.length + flows.length + seconds.length + hosts.length === 0) return;
    this.wantsHosts = false;
    this.#post(rows);
  }

  #post(rows: Omit<RowsMessage, "type" | "sequence">): void {
    const message: RowsMessage = { type: "rows", sequence: this.#sequence++, ...rows };
    this.#under.push({ packets: rows.packets.length, flows: rows.flows.length });
    this.#port!.postMessage(message);
  }
}
