/**
 * The flow key of the packet in hand, at KEY_AT, and its hashes; what makes two packets one flow is told in
 * agent/flow/five_tuple.ts.
 */
import {
  F_HIGH_3,
  F_HIGH_REST,
  F_LOW_3,
  F_LOW_REST,
  F_META,
  F_PORTS,
  ICMP_PAIRS_AT,
  KEY_AT,
  KEY_REST,
  KIND_FOREIGN,
  META_HAS_PORTS,
  META_IS_IPV6,
  META_IS_ONE_WAY,
  P_DESTINATION,
  P_DESTINATION_PORT,
  P_IP_PROTOCOL,
  P_IP_VERSION,
  P_IS_FRAGMENT,
  P_KIND,
  P_KEY_DESTINATION_PORT,
  P_KEY_SOURCE_PORT,
  P_SOURCE,
  P_SOURCE_PORT,
  PACKET_AT,
  RECENT_AT,
  RECENT_BITS,
  S_SEED_0,
  S_SEED_1,
  STATE_AT,
} from "../layout";
import { field } from "./words";

const PROTOCOL_ICMP: i32 = 1;
const PROTOCOL_ICMPV6: i32 = 58;
const FINAL_ROUNDS: i32 = 3;

/** True when the packet went from the high to the low end. */
export let isSwapped: bool = false;

export function isKeySwapped(): bool {
  return isSwapped;
}

@inline
export function keyWord(index: i32): i32 {
  return load<i32>(KEY_AT + (index << 2));
}

@inline
function setKeyWord(index: i32, value: i32): void {
  store<i32>(KEY_AT + (index << 2), value);
}

/** Reads the key of a packet with an IP header. */
@inline
export function readKey(): void {
  if (field(P_KIND) == KIND_FOREIGN) readForeignKey();
  else readCommonKey();
}

/** TCP or UDP, and no fragment. */
@inline
function readCommonKey(): void {
  const meta = field(P_IP_PROTOCOL) | META_HAS_PORTS;
  setKey(
    field(P_IP_VERSION) == 6 ? meta | META_IS_IPV6 : meta,
    field(P_SOURCE_PORT),
    field(P_DESTINATION_PORT),
  );
}

function readForeignKey(): void {
  const protocol = field(P_IP_PROTOCOL) & 0xff;
  const isFragment = field(P_IS_FRAGMENT) != 0;
  let source = isFragment ? field(P_KEY_SOURCE_PORT) : field(P_SOURCE_PORT);
  let destination = isFragment ? field(P_KEY_DESTINATION_PORT) : field(P_DESTINATION_PORT);
  let meta = protocol | (field(P_IP_VERSION) == 6 ? META_IS_IPV6 : 0);
  if (source < 0) {
    source = 0;
    destination = 0;
  } else {
    meta |= META_HAS_PORTS;
    if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
      const counterpart = icmpCounterpart(protocol, source);
      if (counterpart < 0) meta |= META_IS_ONE_WAY;
      else destination = counterpart;
    }
  }
  setKey(meta, source, destination);
}

@inline
function setKey(meta: i32, source: i32, destination: i32): void {
  const source3 = field(P_SOURCE + 3);
  const destination3 = field(P_DESTINATION + 3);
  let swapped = source3 > destination3;
  if (source3 == destination3) swapped = isSourceHigher(source, destination);
  if ((meta & META_IS_ONE_WAY) != 0) swapped = false;
  isSwapped = swapped;
  setKeyWord(F_META, meta);
  setKeyWord(F_PORTS, swapped ? destination << 16 | source : source << 16 | destination);
  setKeyWord(F_LOW_3, swapped ? destination3 : source3);
  setKeyWord(F_HIGH_3, swapped ? source3 : destination3);
  if ((meta & META_IS_IPV6) == 0) return;
  if (swapped) readRest(P_DESTINATION, P_SOURCE);
  else readRest(P_SOURCE, P_DESTINATION);
}

function icmpCounterpart(protocol: i32, type: i32): i32 {
  const table = protocol == PROTOCOL_ICMP ? 0 : 512;
  return load<i16>(ICMP_PAIRS_AT + table + ((type & 0xff) << 1));
}

