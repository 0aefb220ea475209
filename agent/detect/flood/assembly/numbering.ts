/**
 * Streams whose packets bear numbers that count up with them: RTP and SRTP (RFC 3550 section 5.1), iperf, DTLS, ESP,
 * WireGuard, and whatever else expects that packets get lost. Tools that flood repeat one payload or draw it at random.
 * MPEG transport streams (ISO/IEC 13818-1) count by program only; they are known by their packets of 188 bytes.
 */
import { payloadLength, wordAt } from "../../common/assembly/row";
import { L_COMPARED, L_PLACES, L_SAMPLE, L_SAMPLE_PACKETS } from "../arrivals_layout";

/** Where the row has its sample, and how many bytes that has. */
const SAMPLE: i32 = 26;
const SAMPLE_BYTES: i32 = 16;
/** A number is two bytes, at any place, the higher or the lower one first. */
const PLACES: i32 = SAMPLE_BYTES - 1;
/** Of the packets between two samples so many more or fewer may be counted: losses, copies, another order. */
const SLACK_MIN: u32 = 3;
const SLACK_SHARE: u32 = 64;
/** From here on two bytes say too little. */
const APART_MAX: u32 = 32_768;
/** By chance one place in 10,000 agrees twice. */
const COMPARED_MIN: i32 = 2;
const TS_SYNC: i32 = 0x47;
const TS_PACKET: u32 = 188;

/** Takes the row's sample, of the flow's packet of that number. */
export function takeSample(flow: usize, packets: u32): void {
  const before = load<u32>(flow, L_SAMPLE_PACKETS << 2);
  const apart = packets - before;
  if (before != 0 && apart < APART_MAX) compare(flow, apart);
  memory.copy(flow + (L_SAMPLE << 2), wordAt(SAMPLE), SAMPLE_BYTES);
  store<u32>(flow, packets, L_SAMPLE_PACKETS << 2);
}

/** Whether the flow's packets are numbered, as far as is known. */
export function isNumbered(flow: usize): bool {
  const compared = load<i32>(flow, L_COMPARED << 2);
  return compared >= COMPARED_MIN && load<u32>(flow, L_PLACES << 2) != 0;
}

function compare(flow: usize, apart: u32): void {
  const compared = load<i32>(flow, L_COMPARED << 2);
  const left = compared == 0 ? <u32> -1 : load<u32>(flow, L_PLACES << 2);
  store<u32>(flow, left & agreeing(flow + (L_SAMPLE << 2), wordAt(SAMPLE), apart), L_PLACES << 2);
  store<i32>(flow, compared + 1, L_COMPARED << 2);
}

/** Places, a bit each, at which one sample has counted up from the other by that many; the highest bit: a transport stream. */
function agreeing(before: usize, now: usize, apart: u32): u32 {
  let places: u32 = 0;
  for (let place = 0; place < PLACES; place++) {
    const isUp = isNear(bigEndian(now + place) - bigEndian(before + place), apart);
    const isUpLittle = isNear(load<u16>(now + place) - load<u16>(before + place), apart);
    if (isUp) places |= 1 << place;
    if (isUpLittle) places |= 1 << PLACES + place;
  }
  const isStream = load<u8>(before) == TS_SYNC && load<u8>(now) == TS_SYNC &&
    payloadLength() % TS_PACKET == 0;
  return isStream ? places | 0x80000000 : places;
}

@inline
function isNear(counted: i32, apart: u32): bool {
  const slack = max(SLACK_MIN, apart / SLACK_SHARE);
  return (<u32> counted - apart + slack & 0xffff) <= 2 * slack;
}

@inline
function bigEndian(at: usize): i32 {
  return <i32> load<u8>(at) << 8 | <i32> load<u8>(at, 1);
}
