/**
 * Applications of flows, and the names that their first messages show. What a payload by itself is, identify.ts says.
 */
import {
  Application,
  APPLICATION_NAMES,
  type ApplicationDetails,
  type Packet,
  Transport,
} from "../records.ts";
import { readMessage } from "./app_details.ts";
import { PendingFlows } from "./app_pending.ts";
import type { TakeMessage } from "./dns_stream.ts";
import { identifyApplication } from "./identify.ts";
import { readDatagramNames, readSegmentNames } from "./packet_names.ts";
import { readQuic } from "./quic_reader.ts";
import {
  type FlowPlace,
  inspectSegment,
  pendingKey,
  readCutStream,
  type StreamContext,
  type Told,
} from "./stream_reader.ts";
import { isDtlsRecord } from "./tls.ts";

interface ReaderOptions {
  /** Most messages waiting at a time; see app_pending.ts for the memory. */
  readonly pendingMax?: number;
  /** Only what names hosts is read besides the application. */
  readonly isForHosts?: boolean;
  /** Takes each DNS message that came over TCP; it may be cut off. */
  readonly takeDns?: TakeMessage;
}

/** What a packet has told of its flow. */
export interface Inspected {
  /** What the flow's application is as far as is known now: not always what it was thought to be before. */
  application: number;
  details: readonly ApplicationDetails[];
  /** More packets of the flow are needed to know either. */
  isWaiting: boolean;
  /** Nothing more is to be learnt from the flow. */
  isSettled: boolean;
}

const pendingMaxDefault = 4096;
/** Applications whose messages name hosts, and those in the form of DNS, by index. */
const namesHosts = flagsOf("dns", "mdns", "llmnr", "nbns", "dhcp", "dhcpv6");
const speaksDns = flagsOf("dns", "mdns", "llmnr", "nbns");
const noDetails: readonly ApplicationDetails[] = [];

function flagsOf(...names: string[]): readonly boolean[] {
  return APPLICATION_NAMES.map((name) => names.includes(name));
}

/**
 * Tells what flows are and the names that they show, and keeps what is not whole yet: first messages of TCP streams in any
 * number of segments, in any order, and a QUIC ClientHello in several Initial packets.
 */
export class ApplicationReader {
  readonly #isForHosts: boolean;
  readonly #context: StreamContext;
  readonly #takeDns: TakeMessage | undefined;
  readonly #inspected: Inspected = {
    application: 0,
    details: noDetails,
    isWaiting: false,
    isSettled: false,
  };
  /** Of the DNS messages in the segment in hand. */
  #dnsDetails: ApplicationDetails[] = [];

  /** Throws RangeError for a `pendingMax` below 1. */
  constructor(options: ReaderOptions = {}) {
    this.#isForHosts = options.isForHosts ?? false;
    this.#takeDns = options.takeDns;
    this.#context = {
      pending: new PendingFlows(options.pendingMax ?? pendingMaxDefault),
      isWanted: (application) => this.#isWanted(application),
      takeDns: (bytes, at, end) => this.#takeDnsMessage(bytes, at, end),
    };
  }

  /** Messages that wait for more packets. */
  get pendingCount(): number {
    return this.#context.pending.count;
  }

  /** What the packet's payload says of its flow: the same object each time, as it is until the next call. */
  inspect(bytes: Uint8Array, packet: Packet, flow: Readonly<FlowPlace>): Readonly<Inspected> {
    const inspected = this.#inspected;
    inspected.application = flow.application;
    inspected.details = noDetails;
    inspected.isWaiting = false;
    inspected.isSettled = false;
    if (packet.payloadCapturedLength <= 0 || packet.isLaterFragment === 1) return inspected;
    if (packet.transport !== Transport.tcp) this.#inspectDatagram(bytes, packet, flow);
    else {
      const told = inspectSegment(this.#context, bytes, packet, flow);
      inspected.application = told.application;
      inspected.isWaiting = told.isWaiting;
      inspected.details = this.#detailsOf(told);
    }
    const { application, details, isWaiting } = inspected;
    inspected.isSettled = !isWaiting && application !== 0 &&
      (!this.#isWanted(application) || details.some(isAll));
    return inspected;
  }

  /** A flow ends, and its key may get another: what can be told of the messages that wait. */
  end(key: number): readonly ApplicationDetails[] {
    const { pending } = this.#context;
    if (pending.count === 0) return noDetails;
    return [0, 1].flatMap((direction) => {
      const place = pendingKey({ key, direction });
      const details = readCutStream(this.#context, place);
      pending.delete(place);
      return details ?? [];
    });
  }

  #inspectDatagram(bytes: Uint8Array, packet: Packet, flow: Readonly<FlowPlace>): void {
    const application = flow.application || identifyApplication(bytes, packet);
    this.#inspected.application = application;
    const at = packet.payloadOffset;
    const end = at + packet.payloadCapturedLength;
    let details: ApplicationDetails | null = null;
    if (application === Application.quic && !this.#isForHosts) {
      const key = pendingKey({ key: flow.key, direction: 0 });
      details = readQuic(this.#context.pending, bytes, packet, key);
    } else if (this.#isWanted(application) && !this.#isIdleQuery(bytes, at, end, application)) {
      const kind = isDtlsRecord(bytes, at, end) ? Application.dtls : application;
      details = readMessage(bytes, at, end, kind);
    }
    if (details === null) return;
    this.#inspected.details = [details];
    this.#inspected.isWaiting = !details.isComplete;
  }

  #takeDnsMessage(bytes: Uint8Array, at: number, end: number): void {
    this.#takeDns?.(bytes, at, end);
    if (this.#isIdleQuery(bytes, at, end, Application.dns)) return;
    const details = readMessage(bytes, at, end, Application.dns);
    if (details !== null) this.#dnsDetails.push(details);
  }

  /** What the packet in hand told, and the DNS messages that it was the end of. */
  #detailsOf({ details }: Told): readonly ApplicationDetails[] {
    if (details !== null) return [details];
    const messages = this.#dnsDetails;
    if (messages.length === 0) return noDetails;
    this.#dnsDetails = [];
    return messages;
  }

  #isWanted(application: number): boolean {
    return !this.#isForHosts || namesHosts[application];
  }

  /** A query of DNS or one of its kin tells no address of a host: QR is 0 (RFC 1035 section 4.1.1). */
  #isIdleQuery(bytes: Uint8Array, at: number, end: number, application: number): boolean {
    return this.#isForHosts && speaksDns[application] && at + 2 < end && bytes[at + 2] < 0x80;
  }
}

/** True when the flow will not tell more than this. */
function isAll({ isComplete, dns, name, http }: ApplicationDetails): boolean {
  return isComplete && !dns && (name !== undefined || !http);
}

/**
 * The names in one packet by itself, as tshark lists them without reassembly in dns.qry.name, tls.sni and http.host: the
 * `decode` command's columns. NetBIOS names are not among them. Null when there are none.
 */
export function readPacketNames(bytes: Uint8Array, packet: Packet): ApplicationDetails | null {
  if (packet.payloadCapturedLength <= 0 || packet.isLaterFragment === 1) return null;
  if (packet.transport === Transport.tcp) return readSegmentNames(bytes, packet);
  return packet.transport === Transport.udp ? readDatagramNames(bytes, packet) : null;
}
