/**
 * What the first bytes of a TCP stream or message say, as far as they are there: the application, a TLS ClientHello, the head
 * of an HTTP request.
 */
import { Application, type ApplicationDetails } from "../records.ts";
import { describeHttp, describeTls, describeWaiting, readMessage } from "./app_details.ts";
import { findLineEnd, isTextAt } from "./app_text.ts";
import { readClientHello } from "./client_hello.ts";
import { findHeadEnd, findLastLine, readHttp, skipEmptyLines } from "./http.ts";
import { skipProxyHeader } from "./proxy_header.ts";
import { matchTcp, type Segment } from "./signatures_tcp.ts";
import { isClientHelloRecord, tlsRecordHeaderLength } from "./tls.ts";
import { findHello, helloCutOff } from "./tls_stream.ts";

export interface Beginning {
  /** Index into APPLICATION_NAMES; 0 when the bytes do not say. */
  readonly application: number;
  readonly details: ApplicationDetails | null;
  /** More bytes are needed. */
  readonly isWaiting: boolean;
}

/** What readBeginning() has to know besides the bytes. */
export interface Look {
  /** Its length counts from the start of the bytes. */
  readonly segment: Segment;
  /** Fewer bytes that say nothing may be the start of anything. */
  readonly unknownMax: number;
  /** Whether the details of an application are to be read. */
  readonly isWanted: (application: number) => boolean;
}

/** A first line of so many bytes is judged before its end has come. */
const lineMax = 512;

/** Reads the start of a stream. The details of DNS are not among what it tells. */
export function readBeginning(
  bytes: Uint8Array,
  at: number,
  end: number,
  { segment, unknownMax, isWanted }: Look,
): Beginning {
  const message = skipProxyHeader(bytes, at, end);
  if (message < 0 || message === end) return waiting(0);
  const application = matchTcp(bytes, at, end, segment);
  const isTooShort = application === 0 && end - message < unknownMax;
  if (isTooShort || isLineCut(bytes, message, end)) return waiting(application);
  if (application === Application.dns || !isWanted(application)) return decided(application, null);
  if (application === Application.http) return readRequest(bytes, message, end);
  if (application !== Application.tls) {
    return decided(application, readMessage(bytes, message, end, application));
  }
  return isClientHelloRecord(bytes, message, end)
    ? readHello(bytes, message, end)
    : decided(application, null);
}

/** Reads the ClientHello whose first record starts at `at`. */
export function readHello(bytes: Uint8Array, at: number, end: number): Beginning {
  const { tls: application } = Application;
  const place = findHello(bytes, at, end);
  if (place === helloCutOff) return waiting(application);
  const tls = typeof place === "number"
    ? null
    : readClientHello(place.bytes, place.at, place.end, "t");
  return decided(application, tls === null ? null : describeTls(application, tls));
}

/** Reads the head of an HTTP message; that of a request is waited for, but its host is told at once. */
export function readRequest(bytes: Uint8Array, at: number, end: number): Beginning {
  const { http: application } = Application;
  const headEnd = findHeadEnd(bytes, at, end);
  const http = readHttp(bytes, at, headEnd < 0 ? end : headEnd);
  if (http === null) return decided(application, null);
  if (headEnd >= 0 || http.method === undefined) {
    return decided(application, describeHttp(application, http));
  }
  return waiting(application, readHttp(bytes, at, findLastLine(bytes, at, end))?.host);
}

/** Reads as much as there is of the start of a stream or message that will not get whole. */
export function readCutBeginning(
  bytes: Uint8Array,
  at: number,
  end: number,
  application: number,
): ApplicationDetails | null {
  const message = Math.max(at, skipProxyHeader(bytes, at, end));
  if (application === Application.tls) {
    if (!isClientHelloRecord(bytes, message, end)) return null;
    const tls = readClientHello(bytes, message + tlsRecordHeaderLength, end, "t");
    return tls === null ? null : describeTls(application, tls);
  }
  if (application !== Application.http) return readMessage(bytes, message, end, application);
  const http = readHttp(bytes, message, end);
  return http === null ? null : describeHttp(application, http);
}

/** Text whose first line has no end yet, and which is not too long to be waited for. */
function isLineCut(bytes: Uint8Array, start: number, end: number): boolean {
  const at = skipEmptyLines(bytes, start, end);
  return end - at < lineMax && isTextAt(bytes, at, end) && findLineEnd(bytes, at, end) === end;
}

function decided(application: number, details: ApplicationDetails | null): Beginning {
  return { application, details, isWaiting: false };
}

export function waiting(application: number, name?: string): Beginning {
  const details = application === 0 ? null : describeWaiting(application);
  return {
    application,
    details: details === null || !name ? details : { ...details, name },
    isWaiting: true,
  };
}
