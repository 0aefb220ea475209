/**
 * What most TCP flows are, TLS or HTTP, by their first bytes, and queries of DNS. All else is left to
 * agent/decode/signatures_tcp.ts and signatures_udp.ts, which say the same of these; a test holds them together.
 */
import {
  APPLICATION_DNS,
  APPLICATION_HTTP,
  APPLICATION_TLS,
  P_DESTINATION_PORT,
  P_IS_LATER_FRAGMENT,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_PAYLOAD_LENGTH,
  P_PAYLOAD_OFFSET,
  P_TRANSPORT,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../layout";
import { field, read16 } from "./words";

const CHANGE_CIPHER_SPEC: i32 = 20;
const APPLICATION_DATA: i32 = 23;
const RECORD_HEADER_LENGTH: usize = 5;
const RECORD_LENGTH_MAX: i32 = 16384 + 2048;

const DNS_PORT: i32 = 53;
const DNS_HEADER_LENGTH: i32 = 12;

/** As they are read, first character lowest. */
const HTTP: u32 = 0x50545448;
const GET: u32 = 0x20544547;
const POST: u32 = 0x54534f50;
const HEAD: u32 = 0x44414548;
const SPACE: i32 = 0x20;
const LINE_FEED: i32 = 0x0a;
const SLASH: i32 = 0x2f;
const LINE_MAX: usize = 8192;

/** Index of the application of the packet in hand, which has payload; 0 when it may be any. */
export function commonApplication(base: usize): i32 {
  if (isDnsQuery(base)) return APPLICATION_DNS;
  if (field(P_TRANSPORT) != TRANSPORT_TCP || field(P_IS_LATER_FRAGMENT) != 0) return 0;
  const at = base + field(P_PAYLOAD_OFFSET);
  const end = at + field(P_PAYLOAD_CAPTURED_LENGTH);
  if (end - at < RECORD_HEADER_LENGTH + 1) return 0;
  if (isTlsRecord(at)) return APPLICATION_TLS;
  return isHttp(at, end) ? APPLICATION_HTTP : 0;
}

/** A query to port 53 (RFC 1035 section 4.1.1), as isDnsShaped() of agent/decode/dns.ts knows messages. */
export function isDnsQuery(base: usize): bool {
  if (field(P_TRANSPORT) != TRANSPORT_UDP || field(P_DESTINATION_PORT) != DNS_PORT) return false;
  if (field(P_IS_LATER_FRAGMENT) != 0) return false;
  if (field(P_PAYLOAD_CAPTURED_LENGTH) < DNS_HEADER_LENGTH) return false;
  const at = base + field(P_PAYLOAD_OFFSET);
  // QR is 0, and the operation a known one.
  const operation = <i32> load<u8>(at, 2) >> 3;
  if (operation == 3 || operation > 8) return false;
  const questions = read16(at + 4);
  const records = read16(at + 6) + read16(at + 8) + read16(at + 10);
  return questions + records > 0 &&
    DNS_HEADER_LENGTH + questions * 5 + records * 11 <= field(P_PAYLOAD_LENGTH);
}

/** A record's header, as far as it tells (RFC 8446 section 5.1). */
function isTlsRecord(at: usize): bool {
  const type = <i32> load<u8>(at);
  if (type < CHANGE_CIPHER_SPEC || type > APPLICATION_DATA) return false;
  if (load<u8>(at, 1) != 3 || load<u8>(at, 2) > 4) return false;
  const length = read16(at + 3);
  if (length == 0 || length > RECORD_LENGTH_MAX) return false;
  return type != CHANGE_CIPHER_SPEC || length == 1;
}

/** A status line, or a request line of the commonest methods that is there to its end (RFC 9112 sections 3 and 4). */
function isHttp(at: usize, end: usize): bool {
  const word = load<u32>(at);
  if (word == HTTP) return load<u8>(at, 4) == SLASH;
  if (word == GET) return endsWithHttp(at + 3, end);
  return (word == POST || word == HEAD) && load<u8>(at, 4) == SPACE && endsWithHttp(at + 4, end);
}

/** Whether the last word of the line is HTTP's version; `at` is the space behind the method. */
function endsWithHttp(at: usize, end: usize): bool {
  const limit = min(end, at + LINE_MAX);
  let token: usize = at;
  for (let next = at; next < limit; next++) {
    const byte = <i32> load<u8>(next);
    if (byte == SPACE) token = next + 1;
    if (byte != LINE_FEED) continue;
    return token > at + 1 && next - token >= 5 && load<u32>(token) == HTTP;
  }
  return false;
}
