/**
 * Answers of services over UDP (services.ts) that the receiver has not asked for, so that somebody else has in its name; and
 * answers of a host here that are far larger than what it was asked from outside.
 */
import {
  destinationPort,
  durationMs,
  has,
  kind,
  origBytes,
  payloadLength,
  respBytes,
  respPackets,
  timestampUs,
} from "../../common/assembly/row";
import {
  KIND_END,
  MARK_IS_FIRST_OF_SIDE,
  MARK_IS_FIRST_PAYLOAD,
  MARK_IS_LINK_BROADCAST,
  MARK_IS_NEW,
  MARK_IS_TO_MANY,
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
import {
  isFromOutside,
  isLocal,
  isOriginator,
  receiver,
  receiverPort,
  returned,
  sender,
  senderPort,
  sent,
  sentBytes,
  SOURCE,
} from "./ends";
import { findFlow, forgetFlow, packets, sinceUs, takeStretch, useFlow } from "./flows";
import { arriveInRun, turnRun } from "./runs";
import { noteAsking, SILENT, talkOf, wasAsking } from "./talks";

const PORT_NTP: i32 = 123;
/** Where both ports are services', packets may be questions, but not such large ones (NTP's have 48 to 68 bytes). */
const ANSWER_MIN: u32 = 512;
const ANSWER_MIN_NTP: u32 = 100;
/** A host that is asked in another's name answers so many times what it was asked. */
const AMPLIFIED: u32 = 10;

/** Words of the one who answers and of the one who gets it, the service's port, what has been answered so far. */
let server: i32 = 0;
let client: i32 = 0;
let service: i32 = 0;
let answers: u32 = 0;
let answerBytes: u32 = 0;

/** Takes a row of a flow in which a service has spoken to somebody who has not; false for all others. */
export function takeAnswer(): bool {
  if (!isAnswer()) return false;
  if (talkOf(receiver, sender) != SILENT || wasAsking(receiver, senderPort)) return true;
  server = sender;
  client = receiver;
  service = senderPort;
  answers = sent;
  answerBytes = sentBytes;
  takeCounted(FLOOD_ANSWERS, has(MARK_IS_NEW), receiverPort);
  return true;
}

/** Whether a service, and it alone, has spoken in the row's flow. */
function isAnswer(): bool {
  if (returned != 0 || sentBytes == 0) return false;
  if (!hasPort(senderPort, PORT_IS_ANSWERING) || hasPort(receiverPort, PORT_IS_COLLECTOR)) return false;
  if (has(MARK_IS_TO_MANY | MARK_IS_LINK_BROADCAST)) return false;
  // A client may have any port.
  const mayBeQuestion = receiverPort <= senderPort && hasPort(receiverPort, PORT_IS_ANSWERING);
  if (!mayBeQuestion) return true;
  const isTime = senderPort == PORT_NTP && receiverPort == PORT_NTP;
  return sentBytes / max<u32>(sent, 1) >= (isTime ? ANSWER_MIN_NTP : ANSWER_MIN);
}

/** Takes what shows that the receiver takes part, and the answers of a service here. */
export function takeSpoken(): void {
  if (!isOriginator) takeReflected();
  else if (has(MARK_IS_FIRST_OF_SIDE) && !has(MARK_IS_NEW)) {
    const destination = findDestination(FLOOD_ANSWERS, SOURCE, destinationPort());
    if (destination != 0) store<i32>(destination, load<i32>(destination, D_DONE << 2) + 1, D_DONE << 2);
  }
}

/** Whether the row goes to a service, and not from outside. */
export function isQuestion(): bool {
  return !isFromOutside() && hasPort(destinationPort(), PORT_IS_ANSWERING);
}

/** A host asks all others for a service: who answers was asked. */
export function takeAsking(): void {
  if (hasPort(destinationPort(), PORT_IS_ANSWERING)) noteAsking(SOURCE, destinationPort());
}

/** A flow is over in which both have spoken: the row is its originator's. */
export function takeSpokenEnd(): void {
  takeReflected();
}

/** The responder has answered the originator. */
function takeReflected(): void {
  server = isEnd() ? receiver : sender;
  client = isEnd() ? sender : receiver;
  service = isEnd() ? receiverPort : senderPort;
  if (!hasPort(service, PORT_IS_ANSWERING) || !isLocal(server) || isLocal(client)) return;
  answers = respPackets();
  answerBytes = respBytes();
  if (answerBytes / AMPLIFIED < max<u32>(origBytes(), 1)) return;
  takeCounted(FLOOD_REFLECTOR, has(MARK_IS_FIRST_PAYLOAD), <i32> payloadLength());
}

/** Counts the packet of the row, if it is the first that was answered in its flow, or what has come since. */
function takeCounted(kind: i32, isFirst: bool, vote: i32): void {
  if (isEnd()) return takeRest(kind, vote);
  const destination = useDestination(kind, client, service);
  if (isFirst) {
    arriveInRun(destination, kind, server, 1, <f64> payloadLength(), timestampUs(), vote);
  } else takeMore(destination, kind, useFlow(), vote);
}

/** The flow is over: what has not been counted, of a run that goes on. */
function takeRest(kind: i32, vote: i32): void {
  const known = findFlow();
  const destination = findDestination(kind, client, service);
  const startUs = timestampUs() - <f64> durationMs() * 1000;
  const isCounted = known != 0 || answers > 1 && destination != 0 && isInRun(destination, startUs);
  if (destination != 0 && isCounted) takeMore(destination, kind, useFlow(), vote);
  const flow = findFlow();
  if (flow != 0) forgetFlow(flow);
}

function takeMore(destination: usize, kind: i32, flow: usize, vote: i32): void {
  const isMore = takeStretch(flow, answers, 0, false);
  const bytes = <f64> answerBytes - <f64> load<u32>(flow, L_BYTES << 2);
  store<u32>(flow, answerBytes, L_BYTES << 2);
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
