/**
 * Answers to TCP connections that nobody has opened: SYN-ACKs and refusals for SYNs that bore the receiver's address but were
 * somebody else's. Counted at the receiver, whom many answer, and at the sender, who is under attack by SYNs with our addresses.
 */
import {
  destinationPort,
  has,
  origPackets,
  respPackets,
  sourcePort,
  tcpFlags,
  tcpWindow,
  timestampUs,
} from "../../common/assembly/row";
import {
  MARK_HAS_DOUBLED,
  MARK_IS_CONTINUED,
  MARK_IS_FIRST_OF_SIDE,
  MARK_IS_FIRST_PAYLOAD,
  MARK_IS_NEW,
  MARK_SENT_BY_ORIGINATOR,
} from "../../common/row_layout";
import {
  D_DONE,
  D_REFUSALS,
  FLOOD_BACKSCATTER,
  FLOOD_HANDSHAKES,
  L_IS_HANDSHAKES,
} from "../arrivals_layout";
import { uncounted } from "./arrival";
import { findDestination, useDestination } from "./destinations";
import { DESTINATION, sent, SOURCE } from "./ends";
import { findFlow, sinceUs, takeStretch, useFlow } from "./flows";
import { arriveInRun, turnRun } from "./runs";
import { SILENT, talkOf } from "./talks";

const SYN_ACK: i32 = 0x12;
const RST: i32 = 0x04;
const RST_ACK: i32 = 0x14;
/** The flags where they were cut off. */
const UNKNOWN: i32 = 0xffff;

/** Takes a TCP row: an answer to a connection that was not opened, or what shows that it was. */
export function takeHandshake(): void {
  if (has(MARK_IS_NEW)) {
    if (has(MARK_IS_CONTINUED) || !isAnswer() || talkOf(DESTINATION, SOURCE) != SILENT) return;
    arriveHandshake(FLOOD_HANDSHAKES, DESTINATION, SOURCE);
    arriveHandshake(FLOOD_BACKSCATTER, SOURCE, DESTINATION);
  } else if (has(MARK_HAS_DOUBLED) && isRepeated()) takeMore(DESTINATION, SOURCE, sent, sourcePort());
  else if (has(MARK_SENT_BY_ORIGINATOR)) {
    const isLater = has(MARK_IS_FIRST_OF_SIDE) && respPackets() > 0;
    if (isLater && (tcpFlags() & RST) == 0) takeOpened(SOURCE, DESTINATION);
  } else if (has(MARK_IS_FIRST_PAYLOAD) && origPackets() == 0) takeOpened(DESTINATION, SOURCE);
}

/** A flow is over: if it was nothing but such answers, what of them has not been counted. */
export function takeHandshakesEnd(): void {
  const flow = findFlow();
  const isAnswers = flow != 0 && load<i32>(flow, L_IS_HANDSHAKES << 2) != 0;
  if (isAnswers) takeMore(SOURCE, DESTINATION, respPackets(), destinationPort());
}

/** No connection is answered so often: the flow has so many of them now. */
function takeMore(receiver: i32, server: i32, answers: u32, port: i32): void {
  const flow = useFlow();
  store<i32>(flow, 1, L_IS_HANDSHAKES << 2);
  if (!takeStretch(flow, answers, 0, false)) return;
  const fromUs = sinceUs;
  for (let kind = FLOOD_HANDSHAKES; kind <= FLOOD_BACKSCATTER; kind++) {
    const isReceiver = kind == FLOOD_HANDSHAKES;
    const destination = useDestination(kind, isReceiver ? receiver : server);
    turnRun(destination, kind, fromUs);
    const count = uncounted(destination);
    const peer = isReceiver ? server : receiver;
    if (count > 0) arriveInRun(destination, kind, peer, count, 0, fromUs, port);
  }
}

/** A SYN-ACK of a flow in which SYNs are not counted. */
function isRepeated(): bool {
  if ((tcpFlags() & SYN_ACK) != SYN_ACK || tcpFlags() == UNKNOWN) return false;
  const flow = findFlow();
  return flow == 0 || load<i32>(flow, L_IS_HANDSHAKES << 2) != 0;
}

/** SYN-ACK, or the refusal of a SYN (RFC 9293 section 3.10.7.1); connections that are broken off have a window. */
function isAnswer(): bool {
  const flags = tcpFlags();
  if (flags == UNKNOWN) return false;
  return (flags & SYN_ACK) == SYN_ACK || (flags & RST_ACK) == RST_ACK && tcpWindow() == 0;
}

function arriveHandshake(kind: i32, word: i32, peer: i32): void {
  const destination = useDestination(kind, word);
  turnRun(destination, kind, timestampUs());
  if ((tcpFlags() & RST) != 0) add(destination, D_REFUSALS);
  arriveInRun(destination, kind, peer, 1, 0, timestampUs(), sourcePort());
}

/** The connection is one: its receiver takes part, or the server goes on. */
function takeOpened(receiver: i32, server: i32): void {
  const destination = findDestination(FLOOD_HANDSHAKES, receiver);
  if (destination != 0) add(destination, D_DONE);
  const source = findDestination(FLOOD_BACKSCATTER, server);
  if (source != 0) add(source, D_DONE);
}

@inline
function add(destination: usize, counter: i32): void {
  const at = destination + (counter << 2);
  store<i32>(at, load<i32>(at) + 1);
}
