/** Arrivals at a destination: counted by seconds and by the run of seconds above the limit, and judged. */
import { application, flowId, timestampUs, wordAt } from "../../common/assembly/row";
import {
  D_ARRIVED,
  D_BEGUN_US,
  D_BITS_SET,
  D_DONE,
  D_FIRST_US,
  D_HOT_SECONDS,
  D_HOT_US,
  D_IS_KNOWN,
  D_IS_PEAK_RATE,
  D_KIND,
  D_LAST_US,
  D_PEAK,
  D_SECOND,
  D_TOTAL,
  FLOOD_DHCP,
  FLOOD_ICMP,
  FLOOD_REFLECTOR,
  FLOOD_UDP,
  FORGED_BITS_MIN,
  LIMITS_AT,
} from "../arrivals_layout";
import {
  endRun,
  hasEpisode,
  isOnePort,
  numberOf,
  useDestination,
  votePort,
  voteSource,
} from "./destinations";
import { receiver, receiverPort, sender } from "./ends";
import { isFromStart, packets, rate, sinceUs } from "./flows";
import { opened } from "./imports";
import { hasBothSides, isOneSided } from "../../common/assembly/sides";

const SECOND_US: f64 = 1_000_000;
/** Answered share above which it is no flood. */
const DONE_SHARE_MAX: f64 = 0.25;
/** More than a host has ports, twice. */
const SCAN_MAX: f64 = 2 * 65_536;
/** So many times the limit suffice at once. */
const AT_ONCE: u32 = 10;
/** Rows of flows that end come late by their timeouts; what is older belongs to another capture. */
export const LATE_SECONDS: f64 = 360;
/** Where one direction is captured, UDP packets without an answer are usual. */
const ONE_SIDED_FACTOR: u32 = 10;

/** Packets a second; more of UDP where answers may not be captured: of what has a name as long as no flow had one. */
export function perSecondOf(kind: i32, destination: usize): u32 {
  const perSecond = load<u32>(LIMITS_AT + (kind << 3));
  if (kind != FLOOD_UDP) return perSecond;
  const isUnseen = destination != 0 && load<i32>(destination, D_IS_KNOWN << 2) != 0 && !hasBothSides();
  return isOneSided() || isUnseen ? perSecond * ONE_SIDED_FACTOR : perSecond;
}

/** The packet of the row has come. */
export function arrive(kind: i32): void {
  const destination = useDestination(kind, receiver);
  store<i32>(destination, <i32> (application() != 0), D_IS_KNOWN << 2);
  turnSecond(destination, kind);
  const arrived = addArrived(destination, 1);
  add(destination, 1, timestampUs(), receiverPort, senderOf(kind));
  raisePeak(destination, arrived, false);
  if (arrived >= perSecondOf(kind, destination)) judge(destination, kind, 0);
}

/** The stretch of the flow judged last has come. */
export function arriveStretch(kind: i32): void {
  const destination = useDestination(kind, receiver);
  turnSecond(destination, kind);
  const count = uncounted(destination);
  const arrived = addArrived(destination, count);
  add(destination, count, sinceUs, receiverPort, senderOf(kind));
  raisePeak(destination, <u32> rate, true);
  if (arrived >= perSecondOf(kind, destination)) judge(destination, kind, rate);
}

/** The same, told at the end of the flow, which may be long after its last packet. */
export function arriveLate(destination: usize, kind: i32): void {
  turnSecond(destination, kind);
  const count = uncounted(destination);
  add(destination, count, sinceUs, receiverPort, senderOf(kind));
  raisePeak(destination, <u32> rate, true);
  const hotUs = load<f64>(destination, D_HOT_US << 2);
  if (hasEpisode(destination)) store<f64>(destination, max(hotUs, timestampUs()), D_HOT_US << 2);
  else if (rate >= <f64> perSecondOf(kind, destination) && count >= perSecondOf(kind, destination) * secondsOf(kind)) {
    tell(destination, kind);
  }
}

/** Whether the run has counted the first packet of a flow that began at that time; answers come a little after that. */
export function isInRun(destination: usize, startUs: f64): bool {
  const isAnswer = load<i32>(destination, D_KIND << 2) == FLOOD_REFLECTOR;
  const firstUs = isAnswer ? startUs + SECOND_US : startUs;
  return load<f64>(destination, D_TOTAL << 2) > 0 &&
    firstUs >= load<f64>(destination, D_BEGUN_US << 2);
}

