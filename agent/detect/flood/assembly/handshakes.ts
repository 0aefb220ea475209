/**
 * Answers to TCP connections that nobody has opened: SYN-ACKs and refusals for SYNs that bore the receiver's address but were
 * somebody else's. Counted at the receiver, whom many answer, and at the sender, who is under attack by SYNs with our addresses.
 */
import {
  has,
  origPackets,
  respPackets,
  sourcePort,
  tcpFlags,
  tcpWindow,
  timestampUs,
} from "../../common/assembly/row";
import {
  MARK_IS_CONTINUED,
  MARK_IS_FIRST_OF_SIDE,
  MARK_IS_FIRST_PAYLOAD,
  MARK_IS_NEW,
  MARK_SENT_BY_ORIGINATOR,
} from "../../common/row_layout";
import { D_DONE, D_REFUSALS, FLOOD_BACKSCATTER, FLOOD_HANDSHAKES } from "../arrivals_layout";
import { findDestination, useDestination } from "./destinations";
import { arriveInRun, turnRun } from "./runs";
import { SILENT, talkOf } from "./talks";

const SOURCE: i32 = 3;
const DESTINATION: i32 = 7;
const SYN_ACK: i32 = 0x12;
const RST: i32 = 0x04;
const RST_ACK: i32 = 0x14;

/** Takes a TCP row: an answer to a connection that was not opened, or what shows that it was. */
export function takeHandshake(): void {
  if (has(MARK_IS_NEW)) {
    if (has(MARK_IS_CONTINUED) || !isAnswer() || talkOf(DESTINATION, SOURCE) != SILENT) return;
    arriveHandshake(FLOOD_HANDSHAKES, DESTINATION, SOURCE);
    arriveHandshake(FLOOD_BACKSCATTER, SOURCE, DESTINATION);
  } else if (has(MARK_SENT_BY_ORIGINATOR)) {
    const isLater = has(MARK_IS_FIRST_OF_SIDE) && respPackets() > 0;
    if (isLater && (tcpFlags() & RST) == 0) takeOpened(SOURCE, DESTINATION);
  } else if (has(MARK_IS_FIRST_PAYLOAD) && origPackets() == 0) takeOpened(DESTINATION, SOURCE);
}

/** SYN-ACK, or the refusal of a SYN (RFC 9293 section 3.10.7.1); connections that are broken off have a window. */
function isAnswer(): bool {
  const flags = tcpFlags();
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
