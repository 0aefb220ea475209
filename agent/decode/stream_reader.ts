/**
 * The first message of a TCP stream, put together from its segments: a TLS ClientHello, or the head of an HTTP request
 * until its host is known.
 */
import { Application, type ApplicationDetails, type Packet } from "../records.ts";
import { describeHttp, describeTls, describeWaiting } from "./app_details.ts";
import { Pending, type PendingFlows } from "./app_pending.ts";
import { readClientHello } from "./client_hello.ts";
import { hasWholeHead, LineProtocol, readHttp, readLineProtocol } from "./http.ts";
import { isClientHelloRecord, isSslv2Hello, isTlsRecord, tlsRecordHeaderLength } from "./tls.ts";
import { findHello, helloCutOff } from "./tls_stream.ts";

/**
 * What the segment, with those before it that wait in `flows` under `key`, says; null when it says nothing. A ClientHello is
 * read whatever the flow was before (STARTTLS, a proxy's CONNECT). A segment that was not captured whole is not waited for:
 * what is there is read.
 */
export function readStream(
  flows: PendingFlows,
  bytes: Uint8Array,
  packet: Packet,
  flow: { readonly application: number; readonly key: number },
): ApplicationDetails | null {
  const pending = flows.find(flow.key);
  if (pending !== undefined) {
    return pending.isFrom(packet) ? continueStream(flows, pending, bytes, packet, flow.key) : null;
  }
  const at = packet.payloadOffset;
  const end = at + packet.payloadCapturedLength;
  const isHello = isClientHelloRecord(bytes, at, end);
  const application = isHello ? Application.tls : flow.application;
  const isStart = isHello || isHttpStart(bytes, at, end, application);
  const isWhole = packet.payloadCapturedLength >= packet.payloadLength;
  if (isStart) {
    const details = readStart(bytes, at, end, application);
    if (details === null || details.isComplete) return details;
    if (!isWhole) return readCutStart(bytes, at, end, application);
  } else if (!isWhole || !isMiddleOfHello(bytes, packet, application)) return null;
  const started = new Pending(packet, application, isStart);
  started.addSegment(bytes, packet, isStart);
  flows.add(flow.key, started);
  return describeWaiting(application);
}

function continueStream(
  flows: PendingFlows,
  pending: Pending,
  bytes: Uint8Array,
  packet: Packet,
  key: number,
): ApplicationDetails | null {
  const at = packet.payloadOffset;
  const end = at + packet.payloadCapturedLength;
  const { application, assembly } = pending;
  const isStart = !pending.isStartKnown && isClientHelloRecord(bytes, at, end);
  const isWhole = packet.payloadCapturedLength >= packet.payloadLength;
  const isTaken = pending.countPacket() && pending.addSegment(bytes, packet, isStart) && isWhole;
  const details = pending.isStartKnown
    ? readStart(assembly.bytes, 0, assembly.contiguous, application)
    : describeWaiting(application);
  if (isTaken && details !== null && !details.isComplete) return details;
  flows.delete(key);
  if (details === null || details.isComplete) return details;
  return pending.isStartKnown
    ? readCutStart(assembly.bytes, 0, assembly.contiguous, application)
    : null;
}

function isHttpStart(bytes: Uint8Array, at: number, end: number, application: number): boolean {
  return application === Application.http &&
    readLineProtocol(bytes, at, end) === LineProtocol.http;
}

/** A segment towards a server that is no record: the first one may have been overtaken by it. */
function isMiddleOfHello(bytes: Uint8Array, packet: Packet, application: number): boolean {
  const at = packet.payloadOffset;
  const end = at + packet.payloadCapturedLength;
  return application === Application.tls && packet.destinationPort < packet.sourcePort &&
    !isTlsRecord(bytes, at, end) && !isSslv2Hello(bytes, at, end);
}

/** Reads the start of a stream; not complete when more of it is needed, null when it is not what it seemed. */
function readStart(
  bytes: Uint8Array,
  at: number,
  end: number,
  application: number,
): ApplicationDetails | null {
  if (application === Application.tls) {
    const place = findHello(bytes, at, end);
    if (typeof place === "number") {
      return place === helloCutOff ? describeWaiting(application) : null;
    }
    const tls = readClientHello(place.bytes, place.at, place.end, "t");
    return tls === null ? null : describeTls(application, tls);
  }
  const http = readHttp(bytes, at, end);
  if (http === null) return null;
  const isWanting = http.method !== undefined && http.host === undefined;
  if (isWanting && !hasWholeHead(bytes, at, end)) return describeWaiting(application);
  return describeHttp(application, http);
}

/** Reads as much as there is of a start that will not get whole. */
function readCutStart(
  bytes: Uint8Array,
  at: number,
  end: number,
  application: number,
): ApplicationDetails | null {
  if (application === Application.tls) {
    const tls = readClientHello(bytes, at + tlsRecordHeaderLength, end, "t");
    return tls === null ? null : describeTls(application, tls);
  }
  const http = readHttp(bytes, at, end);
  return http === null ? null : describeHttp(application, http);
}