/** The packets of the stretch but for the first of the flow, if that was counted when it came. */
export function uncounted(destination: usize): u32 {
  return <u32> packets - <u32> (isFromStart && isInRun(destination, sinceUs));
}

export function addArrived(destination: usize, count: u32): u32 {
  const arrived = load<u32>(destination, D_ARRIVED << 2) + count;
  store<u32>(destination, arrived, D_ARRIVED << 2);
  return arrived;
}

/** Adds to the run what has come since then from the address that begins at a word of the row. */
export function add(
  destination: usize,
  count: u32,
  fromUs: f64,
  port: i32,
  from: i32,
): void {
  const total = load<f64>(destination, D_TOTAL << 2);
  const firstUs = total == 0 ? fromUs : min(fromUs, load<f64>(destination, D_FIRST_US << 2));
  store<f64>(destination, firstUs, D_FIRST_US << 2);
  store<f64>(destination, total + <f64> count, D_TOTAL << 2);
  const afterUs = timestampUs() - load<f64>(destination, D_HOT_US << 2);
  if (afterUs >= 0 && afterUs < SECOND_US) store<f64>(destination, timestampUs(), D_LAST_US << 2);
  votePort(destination, port, count);
  voteSource(destination, wordAt(from), count);
}

/** DHCP floods are known by their senders, which are none by their addresses. */
@inline
function senderOf(kind: i32): i32 {
  return kind == FLOOD_DHCP ? receiver : sender;
}

export function raisePeak(destination: usize, peak: u32, isRate: bool): void {
  if (peak <= load<u32>(destination, D_PEAK << 2)) return;
  store<u32>(destination, peak, D_PEAK << 2);
  store<i32>(destination, <i32> isRate, D_IS_PEAK_RATE << 2);
}

/** So much has arrived in this second: is it a flood? */
function judge(destination: usize, kind: i32, flowRate: f64): void {
  if (isAnswered(destination)) return;
  store<f64>(destination, timestampUs(), D_HOT_US << 2);
  const arrived = load<u32>(destination, D_ARRIVED << 2);
  const perSecond = perSecondOf(kind, destination);
  const seconds = secondsOf(kind);
  const isSustained = load<u32>(destination, D_HOT_SECONDS << 2) + 1 >= seconds ||
    arrived >= perSecond * AT_ONCE || flowRate > 0 && arrived >= perSecond * seconds;
  if (isSustained && !hasEpisode(destination)) tell(destination, kind);
}

function tell(destination: usize, kind: i32): void {
  if (isScan(destination, kind)) return;
  store<f64>(destination, timestampUs(), D_HOT_US << 2);
  opened(numberOf(destination), timestampUs(), flowId());
}

@inline
export function secondsOf(kind: i32): u32 {
  return load<u32>(LIMITS_AT + (kind << 3), 4);
}

/** Whether something came of too much of what arrived in the present second. */
export function isAnswered(destination: usize): bool {
  const done = <f64> load<u32>(destination, D_DONE << 2);
  return done >= <f64> load<u32>(destination, D_ARRIVED << 2) * DONE_SHARE_MAX;
}

/** Many ports, from few sources, and no more than a host has ports. */
function isScan(destination: usize, kind: i32): bool {
  if (kind == FLOOD_ICMP || kind == FLOOD_DHCP) return false;
  return !isOnePort(destination) && load<f64>(destination, D_TOTAL << 2) < SCAN_MAX &&
    load<i32>(destination, D_BITS_SET << 2) < FORGED_BITS_MIN;
}

/** Begins another second, if the row is of one that is not over. */
function turnSecond(destination: usize, kind: i32): void {
  const second = Math.floor(timestampUs() / SECOND_US);
  const before = load<f64>(destination, D_SECOND << 2);
  if (second == before || second < before && second > before - LATE_SECONDS) return;
  const wasHot = load<u32>(destination, D_ARRIVED << 2) >= perSecondOf(kind, destination) &&
    !isAnswered(destination) && second == before + 1;
  if (wasHot) {
    store<i32>(destination, load<i32>(destination, D_HOT_SECONDS << 2) + 1, D_HOT_SECONDS << 2);
  } else if (hasEpisode(destination)) store<i32>(destination, 0, D_HOT_SECONDS << 2);
  else endRun(destination);
  store<f64>(destination, second, D_SECOND << 2);
  store<i32>(destination, 0, D_ARRIVED << 2);
  store<i32>(destination, 0, D_DONE << 2);
}
