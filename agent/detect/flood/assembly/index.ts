/**
 * What arrives at each destination, counted from rows of observations (agent/detect/observation.ts draws them), and when it
 * is a flood: agent/detect/flood/flood.ts tells it, arrivals.ts is the door to it.
 */
import {
  destinationPort,
  flowId,
  has,
  isIcmp,
  kind,
  marks,
  origPackets,
  respPackets,
  sourcePort,
  takeUp,
  tcpFlags,
  timestampUs,
  transport,
  wordAt,
} from "../../common/assembly/row";
import {
  KIND_CONTACT,
  KIND_ICMP_ERROR,
  MARK_HAS_DOUBLED,
  MARK_IS_DESTINATION_LOCAL,
  MARK_IS_FIRST_IN_WINDOW,
  MARK_IS_FIRST_PAYLOAD,
  MARK_IS_NEW,
  MARK_IS_RESUMED,
  MARK_IS_SOURCE_LOCAL,
  MARK_IS_TO_MANY,
  MARK_SENT_BY_ORIGINATOR,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../../common/row_layout";
import {
  COLLECTORS_AT,
  D_ARRIVED,
  D_BITS_SET,
  D_DONE,
  D_FIRST_US,
  D_HOT_SECONDS,
  D_HOT_US,
  D_PEAK,
  D_REFUSED_SECOND,
  D_SECOND,
  D_TOTAL,
  FLOOD_DHCP,
  FLOOD_ICMP,
  FLOOD_SYN,
  FLOOD_UDP,
  FORGED_BITS_MIN,
  ICMP_TYPES,
  ICMP_TYPES_AT,
  LIMITS_AT,
  MEMORY_PAGES,
  ROWS_AT,
} from "../arrivals_layout";
import {
  endRun,
  findDestination,
  forgottenDestinations,
  hasEpisode,
  isOnePort,
  makeDestinations,
  numberOf,
  useDestination,
  votePort,
  voteSource,
} from "./destinations";
import { makeFlows, packets, rate, takeFlow } from "./flows";
import { opened } from "./imports";

export { forgottenDestinations as forgottenCount };

/** Arrivals, what comes of them, and the moments of a flow in swing. */
const COUNTED_MARKS: i32 = MARK_IS_NEW | MARK_IS_FIRST_PAYLOAD | MARK_IS_FIRST_IN_WINDOW |
  MARK_IS_RESUMED | MARK_HAS_DOUBLED;
const SECOND_US: f64 = 1_000_000;
/** Flows with fewer packets are not looked at one by one: doublings are told from there on. */
const FLOW_PACKETS_MIN: u32 = 64;
/** A UDP flow that nothing answers needs this many times the limit, unless its packets were refused by ICMP of late. */
const UNANSWERED_FACTOR: f64 = 10;
const REFUSED_SECONDS: f64 = 10;
/** Answered share above which it is no flood. */
const DONE_SHARE_MAX: f64 = 0.25;
/** More than a host has ports, twice. */
const SCAN_MAX: f64 = 2 * 65_536;
const DHCP_SERVER_PORT: i32 = 67;
const DHCP_CLIENT_PORT: i32 = 68;
/** TCP flags: of SYN, ACK, RST and FIN only SYN. */
const SYN: i32 = 0x02;
const SYN_MASK: i32 = 0x17;

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
  } else if (kind() == KIND_ICMP_ERROR && transport() == TRANSPORT_UDP) takeRefusal();
}

function takeTcp(): void {
  if (!has(MARK_SENT_BY_ORIGINATOR)) return;
  const isSyn = (tcpFlags() & SYN_MASK) == SYN;
  if (isSyn) takeArrival(FLOOD_SYN);
  else if (has(MARK_IS_FIRST_PAYLOAD)) takeDone(FLOOD_SYN, 7);
}

function takeUdp(): void {
  if (!has(MARK_SENT_BY_ORIGINATOR)) {
    if (has(MARK_IS_FIRST_PAYLOAD)) takeDone(FLOOD_UDP, 3);
    return;
  }
  const isDhcp = destinationPort() == DHCP_SERVER_PORT && sourcePort() == DHCP_CLIENT_PORT;
  if (isDhcp) return takeArrival(FLOOD_DHCP);
  if (has(MARK_IS_TO_MANY) || isReport()) return;
  if (has(MARK_IS_NEW) || respPackets() == 0) takeArrival(FLOOD_UDP);
}

function takeIcmp(): void {
  const isUnasked = sourcePort() < ICMP_TYPES && load<u8>(ICMP_TYPES_AT + sourcePort()) != 0;
  if (has(MARK_SENT_BY_ORIGINATOR) && isUnasked) takeArrival(FLOOD_ICMP);
}

/** Whether a host inside sends to a collector inside. */
function isReport(): bool {
  const inside = MARK_IS_SOURCE_LOCAL | MARK_IS_DESTINATION_LOCAL;
  return (marks() & inside) == inside && load<u8>(COLLECTORS_AT + destinationPort()) != 0;
}

