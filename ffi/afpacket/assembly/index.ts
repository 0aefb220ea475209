/**
 * Frames of a block of a TPACKET_V3 ring (linux/if_packet.h) become records of a capture file. The ring is mapped into this
 * memory (ffi/afpacket/ring.ts), so frames are read where the kernel wrote them. The kernel is trusted with its own
 * ring, but nothing outside the block is ever read or written: offsets and lengths are checked against its bounds.
 *
 *     memory   … | ring | records
 *     block    version:4 priv:4 status:4 count:4 first:4 length:4 …   status is read and written by TypeScript alone
 *     frame    next:4 sec:4 nsec:4 captured:4 wire:4 status:4 mac:2 net:2 hash:4 tci:4 tpid:2 …   then struct sockaddr_ll
 *     record   sec:4 nsec:4 captured:4 wire:4 bytes
 */

const PAGE_BITS: i32 = 16;
const PAGE: usize = 1 << PAGE_BITS;

const BLOCK_COUNT: usize = 12;
const BLOCK_FIRST: usize = 16;
const BLOCK_LENGTH: usize = 20;

const FRAME_SECONDS: usize = 4;
const FRAME_CAPTURED: usize = 12;
const FRAME_STATUS: usize = 20;
const FRAME_MAC: usize = 24;
const FRAME_TCI: usize = 32;
const FRAME_TPID: usize = 36;
/** struct sockaddr_ll behind the header of a frame. */
const LINK: usize = 48;
const LINK_PROTOCOL: usize = LINK + 2;
const LINK_HATYPE: usize = LINK + 8;
const LINK_PKTTYPE: usize = LINK + 10;
const LINK_HALEN: usize = LINK + 11;
const LINK_ADDRESS: usize = LINK + 12;
const FRAME_HEAD: usize = LINK + 20;

/** TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID */
const VLAN_VALID: u32 = 1 << 4;
const VLAN_TPID_VALID: u32 = 1 << 6;
const TPID_DEFAULT: u32 = 0x8100;
const TAG: u32 = 4;

const PACKET_OUTGOING: u32 = 4;
/** ARPHRD_: of these each packet that is sent comes again as one that is received. */
const LOOPBACK: u32 = 772;
const CAN: u32 = 280;

const RECORD_HEAD: usize = 16;
/** Of LINKTYPE_LINUX_SLL: type:2 ARPHRD:2 length:2 address:8 protocol:2, big-endian. */
const COOKED_HEAD: u32 = 16;
/** Bytes up to which a loop copies faster than a call. */
const SHORT: u32 = 256;

let recordsAt: usize = 0;
let snaplen: u32 = 0;
let isCooked: bool = false;
/** Bytes before which a stripped tag was: in front of the protocol; 0 where the link type has no place for one. */
let tagAt: u32 = 0;

let block: usize = 0;
let blockEnd: usize = 0;
let frame: usize = 0;
let left: u32 = 0;
let packets: u32 = 0;
let lost: u32 = 0;

/** Lays the memory out, once and before anything else; returns the address of the ring, 0 when there is no room. */
export function setUp(ringBytes: usize, recordBytes: usize): usize {
  const ringAt: usize = PAGE;
  recordsAt = ringAt + (ringBytes + PAGE - 1 & ~(PAGE - 1));
  // A copy ends up to 7 bytes behind.
  const pages = <i32> (recordsAt + recordBytes + 8 + PAGE - 1 >> PAGE_BITS) - memory.size();
  return pages > 0 && memory.grow(pages) < 0 ? 0 : ringAt;
}

/** Bytes kept of a packet; whether packets come without their link's header; where a tag belongs, from the frame's start. */
export function setFormat(most: u32, cooked: bool, tagOffset: u32): void {
  snaplen = most;
  isCooked = cooked;
  tagAt = tagOffset;
}

export function recordsAddress(): usize {
  return recordsAt;
}

/** Begins a block that the kernel has given over. */
export function openBlock(at: usize, byteLength: u32): void {
  block = at;
  const length = load<u32>(at, BLOCK_LENGTH);
  blockEnd = at + (length < byteLength ? length : byteLength);
  left = load<u32>(at, BLOCK_COUNT);
  frame = at + load<u32>(at, BLOCK_FIRST);
}

/** Packets of the last takeFrames(). */
export function packetCount(): u32 {
  return packets;
}

