/**
 * The first message of each direction of a TCP stream, put together from its segments, however they are cut: what it is
 * (behind the header of a proxy, if there is one), a TLS ClientHello or the head of an HTTP request whole. A ClientHello is
 * read wherever one begins (STARTTLS, a proxy's CONNECT), and DNS messages all along the stream.
 *
 * A segment that was not captured whole is not waited for: what is there is read.
 */
import { Application, type ApplicationDetails, type Packet } from "../records.ts";
import {
  type Beginning,
  readBeginning,
  readCutBeginning,
  readHello,
  readRequest,
  waiting,
} from "./app_beginning.ts";
import { readMessage } from "./app_details.ts";
import {
  payloadSequence,
  Pending,
  type PendingFlows,
  type PendingStart,
  type SegmentInHand,
} from "./app_pending.ts";
import { startsWithAt } from "./app_text.ts";
import { assemblyLengthMax } from "./assembly.ts";
import { readDnsPending, readDnsSegment, type TakeMessage } from "./dns_stream.ts";
import { LineProtocol, readLineProtocol } from "./http.ts";
import { identifyApplication } from "./identify.ts";
import { skipProxyHeader } from "./proxy_header.ts";
import { isClientHelloRecord, isCutHelloRecord, isSslv2Hello, isTlsRecord } from "./tls.ts";

/** A flow as it is known when a packet of it comes. */
export interface FlowPlace {
  /** Number of the flow. */
  key: number;
  /** Index into APPLICATION_NAMES; 0 while it is not known. */
  application: number;
  /** 0 for packets of the originator, 1 for the responder's. */
  direction: number;
  /** Bytes of the direction's stream before the payload, by sequence numbers; TCP only. */
  streamOffset: number;
  /** The direction has shown no payload before. */
  isFirstPayload: boolean;
}

/** What a segment has told of its flow. */
export interface Told {
  /** What the flow's application is as far as is known now: not always what it was thought to be before. */
  readonly application: number;
  readonly details: ApplicationDetails | null;
  /** More segments are needed. */
  readonly isWaiting: boolean;
}

/** What all segments share. */
export interface StreamContext {
  readonly pending: PendingFlows;
  /** Whether the details of an application are to be read. */
  readonly isWanted: (application: number) => boolean;
  readonly takeDns: TakeMessage;
}

/** A first segment with fewer bytes of no known kind may be the start of anything. */
const tinyMax = 32;
/** Once more bytes are waited for, so many must not say anything either: some signatures want the whole message. */
const unknownMax = 256;
const { tls, http, dns } = Application;

/** Where the bytes of a direction wait. */
export function pendingKey({ key, direction }: Pick<FlowPlace, "key" | "direction">): number {
  return key * 2 + direction;
}

/** What the segment, with those before it that wait, says of its flow. DNS messages go to `takeDns`. */
export function inspectSegment(
  context: StreamContext,
  bytes: Uint8Array,
  packet: Packet,
  flow: Readonly<FlowPlace>,
): Told {
  const at = packet.payloadOffset;
  const end = at + packet.payloadCapturedLength;
  const isWhole = packet.payloadCapturedLength >= packet.payloadLength;
  const segment = { bytes, packet, at, end, isWhole };
  const pending = context.pending.find(pendingKey(flow));
  if (pending !== undefined) return continueStream(context, pending, segment, flow);
  const application = flow.application || identifyApplication(bytes, packet);
  if (application === dns && !isOvertaken(segment, flow)) return beginDns(context, segment, flow);
  return flow.application === 0 && flow.streamOffset === 0
    ? beginStream(context, segment, flow, application)
    : readMiddle(context, segment, flow, application);
}

/** The first bytes of a stream of which nothing is known; `application` is what this segment by itself says, or its port. */
function beginStream(
  context: StreamContext,
  segment: SegmentInHand,
  flow: Readonly<FlowPlace>,
  application: number,
): Told {
  const { bytes, packet, at, end } = segment;
  const { isWanted } = context;
  const beginning = readBeginning(bytes, at, end, {
    segment: packet,
    unknownMax: tinyMax,
    isWanted,
  });
  const start = { application: 0, told: application };
  return tellOrWait(context, segment, flow, { start, beginning, application });
}

/** A segment with which something may begin: a message, or by its place the part of the first one that came first. */
function readMiddle(
  context: StreamContext,
  segment: SegmentInHand,
  flow: Readonly<FlowPlace>,
  application: number,
): Told {
  const { bytes, packet, at, end } = segment;
  const isWanted = context.isWanted(application);
  const isBehind = isOvertaken(segment, flow);
  // The version ends a request's line, and begins an answer's.
  const isMiddle = isBehind && application === http && startsWithAt(bytes, at, end, "HTTP/");
  const start = isWanted && !isMiddle ? findStart(segment, application) : null;
  if (start !== null) {
    const beginning = readStart(bytes, at, end, start.application);
    return tellOrWait(context, segment, flow, { start, beginning, application });
  }
  if (isBehind) {
    const sequence = payloadSequence(packet) - flow.streamOffset | 0;
    const start = { application: 0, told: application, sequence };
    return tellOrWait(context, segment, flow, { start, beginning: waiting(0), application });
  }
  if (isWanted && segment.isWhole && isMiddleOfHello(segment, application)) {
    const start = { application: tls, isStartKnown: false };
    return tellOrWait(context, segment, flow, { start, beginning: waiting(tls), application });
  }
  const details = isWanted ? readMessage(bytes, at, end, application) : null;
  return { application, details, isWaiting: false };
}

/** The first segment that comes of a direction, but not the first that was sent. */
function isOvertaken({ isWhole }: SegmentInHand, flow: Readonly<FlowPlace>): boolean {
  return isWhole && flow.application === 0 && flow.isFirstPayload && flow.streamOffset > 0 &&
    flow.streamOffset < assemblyLengthMax;
}