/** The first packet of a flow, or what has come of one in swing since its last row. */
function takeArrival(kind: i32): void {
  if (has(MARK_IS_NEW)) return arrive(kind, 1, 0);
  if (origPackets() < FLOW_PACKETS_MIN) return;
  takeFlow();
  if (rate >= flowLimit(kind)) arrive(kind, <u32> packets, rate);
}

/** Packets a second of one flow from which on they count. */
function flowLimit(kind: i32): f64 {
  const perSecond = <f64> perSecondOf(kind);
  if (kind != FLOOD_UDP) return perSecond;
  const destination = findDestination(kind, 7);
  const isRefused = destination != 0 &&
    Math.abs(timestampUs() / SECOND_US - load<f64>(destination, D_REFUSED_SECOND << 2)) <
      REFUSED_SECONDS;
  return isRefused ? perSecond : perSecond * UNANSWERED_FACTOR;
}

/** So many packets have come; `flowRate` (a second) when they are those of one flow, else 0. */
function arrive(kind: i32, count: u32, flowRate: f64): void {
  const destination = useDestination(kind);
  turnSecond(destination, kind);
  const arrived = load<u32>(destination, D_ARRIVED << 2) + count;
  store<u32>(destination, arrived, D_ARRIVED << 2);
  const total = load<f64>(destination, D_TOTAL << 2);
  if (total == 0) store<f64>(destination, timestampUs(), D_FIRST_US << 2);
  store<f64>(destination, total + <f64> count, D_TOTAL << 2);
  const peak = flowRate > 0 ? flowRate : <f64> arrived;
  if (peak > <f64> load<u32>(destination, D_PEAK << 2)) {
    store<u32>(destination, <u32> peak, D_PEAK << 2);
  }
  votePort(destination, destinationPort(), count);
  voteSource(destination, wordAt(kind == FLOOD_DHCP ? 7 : 3), count);
  if (arrived >= perSecondOf(kind)) judge(destination, kind, flowRate);
}

/** So much has arrived in this second: is it a flood? */
function judge(destination: usize, kind: i32, flowRate: f64): void {
  if (isAnswered(destination)) return;
  store<f64>(destination, timestampUs(), D_HOT_US << 2);
  const arrived = load<u32>(destination, D_ARRIVED << 2);
  const perSecond = perSecondOf(kind);
  const seconds = load<u32>(LIMITS_AT + (kind << 3), 4);
  const isSustained = load<u32>(destination, D_HOT_SECONDS << 2) + 1 >= seconds ||
    arrived >= perSecond * 10 || flowRate > 0 && arrived >= perSecond * seconds;
  if (!isSustained || hasEpisode(destination) || isScan(destination, kind)) return;
  opened(numberOf(destination), timestampUs(), flowId());
}

/** Whether something came of too much of what arrived in the present second. */
function isAnswered(destination: usize): bool {
  const done = <f64> load<u32>(destination, D_DONE << 2);
  return done >= <f64> load<u32>(destination, D_ARRIVED << 2) * DONE_SHARE_MAX;
}

/** Many ports, from few sources, and no more than a host has ports. */
function isScan(destination: usize, kind: i32): bool {
  if (kind == FLOOD_ICMP || kind == FLOOD_DHCP) return false;
  return !isOnePort(destination) && load<f64>(destination, D_TOTAL << 2) < SCAN_MAX &&
    load<i32>(destination, D_BITS_SET << 2) < FORGED_BITS_MIN;
}

/** Begins another second, if the row is of one. */
function turnSecond(destination: usize, kind: i32): void {
  const second = Math.floor(timestampUs() / SECOND_US);
  const before = load<f64>(destination, D_SECOND << 2);
  if (second == before) return;
  const wasHot = load<u32>(destination, D_ARRIVED << 2) >= perSecondOf(kind) &&
    !isAnswered(destination) && second == before + 1;
  if (wasHot) {
    store<i32>(destination, load<i32>(destination, D_HOT_SECONDS << 2) + 1, D_HOT_SECONDS << 2);
  } else if (hasEpisode(destination)) store<i32>(destination, 0, D_HOT_SECONDS << 2);
  else endRun(destination);
  store<f64>(destination, second, D_SECOND << 2);
  store<i32>(destination, 0, D_ARRIVED << 2);
  store<i32>(destination, 0, D_DONE << 2);
}

/** Something came of an arrival at the address that begins at a word of the row. */
function takeDone(kind: i32, word: i32): void {
  const destination = findDestination(kind, word);
  if (destination == 0) return;
  store<i32>(destination, load<i32>(destination, D_DONE << 2) + 1, D_DONE << 2);
}

/** A UDP packet was refused. */
function takeRefusal(): void {
  const destination = findDestination(FLOOD_UDP, 7);
  if (destination != 0) store<f64>(destination, timestampUs() / SECOND_US, D_REFUSED_SECOND << 2);
}

@inline
function perSecondOf(kind: i32): u32 {
  return load<u32>(LIMITS_AT + (kind << 3));
}