/** Word 3 is equal. Any total order does here, so the words are compared as the signed integers they are. */
function isSourceHigher(sourcePort: i32, destinationPort: i32): bool {
  for (let word = 2; word >= 0; word--) {
    const source = load<i32>(PACKET_AT + (P_SOURCE << 2) + (word << 2));
    const destination = load<i32>(PACKET_AT + (P_DESTINATION << 2) + (word << 2));
    if (source != destination) return source > destination;
  }
  return sourcePort > destinationPort;
}

@inline
function readRest(low: i32, high: i32): void {
  for (let word = 0; word < 3; word++) {
    setKeyWord(KEY_REST + word, field(low + word));
    setKeyWord(KEY_REST + 3 + word, field(high + word));
  }
}

/** True when the flow at `flow` has the key. */
@inline
export function hasKey(flow: usize): bool {
  if (load<i64>(flow) != load<i64>(KEY_AT)) return false;
  if (load<i64>(flow, 8) != load<i64>(KEY_AT, 8)) return false;
  return (keyWord(F_META) & META_IS_IPV6) == 0 || hasRest(flow);
}

function hasRest(flow: usize): bool {
  return load<i64>(flow, F_LOW_REST << 2) == load<i64>(KEY_AT, KEY_REST << 2) &&
    load<i64>(flow, (F_LOW_REST + 2) << 2) == load<i64>(KEY_AT, (KEY_REST + 2) << 2) &&
    load<i64>(flow, (F_LOW_REST + 4) << 2) == load<i64>(KEY_AT, (KEY_REST + 4) << 2);
}

/** Gives the flow at `flow` the key. */
export function putKey(flow: usize): void {
  store<i64>(flow, load<i64>(KEY_AT));
  store<i64>(flow, load<i64>(KEY_AT, 8), 8);
  if ((keyWord(F_META) & META_IS_IPV6) == 0) return;
  for (let word = 0; word < 3; word++) {
    store<i32>(flow + (word << 2), keyWord(KEY_REST + word), F_LOW_REST << 2);
    store<i32>(flow + (word << 2), keyWord(KEY_REST + 3 + word), F_HIGH_REST << 2);
  }
}

/**
 * Address of the hint which flow has the key (its address, 0 is none), so that flows with many packets need neither the
 * keyed hash nor the index. Its own hash is quick and can be made to collide, which costs only the hint: the key is compared.
 */
@inline
export function recentPlace(): usize {
  const mixed = keyWord(F_LOW_3) * <i32> 0x9e3779b1 ^ keyWord(F_HIGH_3) * <i32> 0x85ebca6b ^
    keyWord(F_PORTS);
  return RECENT_AT + ((<u32> (mixed * <i32> 0xc2b2ae35) >> (32 - RECENT_BITS)) << 2);
}

/**
 * HalfSipHash-1-3 (Aumasson and Bernstein 2012; the 32-bit variant, one round a word and three at the end). Without the
 * seed nobody can choose addresses and ports that fall into one place of the table.
 */
export function hashKey(): i32 {
  const count = (keyWord(F_META) & META_IS_IPV6) != 0 ? KEY_REST + 6 : KEY_REST;
  const seed0 = load<i32>(STATE_AT, S_SEED_0 << 2);
  const seed1 = load<i32>(STATE_AT, S_SEED_1 << 2);
  let v0 = seed0;
  let v1 = seed1;
  let v2 = seed0 ^ 0x6c796765;
  let v3 = seed1 ^ 0x74656462;
  for (let i = 0; i < count + FINAL_ROUNDS; i++) {
    const word = i < count ? keyWord(i) : 0;
    if (i == count) v2 ^= 0xff;
    v3 ^= word;
    v0 += v1;
    v1 = rotl<i32>(v1, 5) ^ v0;
    v0 = rotl<i32>(v0, 16);
    v2 += v3;
    v3 = rotl<i32>(v3, 8) ^ v2;
    v0 += v3;
    v3 = rotl<i32>(v3, 7) ^ v0;
    v2 += v1;
    v1 = rotl<i32>(v1, 13) ^ v2;
    v2 = rotl<i32>(v2, 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