/** A message that is known by its first bytes wherever it begins. */
function findStart(segment: SegmentInHand, application: number): PendingStart | null {
  const { bytes, at, end, isWhole } = segment;
  const isHello = isClientHelloRecord(bytes, at, end) ||
    isWhole && isCutHelloRecord(bytes, at, end);
  if (isHello) return { application: tls };
  const isRequest = application === http &&
    readLineProtocol(bytes, at, end) === LineProtocol.http;
  return isRequest ? { application: http } : null;
}

/** A segment towards a server that is no record: the first one may have been overtaken by it. */
function isMiddleOfHello(segment: SegmentInHand, application: number): boolean {
  const { bytes, packet, at, end } = segment;
  return application === tls && packet.destinationPort < packet.sourcePort &&
    !isTlsRecord(bytes, at, end) && !isSslv2Hello(bytes, at, end);
}

function tellOrWait(
  context: StreamContext,
  segment: SegmentInHand,
  flow: Readonly<FlowPlace>,
  { start, beginning, application }: {
    readonly start: PendingStart;
    readonly beginning: Beginning;
    readonly application: number;
  },
): Told {
  const { details, isWaiting } = beginning;
  if (!isWaiting) return { application, details, isWaiting };
  const { bytes, packet, at, end, isWhole } = segment;
  if (!isWhole) {
    const cut = readCut(context, bytes, { at, end }, start.application || application);
    return { application, details: cut, isWaiting: false };
  }
  const pending = new Pending(packet, start);
  pending.addSegment(bytes, packet, pending.isStartKnown);
  context.pending.add(pendingKey(flow), pending);
  return { application, details, isWaiting };
}

function continueStream(
  context: StreamContext,
  pending: Pending,
  segment: SegmentInHand,
  flow: Readonly<FlowPlace>,
): Told {
  const { bytes, packet, at, end, isWhole } = segment;
  const isStart = !pending.isStartKnown && isClientHelloRecord(bytes, at, end);
  const isAdded = pending.addSegment(bytes, packet, isStart);
  const isLast = !pending.countPacket() || !isAdded || !isWhole;
  if (flow.application === dns) return continueDns(context, pending, flow, isLast);
  const { assembly: { bytes: start, contiguous }, application: known } = pending;
  const beginning = readPending(context, pending, packet);
  const application = toldOf(pending, flow, beginning.application);
  if (application === dns) return continueDns(context, pending, flow, isLast);
  const { details, isWaiting } = beginning;
  if (isWaiting && !isLast) return { application, details, isWaiting };
  context.pending.delete(pendingKey(flow));
  if (!isWaiting) return { application, details, isWaiting };
  const place = { at: 0, end: pending.isStartKnown ? contiguous : 0 };
  const cut = readCut(context, start, place, known || application);
  return { application, details: cut, isWaiting: false };
}

function readPending(context: StreamContext, pending: Pending, packet: Packet): Beginning {
  const { application, assembly: { bytes, contiguous } } = pending;
  if (!pending.isStartKnown || contiguous === 0) return waiting(application);
  if (application !== 0) return readStart(bytes, 0, contiguous, application);
  const { sourcePort, destinationPort } = packet;
  const segment = { sourcePort, destinationPort, payloadLength: contiguous };
  return readBeginning(bytes, 0, contiguous, { segment, unknownMax, isWanted: context.isWanted });
}

function readStart(bytes: Uint8Array, at: number, end: number, application: number): Beginning {
  return application === tls ? readHello(bytes, at, end) : readRequest(bytes, at, end);
}

function readCut(
  { isWanted }: StreamContext,
  bytes: Uint8Array,
  { at, end }: { readonly at: number; readonly end: number },
  application: number,
): ApplicationDetails | null {
  return at < end && isWanted(application) ? readCutBeginning(bytes, at, end, application) : null;
}

/** The flow's application, now that what waits seems to be `application`: it stands only against a guess of its own. */
function toldOf(pending: Pending, flow: Readonly<FlowPlace>, application: number): number {
  if (application === 0 || flow.application !== pending.told) return flow.application;
  pending.told = application;
  return application;
}

function beginDns(context: StreamContext, segment: SegmentInHand, flow: Readonly<FlowPlace>): Told {
  const { bytes, at: payload, end } = segment;
  const at = flow.streamOffset === 0 ? skipProxyHeader(bytes, payload, end) : payload;
  const key = pendingKey(flow);
  const message = { ...segment, at: Math.max(at, payload) };
  const isWaiting = readDnsSegment(context.pending, key, message, context.takeDns);
  return { application: dns, details: null, isWaiting };
}

function continueDns(
  context: StreamContext,
  pending: Pending,
  flow: Readonly<FlowPlace>,
  isLast: boolean,
): Told {
  if (pending.application !== dns) {
    const { bytes, contiguous } = pending.assembly;
    pending.application = dns;
    pending.dropStart(Math.max(0, skipProxyHeader(bytes, 0, contiguous)));
  }
  const key = pendingKey(flow);
  const isWaiting = readDnsPending(context.pending, key, pending, {
    isLast,
    take: context.takeDns,
  });
  return { application: dns, details: null, isWaiting };
}

/** What can be told of a message that waits under `key` and will not get whole. */
export function readCutStream(context: StreamContext, key: number): ApplicationDetails | null {
  const pending = context.pending.find(key);
  if (pending === undefined) return null;
  const { application, told, isStartKnown, assembly: { bytes, contiguous } } = pending;
  const place = { at: 0, end: isStartKnown ? contiguous : 0 };
  return readCut(context, bytes, place, application || Math.max(0, told));
}
