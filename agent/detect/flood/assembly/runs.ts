/**
 * Judging by runs of ten seconds what comes in flows of few rows each: answers that nobody asked for (answers.ts,
 * handshakes.ts). What was counted goes on as long as each run is above the limit.
 */
import { flowId, timestampUs } from "../../common/assembly/row";
import {
  D_ARRIVED,
  D_BITS_SET,
  D_BYTES,
  D_DONE,
  D_HOT_US,
  D_REFUSALS,
  D_SECOND,
  D_SERVICE,
  D_TOTAL,
  FLOOD_ANSWERS,
  FLOOD_BACKSCATTER,
  FLOOD_HANDSHAKES,
  FLOOD_REFLECTOR,
  LIMITS_AT,
} from "../arrivals_layout";
import { add, addArrived, isAnswered, LATE_SECONDS, raisePeak } from "./arrival";
import {
  endRun,
  findDestination,
  hasEpisode,
  isOnePort,
  isOneSource,
  numberOf,
} from "./destinations";
import { isLocal, receiver, sender } from "./ends";
import { opened } from "./imports";
import { isOneSided } from "../../common/assembly/sides";

const RUN_SECONDS: f64 = 10;
const PORT_DNS: i32 = 53;
/** Names are answered in fewer bytes all day, so of such answers more are needed. */
const LARGE_MEAN: f64 = 400;
const SMALL_FACTOR: f64 = 5;
/** Hosts inside ask each other most. */
const INSIDE_FACTOR: f64 = 5;
/** Where one direction is captured, no question may ever be seen. */
const ONE_SIDED_FACTOR: f64 = 10;
/** So many bits are set by four sources: fewer are no crowd. */
const CROWD_BITS_MIN: i32 = 4;
/** More than a host has ports, twice. */
const SCAN_MAX: f64 = 2 * 65_536;

/**
 * So many packets with so many bytes have come since then: to a destination from the address at a word of the row, or the
 * other way round. `port` is one by which scans and repeated answers are told.
 */
export function arriveInRun(
  destination: usize,
  kind: i32,
  peer: i32,
  count: u32,
  bytes: f64,
  fromUs: f64,
  port: i32,
): void {
  turnRun(destination, kind, fromUs);
  const arrived = addArrived(destination, count);
  add(destination, count, fromUs, port, peer);
  store<f64>(destination, load<f64>(destination, D_BYTES << 2) + bytes, D_BYTES << 2);
  const perSecond = <f64> arrived / elapsed(destination, kind);
  raisePeak(destination, <u32> perSecond, true);
  if (perSecond < limitOf(destination, kind) || isAnswered(destination)) return;
  const hotUs = load<f64>(destination, D_HOT_US << 2);
  store<f64>(destination, max(hotUs, timestampUs()), D_HOT_US << 2);
  if (hasEpisode(destination) || !isTelling(destination, kind)) return;
  opened(numberOf(destination), timestampUs(), flowId());
}

/** Begins another run, if the row is of none that is under way. */
export function turnRun(destination: usize, kind: i32, fromUs: f64): void {
  const second = timestampUs() / 1e6;
  const begun = load<f64>(destination, D_SECOND << 2);
  if (second < begun + RUN_SECONDS && second > begun - LATE_SECONDS) return;
  const perSecond = <f64> load<u32>(destination, D_ARRIVED << 2) / RUN_SECONDS;
  const isHot = second < begun + 2 * RUN_SECONDS && !isAnswered(destination) &&
    perSecond >= limitOf(destination, kind);
  if (!isHot && !hasEpisode(destination)) endRun(destination);
  store<f64>(destination, max(fromUs / 1e6, second - RUN_SECONDS), D_SECOND << 2);
  store<i32>(destination, 0, D_ARRIVED << 2);
  store<i32>(destination, 0, D_DONE << 2);
}

/** Seconds of the run so far, not fewer than are needed for a judgement. */
function elapsed(destination: usize, kind: i32): f64 {
  const seconds = <f64> load<u32>(LIMITS_AT + (kind << 3), 4);
  return max(seconds, timestampUs() / 1e6 - load<f64>(destination, D_SECOND << 2));
}

/** Packets a second from which on they count. */
function limitOf(destination: usize, kind: i32): f64 {
  let perSecond = <f64> load<u32>(LIMITS_AT + (kind << 3));
  if (isOneSided()) perSecond *= ONE_SIDED_FACTOR;
  if (kind != FLOOD_ANSWERS) return perSecond;
  if (isLocal(sender) && isLocal(receiver)) perSecond *= INSIDE_FACTOR;
  const isSmall = load<i32>(destination, D_SERVICE << 2) == PORT_DNS && meanOf(destination) < LARGE_MEAN;
  return isSmall ? perSecond * SMALL_FACTOR : perSecond;
}

function isTelling(destination: usize, kind: i32): bool {
  if (kind == FLOOD_ANSWERS) return !isScan(destination);
  if (kind == FLOOD_HANDSHAKES) return isCrowd(destination);
  if (kind == FLOOD_BACKSCATTER) return isBackscatter(destination);
  // A resolver asks for one thing once; who asks in its name repeats what gives the largest answer.
  return load<i32>(destination, D_SERVICE << 2) != PORT_DNS || isOnePort(destination);
}

/** Many ports of one host, tried by few with small packets from a service's port. */
function isScan(destination: usize): bool {
  return !isCrowd(destination) && !isOnePort(destination) && meanOf(destination) < LARGE_MEAN &&
    load<f64>(destination, D_TOTAL << 2) < SCAN_MAX;
}

/** Not one port that refuses again and again, and not what is told at the receiver, whom many answer. */
function isBackscatter(source: usize): bool {
  const total = load<f64>(source, D_TOTAL << 2);
  if (<f64> load<i32>(source, D_REFUSALS << 2) * 2 > total && isOnePort(source)) return false;
  if (!isOneSource(source)) return true;
  const answered = findDestination(FLOOD_HANDSHAKES, receiver);
  return answered == 0 || !isCrowd(answered);
}

@inline
function isCrowd(destination: usize): bool {
  return load<i32>(destination, D_BITS_SET << 2) >= CROWD_BITS_MIN;
}

@inline
function meanOf(destination: usize): f64 {
  return load<f64>(destination, D_BYTES << 2) / load<f64>(destination, D_TOTAL << 2);
}
