/**
 * Answers of services over UDP (services.ts) that the receiver has not asked for, so that somebody else has in its name; and
 * answers of a host here that are far larger than what it was asked from outside.
 */
import {
  destinationPort,
  durationMs,
  has,
  kind,
  marks,
  origBytes,
  origPackets,
  payloadLength,
  respBytes,
  respPackets,
  sourcePort,
  timestampUs,
} from "../../common/assembly/row";
import {
  KIND_END,
  MARK_IS_DESTINATION_LOCAL,
  MARK_IS_FIRST_OF_SIDE,
  MARK_IS_FIRST_PAYLOAD,
  MARK_IS_LINK_BROADCAST,
  MARK_IS_NEW,
  MARK_IS_SOURCE_LOCAL,
  MARK_IS_TO_MANY,
  MARK_SENT_BY_ORIGINATOR,
} from "../../common/row_layout";
import {
  D_DONE,
  FLOOD_ANSWERS,
  FLOOD_REFLECTOR,
  L_BYTES,
  PORT_IS_ANSWERING,
  PORT_IS_COLLECTOR,
  PORTS_AT,
} from "../arrivals_layout";
import { isInRun, uncounted } from "./arrival";
import { findDestination, useDestination } from "./destinations";
import { findFlow, forgetFlow, packets, sinceUs, takeStretch, useFlow } from "./flows";
import { arriveInRun, turnRun } from "./runs";
import { noteAsking, SILENT, talkOf, wasAsking } from "./talks";

const SOURCE: i32 = 3;
const DESTINATION: i32 = 7;
const PORT_NTP: i32 = 123;
/** Where both ports are the service's, packets may be questions, but not such large ones (NTP's have 48 to 68 bytes). */
const ANSWER_MIN: u32 = 512;
const ANSWER_MIN_NTP: u32 = 100;
/** A host that is asked in another's name answers so many times what it was asked. */
const AMPLIFIED: u32 = 10;

/** Of the row's flow: words of the one who answers and of the receiver, their ports, what has been answered. */
let server: i32 = 0;
let receiver: i32 = 0;
let service: i32 = 0;
let port: i32 = 0;
let sent: u32 = 0;
let sentBytes: u32 = 0;

/** Takes a row of a flow in which a service has spoken to somebody who has not; false for all others. */
export function takeAnswer(): bool {
  if (!findAnswer()) return false;
  if (talkOf(receiver, server) != SILENT || wasAsking(receiver, service)) return true;
  takeCounted(FLOOD_ANSWERS, has(MARK_IS_NEW), port);
  return true;
}

/** Takes what shows that the receiver takes part, and the answers of a service here. */
export function takeSpoken(): void {
  if (!has(MARK_SENT_BY_ORIGINATOR)) takeReflected(SOURCE, sourcePort());
  else if (has(MARK_IS_FIRST_OF_SIDE) && !has(MARK_IS_NEW)) {
    const destination = findDestination(FLOOD_ANSWERS, SOURCE, destinationPort());
    if (destination != 0) store<i32>(destination, load<i32>(destination, D_DONE << 2) + 1, D_DONE << 2);
  }
}

/** Whether the row goes to a service, and not from outside. */
export function isQuestion(): bool {
  const isFromOutside = has(MARK_IS_DESTINATION_LOCAL) && !has(MARK_IS_SOURCE_LOCAL);
  return !isFromOutside && hasPort(destinationPort(), PORT_IS_ANSWERING);
}

/** A host asks all others for a service: who answers was asked. */
export function takeAsking(): void {
  if (hasPort(destinationPort(), PORT_IS_ANSWERING)) noteAsking(SOURCE, destinationPort());
}