/** Frames of the open block that the last takeFrames() could not read. */
export function lostCount(): u32 {
  return lost;
}

/** Frames of the open block that are still to be taken. */
export function framesLeft(): u32 {
  return left;
}

/** Appends records from `offset` on, until the block ends, `byteLength` might not hold the next or `most` are there; returns their end. */
export function takeFrames(offset: usize, byteLength: usize, most: u32): usize {
  let at = recordsAt + offset;
  const end = recordsAt + byteLength;
  const largest = RECORD_HEAD + COOKED_HEAD + TAG + snaplen;
  packets = 0;
  lost = 0;
  while (left > 0 && packets < most && at + largest <= end) {
    if (frame < block || frame > blockEnd - FRAME_HEAD) return giveUp(at);
    const captured = load<u32>(frame, FRAME_CAPTURED);
    const data = frame + load<u16>(frame, FRAME_MAC);
    if (data > blockEnd || captured > <u32> (blockEnd - data)) return giveUp(at);
    if (!isTwin()) {
      at = writeRecord(at, data, captured < snaplen ? captured : snaplen);
      packets++;
    }
    left--;
    const next = load<u32>(frame);
    if (left > 0 && (next < FRAME_HEAD || frame + next < frame)) return giveUp(at);
    frame += next;
  }
  return at - recordsAt;
}

/** The rest of the block cannot be read. */
function giveUp(at: usize): usize {
  lost = left;
  left = 0;
  return at - recordsAt;
}

/** Whether the packet comes once more, as one that is received. */
@inline
function isTwin(): bool {
  if (load<u8>(frame, LINK_PKTTYPE) != PACKET_OUTGOING) return false;
  const hardware = load<u16>(frame, LINK_HATYPE);
  return hardware == LOOPBACK || hardware == CAN;
}

@inline
function writeRecord(at: usize, data: usize, captured: u32): usize {
  const wire = load<u32>(frame, FRAME_CAPTURED + 4);
  const status = load<u32>(frame, FRAME_STATUS);
  const tci = load<u32>(frame, FRAME_TCI);
  store<u64>(at, load<u64>(frame, FRAME_SECONDS));
  const to = at + RECORD_HEAD;
  const head = isCooked ? COOKED_HEAD : 0;
  if (isCooked) writeCookedHead(to);
  let length = head + captured;
  let wireLength = head + wire;
  const isTagged = (tci != 0 || (status & VLAN_VALID) != 0) && tagAt != 0 && length >= tagAt;
  if (isTagged) {
    const tpid = (status & VLAN_TPID_VALID) != 0 ? <u32> load<u16>(frame, FRAME_TPID) : TPID_DEFAULT;
    const tag = swapped(tpid) | swapped(tci) << 16;
    if (isCooked) {
      store<u16>(to + tagAt + TAG, load<u16>(to + tagAt));
      store<u32>(to + tagAt, tag);
      copy(to + head + TAG, data, captured);
    } else {
      copy(to, data, tagAt);
      store<u32>(to + tagAt, tag);
      copy(to + tagAt + TAG, data + tagAt, captured - tagAt);
    }
    length += TAG;
    wireLength += TAG;
  } else {
    copy(to + head, data, captured);
  }
  if (length > snaplen) length = snaplen;
  store<u32>(at, length, 8);
  store<u32>(at, wireLength, 12);
  return to + length;
}

function writeCookedHead(to: usize): void {
  const length = load<u8>(frame, LINK_HALEN);
  store<u16>(to, swapped(load<u8>(frame, LINK_PKTTYPE)));
  store<u16>(to, swapped(load<u16>(frame, LINK_HATYPE)), 2);
  store<u16>(to, swapped(length), 4);
  store<u64>(to, load<u64>(frame, LINK_ADDRESS), 6);
  for (let i: usize = length; i < 8; i++) store<u8>(to + i, 0, 6);
  store<u16>(to, load<u16>(frame, LINK_PROTOCOL), 14);
}

/** May write up to 7 bytes behind, which the next record overwrites. */
@inline
function copy(to: usize, from: usize, length: u32): void {
  if (length > SHORT) {
    memory.copy(to, from, length);
    return;
  }
  for (let i: usize = 0; i < length; i += 8) store<u64>(to + i, load<u64>(from + i));
}

@inline
function swapped(value: u32): u32 {
  return (value & 0xff) << 8 | value >> 8 & 0xff;
}
