/**
 * The beats of each client at a server's port, collected from rows of observations (agent/detect/observation.ts draws them):
 * agent/detect/beacon/beacon.ts judges and tells them, beats.ts is the door to them. A beat is a new connection in which the
 * client says something, or what it says first after a silence in one that stays open. Beats less than a second apart (a
 * page and its pictures) are one.
 */
import {
  application,
  destinationPort,
  durationMs,
  flowId,
  has,
  kind,
  origBytes,
  payloadLength,
  respBytes,
  respPackets,
  sourcePort,
  takeUp,
  timestampUs,
  transport,
} from "../../common/assembly/row";
import {
  KIND_CONTACT,
  KIND_END,
  MARK_IS_DESTINATION_LOCAL,
  MARK_IS_FIRST_PAYLOAD,
  MARK_IS_RESUMED,
  MARK_IS_SOURCE_LOCAL,
  MARK_IS_TO_MANY,
  MARK_SENT_BY_ORIGINATOR,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../../common/row_layout";
import {
  APPLICATIONS,
  BEATS_MIN,
  EXEMPT_APPLICATIONS_AT,
  EXEMPT_PORTS_AT,
  MEMORY_PAGES,
  ROWS_AT,
  S_BEATS,
} from "../beats_layout";
import { grown, judge } from "./imports";
import {
  addBeat,
  addReply,
  addSize,
  findSeries,
  forgottenSeries,
  hasEpisode,
  makeSeries,
  noteDown,
  numberOf,
  useSeries,
} from "./series";

export { forgottenSeries as forgottenCount };

/** Words of the row at which its addresses begin. */
const SOURCE: i32 = 3;
const DESTINATION: i32 = 7;
/** Calls longer than this are connections that stay open: their size says nothing of a beat. */
const CALL_MS_MAX: u32 = 30_000;

/** Makes the memory as large as it ever is; once, before all else. */
export function setUp(): void {
  memory.grow(MEMORY_PAGES - memory.size());
  makeSeries();
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
  if (transport() != TRANSPORT_TCP && transport() != TRANSPORT_UDP) return;
  if (kind() == KIND_END) takeEnd();
  else if (kind() == KIND_CONTACT && has(MARK_IS_FIRST_PAYLOAD | MARK_IS_RESUMED)) {
    if (has(MARK_SENT_BY_ORIGINATOR)) takeCall();
    else takeReply();
  }
}

/** The client says something. */
function takeCall(): void {
  if (has(MARK_IS_DESTINATION_LOCAL | MARK_IS_TO_MANY)) return;
  if (isExempt()) return;
  const isFirst = has(MARK_IS_FIRST_PAYLOAD);
  // A keep-alive repeats one byte at most (RFC 9293 section 3.8.4).
  if (!isFirst && (payloadLength() <= 1 || respPackets() == 0)) return;
  const series = useSeries(SOURCE, DESTINATION, destinationPort());
  const isBeginning = isFirst && durationMs() < CALL_MS_MAX;
  const beganUs = isBeginning ? timestampUs() - <f64> durationMs() * 1000 : timestampUs();
  if (!addBeat(series, beganUs, !isBeginning)) return;
  if (!isBeginning) addSize(series, payloadLength());
  noteDown(series, flowId(), respBytes());
  if (hasEpisode(series)) grown(numberOf(series), timestampUs(), flowId());
  else if (load<i32>(series, S_BEATS << 2) >= BEATS_MIN) {
    judge(numberOf(series), timestampUs(), flowId());
  }
}

/** Whether the protocol is none that beacons use. */
function isExempt(): bool {
  const byApplication = application() < APPLICATIONS && load<u8>(EXEMPT_APPLICATIONS_AT + application()) != 0;
  return byApplication || load<u8>(EXEMPT_PORTS_AT + destinationPort()) != 0;
}

/** The server says something for the first time. */
function takeReply(): void {
  if (has(MARK_IS_SOURCE_LOCAL) || !has(MARK_IS_FIRST_PAYLOAD)) return;
  const series = findSeries(DESTINATION, SOURCE, sourcePort());
  if (series != 0) addReply(series);
}

/** A flow is over: its bytes are known. */
function takeEnd(): void {
  if (has(MARK_IS_DESTINATION_LOCAL) || origBytes() == 0) return;
  const series = findSeries(SOURCE, DESTINATION, destinationPort());
  if (series == 0) return;
  noteDown(series, flowId(), respBytes());
  if (durationMs() < CALL_MS_MAX) addSize(series, origBytes());
}
