/**
 * What arrives at each destination, counted from rows of observations (agent/detect/observation.ts draws them), and when it
 * is a flood: agent/detect/flood/flood.ts tells it, arrivals.ts is the door to it.
 */
import {
  destinationPort,
  has,
  isIcmp,
  kind,
  marks,
  origBytes,
  origPackets,
  payloadLength,
  respPackets,
  sourcePort,
  takeUp,
  tcpFlags,
  timestampUs,
  transport,
  word,
} from "../../common/assembly/row";
import { isOneSided, noteAnswer, noteFirstPayload } from "../../common/assembly/sides";
import {
  KIND_CONTACT,
  KIND_END,
  KIND_ICMP_ERROR,
  MARK_HAS_DOUBLED,
  MARK_IS_DESTINATION_LOCAL,
  MARK_IS_FIRST_IN_WINDOW,
  MARK_IS_FIRST_OF_SIDE,
  MARK_IS_FIRST_PAYLOAD,
  MARK_IS_LINK_BROADCAST,
  MARK_IS_NEW,
  MARK_IS_RESUMED,
  MARK_IS_SOURCE_LOCAL,
  MARK_IS_TO_MANY,
  MARK_SENT_BY_ORIGINATOR,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../../common/row_layout";
import {
  D_DONE,
  D_REFUSED_PORT,
  D_REFUSED_SECOND,
  FLOOD_DHCP,
  FLOOD_ICMP,
  FLOOD_SYN,
  FLOOD_UDP,
  ICMP_TYPES,
  ICMP_TYPES_AT,
  L_IS_EXCUSED,
  MEMORY_PAGES,
  PORT_IS_COLLECTOR,
  PORTS_AT,
  ROWS_AT,
} from "../arrivals_layout";
import { isQuestion, takeAnswer, takeAsking, takeSpoken, takeSpokenEnd } from "./answers";
import { arrive, arriveLate, arriveStretch, isInRun, perSecondOf } from "./arrival";
import { findDestination, forgottenDestinations, makeDestinations, useDestination } from "./destinations";
import {
  DESTINATION,
  isFromOutside,
  isOriginator,
  receiver,
  receiverPort,
  returned,
  sender,
  senderPort,
  sent,
  SOURCE,
  takeEnds,
} from "./ends";
import {
  findFlow,
  forgetFlow,
  makeFlows,
  setJudged,
  sinceUs,
  takeShort,
  takeStretch,
  useFlow,
} from "./flows";
import { takeHandshake, takeHandshakesEnd } from "./handshakes";
import { isNumbered, takeSample } from "./numbering";
import { ANSWERED, BEGUN, noteTalk, SILENT, talkOf } from "./talks";

export { forgottenDestinations as forgottenCount };
export { isOneSided };

/** Arrivals, what comes of them, and the moments of a flow in swing. */
const COUNTED_MARKS: i32 = MARK_IS_NEW | MARK_IS_FIRST_OF_SIDE | MARK_IS_FIRST_PAYLOAD |
  MARK_IS_FIRST_IN_WINDOW | MARK_IS_RESUMED | MARK_HAS_DOUBLED;
const SECOND_US: f64 = 1_000_000;
/** Flows with fewer packets are not looked at one by one: doublings are told from there on. */
const FLOW_PACKETS_MIN: u32 = 64;
/**
 * A UDP flow that nothing answers needs this many times the limit, unless its packets were refused by ICMP of late; and as
 * much again when it comes from a server's port, as streams do that were asked for, or from outside to a host that answers its
 * sender otherwise.
 */
const UNANSWERED_FACTOR: f64 = 10;
const REFUSED_SECONDS: f64 = 10;
const DHCP_SERVER_PORT: i32 = 67;
const DHCP_CLIENT_PORT: i32 = 68;
/** TCP flags: of SYN, ACK, RST and FIN only SYN; the state of an end that has sent but that (flow/conn_state.ts). */
const SYN: i32 = 0x02;
const SYN_MASK: i32 = 0x17;
const SYN_SENT: u32 = 1;
const STATE_MASK: u32 = 7;
/** Makes the memory as large as it ever is; once, before all else. */
export function setUp(): void {
  memory.grow(MEMORY_PAGES - memory.size());
  makeDestinations();
  makeFlows();
}

/** Takes the whole rows in the first `length` words from ROWS_AT on; returns how many words they have. */
export function takeRows(length: i32): i32 {
  const end: usize = ROWS_AT + (length << 2);
  let row: usize = ROWS_AT;
  while (row < end) {
    const next = row + (load<u16>(row, 2) << 2);
    if (next > end) break;
    takeUp(row);
    takeEnds();
    takeRow();
    row = next;
  }
  return <i32> (row - ROWS_AT) >> 2;
}

function takeRow(): void {
  if (kind() == KIND_CONTACT) {
    if (!has(COUNTED_MARKS)) return;
    if (transport() == TRANSPORT_TCP) takeTcp();
    else if (transport() == TRANSPORT_UDP) takeUdp();
    else if (isIcmp()) takeIcmp();
  } else if (kind() == KIND_END) takeEnd();
  else if (kind() == KIND_ICMP_ERROR && transport() == TRANSPORT_UDP) takeRefusal();
}

function takeTcp(): void {
  noteSpeech();
  if (has(MARK_IS_FIRST_PAYLOAD)) noteFirstPayload();
  takeHandshake();
  if (!has(MARK_SENT_BY_ORIGINATOR)) return;
  const isSyn = (tcpFlags() & SYN_MASK) == SYN;
  if (isSyn) takeArrival(FLOOD_SYN);
  else if (has(MARK_IS_FIRST_PAYLOAD)) takeDone(FLOOD_SYN, DESTINATION);
}

function takeUdp(): void {
  noteSpeech();
  if (has(MARK_IS_TO_MANY | MARK_IS_LINK_BROADCAST)) takeAsking();
  if (takeAnswer()) return;
  takeSpoken();
  if (!isOriginator && returned != 0) {
    if (!has(MARK_IS_FIRST_PAYLOAD)) return;
    noteAnswer();
    takeDone(FLOOD_UDP, SOURCE);
    return;
  }
  if (isDhcp()) return takeArrival(FLOOD_DHCP);
  if (has(MARK_IS_TO_MANY) || isReport()) return;
  if (has(MARK_IS_NEW) || returned == 0) takeArrival(FLOOD_UDP);
}

function takeIcmp(): void {
  if (has(MARK_SENT_BY_ORIGINATOR) && isUnasked()) takeArrival(FLOOD_ICMP);
}

/** A flow is over: what of it has not been counted, where something was. */
function takeEnd(): void {
  if (transport() == TRANSPORT_UDP) {
    if (takeAnswer()) return;
    if (returned != 0) return takeSpokenEnd();
  }
  if (transport() == TRANSPORT_TCP) takeHandshakesEnd();
  if (!isEndOfArrivals()) return;
  const kind = transport() == TRANSPORT_TCP ? FLOOD_SYN : isIcmp() ? FLOOD_ICMP : FLOOD_UDP;
  const destination = findDestination(kind, receiver);
  const flow = findFlow();
  if (destination != 0 && takeRest(destination, flow, kind)) arriveLate(destination, kind);
  if (flow != 0) forgetFlow(flow);
}

/** Whether some of the flow is still to be counted; of one with few packets only the first has been. */
function takeRest(destination: usize, flow: usize, kind: i32): bool {
  if (flow == 0) {
    if (kind == FLOOD_UDP && isWelcome() || sent >= FLOW_PACKETS_MIN) return false;
    return takeShort(sent) && isInRun(destination, sinceUs);
  }
  if (load<i32>(flow, L_IS_EXCUSED << 2) != 0) return false;
  return takeStretch(flow, sent, flowLimit(kind), true);
}

function isEndOfArrivals(): bool {
  if (isIcmp()) return isUnasked();
  if (transport() == TRANSPORT_UDP) return !isDhcp() && !isReport();
  return transport() == TRANSPORT_TCP && origBytes() == 0 && (word(23) & STATE_MASK) == SYN_SENT;
}

function isUnasked(): bool {
  return sourcePort() < ICMP_TYPES && load<u8>(ICMP_TYPES_AT + sourcePort()) != 0;
}

function isDhcp(): bool {
  return receiverPort == DHCP_SERVER_PORT && senderPort == DHCP_CLIENT_PORT;
}

/** Whether a host inside sends to a collector inside. */
function isReport(): bool {
  const inside = MARK_IS_SOURCE_LOCAL | MARK_IS_DESTINATION_LOCAL;
  return (marks() & inside) == inside && (load<u8>(PORTS_AT + receiverPort) & PORT_IS_COLLECTOR) != 0;
}

/**
 * Remembers that the sender speaks to the other, but not of first packets: those of a flood are no speech, and too many. Only
 * questions to services count, for their answers may come late.
 */
function noteSpeech(): void {
  const isSpeech = !has(MARK_IS_NEW) || transport() == TRANSPORT_UDP && isQuestion();
  if (!isSpeech || payloadLength() == 0) return;
  noteTalk(SOURCE, DESTINATION, isOriginator);
}

/** The first packet of a flow, or what has come of one in swing since its last row. */
function takeArrival(kind: i32): void {
  const isUdp = kind == FLOOD_UDP;
  if (has(MARK_IS_NEW)) {
    if (isUdp && isWelcome()) useDestination(kind, receiver);
    else arrive(kind);
    return;
  }
  if (sent < FLOW_PACKETS_MIN) return;
  const flow = useFlow();
  if (isUdp && has(MARK_HAS_DOUBLED)) takeSample(flow, sent);
  if (isUdp && isStream(flow)) return setJudged(flow, sent);
  if (takeStretch(flow, sent, flowLimit(kind), false)) arriveStretch(kind);
}

/** Whether the destination has begun something with the sender, or answers it, in another flow. */
function isWelcome(): bool {
  const talk = talkOf(receiver, sender);
  return talk == BEGUN || talk == ANSWERED && !isFromOutside();
}

/** Whether the flow is one that needs no answers, and is not refused either. */
function isStream(flow: usize): bool {
  const wasExcused = load<i32>(flow, L_IS_EXCUSED << 2) != 0;
  const isExcused = !isRefused() && (wasExcused || isNumbered(flow) || isWelcome());
  store<i32>(flow, <i32> isExcused, L_IS_EXCUSED << 2);
  return isExcused;
}

/** Packets a second of one flow from which on they count. */
function flowLimit(kind: i32): f64 {
  const perSecond = <f64> perSecondOf(kind, 0);
  if (kind != FLOOD_UDP || isRefused()) return perSecond;
  const mayBeStream = !isOriginator || talkOf(receiver, sender) != SILENT;
  return perSecond * UNANSWERED_FACTOR * (mayBeStream ? UNANSWERED_FACTOR : 1);
}

/** Whether a packet to the same port of the destination was refused of late. */
function isRefused(): bool {
  const destination = findDestination(FLOOD_UDP, receiver);
  if (destination == 0 || load<i32>(destination, D_REFUSED_PORT << 2) != receiverPort) return false;
  const seconds = timestampUs() / SECOND_US - load<f64>(destination, D_REFUSED_SECOND << 2);
  return Math.abs(seconds) < REFUSED_SECONDS;
}

/** Something came of an arrival at the address that begins at a word of the row. */
function takeDone(kind: i32, word: i32): void {
  const destination = findDestination(kind, word);
  if (destination == 0) return;
  store<i32>(destination, load<i32>(destination, D_DONE << 2) + 1, D_DONE << 2);
}

/** A UDP packet was refused: what comes back is captured. */
function takeRefusal(): void {
  noteAnswer();
  const destination = findDestination(FLOOD_UDP, DESTINATION);
  if (destination == 0) return;
  store<f64>(destination, timestampUs() / SECOND_US, D_REFUSED_SECOND << 2);
  store<i32>(destination, destinationPort(), D_REFUSED_PORT << 2);
}
