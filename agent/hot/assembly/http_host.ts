/** The host that an HTTP request asks (RFC 9112 section 3.2), for the detectors; agent/decode/http.ts reads all of its head. */
import { O_HOST_BYTES_MAX, P_PAYLOAD_CAPTURED_LENGTH, P_PAYLOAD_OFFSET } from "../layout";
import { field } from "./words";

/** Clients send it among the first fields. */
const LOOKED_AT_MAX: usize = 1024;
const LINE_FEED: u32 = 0x0a;
const SPACE: u32 = 0x20;
const COLON: u32 = 0x3a;
/** "host", as it is read. */
const HOST: u32 = 0x74736f68;
const TO_LOWER: u32 = 0x20202020;
const NAME_LENGTH: usize = 5;

/** Where the host found last begins. */
let hostAt: usize = 0;

/** Length of the host in the request in hand, port included; 0 where there is none among its first bytes. */
export function findHost(base: usize): i32 {
  const at = base + field(P_PAYLOAD_OFFSET);
  const end = at + min<usize>(<usize> field(P_PAYLOAD_CAPTURED_LENGTH), LOOKED_AT_MAX);
  for (let next = at; next + NAME_LENGTH < end; next++) {
    if (load<u8>(next) != LINE_FEED || !isHost(next + 1)) continue;
    let value = next + 1 + NAME_LENGTH;
    while (value < end && load<u8>(value) == SPACE) value++;
    hostAt = value;
    while (value < end && <u32> load<u8>(value) > SPACE) value++;
    return <i32> min<usize>(value - hostAt, O_HOST_BYTES_MAX);
  }
  return 0;
}

/** Writes it in lower case, zeros behind it up to a whole word. */
export function writeHost(to: usize, length: i32): void {
  for (let index = 0; index < (length + 3 & ~3); index++) {
    const byte = index < length ? <u32> load<u8>(hostAt + index) : 0;
    store<u8>(to + index, byte - 0x41 < 26 ? byte + 0x20 : byte);
  }
}

@inline
function isHost(at: usize): bool {
  return (load<u32>(at) | TO_LOWER) == HOST && load<u8>(at, 4) == COLON;
}