/** Who has spoken in the row's flow, if it was a service and it alone. */
function findAnswer(): bool {
  const isEnd = kind() == KIND_END;
  const isBySource = !isEnd || respPackets() == 0;
  const isByOriginator = isEnd ? isBySource : has(MARK_SENT_BY_ORIGINATOR);
  if ((isByOriginator ? respPackets() : origPackets()) != 0) return false;
  server = isBySource ? SOURCE : DESTINATION;
  receiver = isBySource ? DESTINATION : SOURCE;
  service = isBySource ? sourcePort() : destinationPort();
  port = isBySource ? destinationPort() : sourcePort();
  sent = isByOriginator ? origPackets() : respPackets();
  sentBytes = isByOriginator ? origBytes() : respBytes();
  if (!hasPort(service, PORT_IS_ANSWERING) || hasPort(port, PORT_IS_COLLECTOR)) return false;
  if (has(MARK_IS_TO_MANY | MARK_IS_LINK_BROADCAST) || sentBytes == 0) return false;
  return service != port || sentBytes / max<u32>(sent, 1) >= answerMin();
}

/** A flow is over in which both have spoken. */
export function takeSpokenEnd(): void {
  takeReflected(DESTINATION, destinationPort());
}

/** The host that begins at a word of the row has answered the other, from that port. */
function takeReflected(word: i32, from: i32): void {
  if (!hasPort(from, PORT_IS_ANSWERING) || !isFromHere(word)) return;
  if (respBytes() / AMPLIFIED < max<u32>(origBytes(), 1)) return;
  server = word;
  receiver = word == SOURCE ? DESTINATION : SOURCE;
  service = from;
  sent = respPackets();
  sentBytes = respBytes();
  takeCounted(FLOOD_REFLECTOR, has(MARK_IS_FIRST_PAYLOAD), <i32> payloadLength());
}

/** Whether the one whose address begins at a word of the row is inside, and the other not. */
function isFromHere(word: i32): bool {
  const sides = marks() & (MARK_IS_SOURCE_LOCAL | MARK_IS_DESTINATION_LOCAL);
  return sides == (word == SOURCE ? MARK_IS_SOURCE_LOCAL : MARK_IS_DESTINATION_LOCAL);
}

/** Counts the packet of the row, if it is the first that was answered in its flow, or what has come since. */
function takeCounted(kind: i32, isFirst: bool, vote: i32): void {
  if (isEnd()) return takeRest(kind, vote);
  const destination = useDestination(kind, receiver, service);
  if (isFirst) {
    arriveInRun(destination, kind, server, 1, <f64> payloadLength(), timestampUs(), vote);
  } else takeMore(destination, kind, useFlow(), vote);
}

/** The flow is over: what has not been counted, of a run that goes on. */
function takeRest(kind: i32, vote: i32): void {
  const known = findFlow();
  const destination = findDestination(kind, receiver, service);
  const startUs = timestampUs() - <f64> durationMs() * 1000;
  const isCounted = known != 0 || sent > 1 && destination != 0 && isInRun(destination, startUs);
  if (destination != 0 && isCounted) takeMore(destination, kind, useFlow(), vote);
  const flow = findFlow();
  if (flow != 0) forgetFlow(flow);
}

function takeMore(destination: usize, kind: i32, flow: usize, vote: i32): void {
  const isMore = takeStretch(flow, sent, 0, false);
  const bytes = <f64> sentBytes - <f64> load<u32>(flow, L_BYTES << 2);
  store<u32>(flow, sentBytes, L_BYTES << 2);
  if (!isMore) return;
  const fromUs = sinceUs;
  turnRun(destination, kind, fromUs);
  const count = uncounted(destination);
  // The first packet has been counted with its bytes: it was like the others.
  const share = <f64> count / packets;
  if (count > 0) arriveInRun(destination, kind, server, count, bytes * share, fromUs, vote);
}

@inline
function isEnd(): bool {
  return kind() == KIND_END;
}

@inline
function hasPort(port: i32, what: i32): bool {
  return (load<u8>(PORTS_AT + port) & what) != 0;
}

function answerMin(): u32 {
  return service == PORT_NTP ? ANSWER_MIN_NTP : ANSWER_MIN;
}
