/**
 * The path of every packet of a batch: decode, count, find its flow, add it to its hosts. What needs strings or objects is
 * asked of TypeScript (imports.ts), which finds the packet in hand at PACKET_AT.
 */
import {
  APPLICATION_DNS,
  APPLICATION_PLACES,
  APPLICATIONS_AT,
  F_COPIES,
  F_KIND,
  F_PACKETS,
  F_WIRE_BYTES,
  KIND_APPLICATION_SHIFT,
  LINKTYPE_ETHERNET,
  P_ARP_OFFSET,
  P_ETHER_TYPE,
  P_PAYLOAD_CAPTURED_LENGTH,
  P_SOURCE_PORT,
  P_STOP_REASON,
  P_TRANSPORT,
  ROW_CAPTURED_LENGTHS_AT,
  ROW_INTERFACE_IDS_AT,
  ROW_LINKTYPES_AT,
  ROW_OFFSETS_AT,
  ROW_TIMESTAMPS_AT,
  ROW_WIRE_LENGTHS_AT,
  S_CAPTURED_BYTES,
  S_IS_NEW,
  S_NEWEST_US,
  S_NOW_US,
  S_OLDEST_US,
  S_SECOND_END_US,
  S_TICK_AT_US,
  S_TURN,
  S_WANTS,
  STATE_AT,
  STOPS_AT,
  TALLY_AT,
  TRANSPORT_COUNT,
  TRANSPORT_FLOWS_AT,
  TURN_IS_CONTINUED,
  TRANSPORT_ICMP,
  TRANSPORT_ICMPV6,
  TRANSPORT_TCP,
  WANTS_BEGINNINGS,
  WANTS_DETAILS,
  WANTS_ROWS,
} from "../layout";
import { commonApplication, isDnsQuery } from "./common_application";
import { decodeCommon } from "./common_packet";
import {
  addToFlow,
  flowAt,
  inspectFlow,
  seeFlowTime,
  settle,
  takeInspection,
  windowEndUs,
} from "./flows";
import { isFollowed, tellSegment } from "./followed";
import { countHosts, directionOfCopy, PASSING } from "./hosts";
import { forgetAnswers, isKnownAnswer } from "./known_answers";
import { setDnsPacket, writeDns } from "./dns_observation";
import { decode, decodeFurther, flowBegan, icmpError, makeRow, secondOver, tick } from "./imports";
import {
  NEIGHBOUR_ADVERTISEMENT,
  NEIGHBOUR_SOLICITATION,
  packetMarks,
  wantsObservations,
  writeArp,
  writeContact,
  writeNdp,
} from "./observations";
import { isBrief, JUMP_PACKETS, setDue } from "./traffic_clock";
import { field, state } from "./words";


/** Further back than this from the next tick, or from the second that is counted, traffic time has jumped. */
const BACK_US: f64 = 2_000_000;
const SECOND_US: f64 = 1_000_000;

/** Packets in a row that are further back: JUMP_PACKETS begin a second of their own, before they may be stragglers. */
let backCount: i32 = 0;

@inline
function wantsRows(): bool {
  return (state(S_WANTS) & WANTS_ROWS) != 0;
}

@inline
function addTo(at: usize, place: i32, value: f64): void {
  const address = at + (place << 3);
  store<f64>(address, load<f64>(address) + value);
}

/** Takes the packets of rows `from` up to `to`, whose index is at ROW_… and whose offsets count from the address `base`. */
export function processRows(base: usize, from: i32, to: i32): void {
  // TypeScript may have set other times.
  setDue(-Infinity);
  for (let row = from; row < to; row++) {
    processPacket(
      base,
      row,
      load<i32>(ROW_OFFSETS_AT + (row << 2)),
      load<u32>(ROW_CAPTURED_LENGTHS_AT + (row << 2)),
      load<u32>(ROW_WIRE_LENGTHS_AT + (row << 2)),
      load<f64>(ROW_TIMESTAMPS_AT + (row << 3)),
      load<u16>(ROW_LINKTYPES_AT + (row << 1)),
      load<u16>(ROW_INTERFACE_IDS_AT + (row << 1)),
    );
  }
}

/** Takes a packet whose bytes are `offset` behind the address `base`; TypeScript is asked of it by its row. */
export function processPacket(
  base: usize,
  row: i32,
  offset: i32,
  capturedLength: u32,
  wireLength: u32,
  timestampUs: f64,
  linktype: i32,
  interfaceId: i32,
): void {
  let isEthernet = linktype == LINKTYPE_ETHERNET;
  let ownLength = wireLength;
  if (!isEthernet || !decodeCommon(base, offset, capturedLength, wireLength)) {
    const own = decode(row);
    if (own != 0) ownLength = own;
    // Behind other link headers may have been a frame.
    if (!isEthernet) isEthernet = field(P_ETHER_TYPE) >= 0;
  }
  const isInTime = isBrief(timestampUs);
  if (isInTime) store<f64>(STATE_AT, timestampUs, S_NEWEST_US << 2);
  else takeTime(timestampUs);
  const stop = field(P_STOP_REASON);
  if (stop != 0) addTo(STOPS_AT, stop, 1);
  addTo(STATE_AT, S_CAPTURED_BYTES >> 1, <f64> capturedLength);
  const wireBytes = <f64> wireLength;
  const recordAt = base + offset;
  const slot = addToFlow(timestampUs, <f64> ownLength, interfaceId, base, recordAt);
  if (!isInTime) finishTime();
  const frameEnd = recordAt + capturedLength;
  const direction = track(base, row, slot, timestampUs, ownLength, isEthernet, frameEnd);
  const transport = field(P_TRANSPORT);
  addTo(TALLY_AT, transport, 1);
  addTo(TALLY_AT, TRANSPORT_COUNT + transport, wireBytes);
  addTo(TALLY_AT, 2 * TRANSPORT_COUNT + direction, wireBytes);
  // The other packets of a frame go to their flows and hosts; what was captured is counted as one.
  while (ownLength != wireLength) {
    ownLength = decodeFurther(row);
    if (ownLength == 0) break;
    const further = addToFlow(timestampUs, <f64> ownLength, interfaceId, base, recordAt);
    track(base, row, further, timestampUs, ownLength, isEthernet, frameEnd);
  }
}

/** What may be due at a packet's time before it is counted. */
function takeTime(timestampUs: f64): void {
  const endUs = load<f64>(STATE_AT, S_SECOND_END_US << 2);
  backCount = timestampUs < endUs - SECOND_US - BACK_US ? backCount + 1 : 0;
  if (timestampUs >= endUs || backCount == JUMP_PACKETS) {
    backCount = 0;
    secondOver(timestampUs);
  }
  seeSpan(timestampUs);
  seeFlowTime(timestampUs);
}

/** And after its flow is known. */
function finishTime(): void {
  const nowUs = load<f64>(STATE_AT, S_NOW_US << 2);
  const tickAtUs = load<f64>(STATE_AT, S_TICK_AT_US << 2);
  // Files may be joined whose times go back.
  if (nowUs >= tickAtUs || nowUs < tickAtUs - BACK_US) tick();
  const endUs = load<f64>(STATE_AT, S_SECOND_END_US << 2);
  const dueUs = min(windowEndUs(), min(endUs, load<f64>(STATE_AT, S_TICK_AT_US << 2)));
  setDue(backCount == 0 ? dueUs : -Infinity);
}

@inline
function seeSpan(timestampUs: f64): void {
  if (timestampUs > load<f64>(STATE_AT, S_NEWEST_US << 2)) {
    store<f64>(STATE_AT, timestampUs, S_NEWEST_US << 2);
  }
  if (timestampUs < load<f64>(STATE_AT, S_OLDEST_US << 2)) {
    store<f64>(STATE_AT, timestampUs, S_OLDEST_US << 2);
  }
}

/** Takes the packet of the flow in a slot to its hosts; returns its Direction. */
function track(
  base: usize,
  row: i32,
  slot: i32,
  timestampUs: f64,
  wireLength: u32,
  isEthernet: bool,
  frameEnd: usize,
): i32 {
  const wireBytes = <f64> wireLength;
  if (slot < 0) {
    if (slot < -1) return trackCopy(row, -2 - slot, wireBytes);
    if (wantsObservations() && field(P_ARP_OFFSET) >= 0) {
      writeArp(base, frameEnd, timestampUs, isEthernet);
    }
    if (wantsRows()) makeRow(row, -1);
    return PASSING;
  }
  if (state(S_IS_NEW) != 0 && (state(S_TURN) & TURN_IS_CONTINUED) == 0) {
    addTo(TRANSPORT_FLOWS_AT, field(P_TRANSPORT), 1);
    if ((state(S_WANTS) & WANTS_BEGINNINGS) != 0) flowBegan(slot);
  }
  const flow = flowAt(slot);
  const direction = countHosts(base, row, flow, timestampUs, wireBytes);
  const known = applicationOf(flow);
  const hasPayload = field(P_PAYLOAD_CAPTURED_LENGTH) > 0;
  // Over TCP a DNS message may be in any number of segments: TypeScript puts them together.
  const isDnsStream = known == APPLICATION_DNS && field(P_TRANSPORT) == TRANSPORT_TCP;
  if (hasPayload) {
    if (isFollowed(flow)) tellSegment(slot, flow, timestampUs);
    else if (takeInspection(slot) || isDnsStream) look(base, row, slot, isEthernet);
  }
  if (known != 0) chargeApplication(known, 1, wireBytes);
  else if (hasPayload) chargeFlow(flow);
  if (wantsRows()) makeRow(row, slot);
  if (!wantsObservations()) return direction;
  const turn = state(S_TURN);
  if (turn != 0) writeContact(base, flow, timestampUs, wireLength, isEthernet);
  const isDns = known == APPLICATION_DNS || turn != 0 && applicationOf(flow) == APPLICATION_DNS;
  const isDatagram = isDns && field(P_TRANSPORT) != TRANSPORT_TCP;
  if (isDatagram && hasPayload) writeDns(base, flow, timestampUs, isEthernet);
  const transport = field(P_TRANSPORT);
  if (transport == TRANSPORT_ICMPV6 && isNeighbours()) writeNdp(base, flow, timestampUs, isEthernet);
  else if (isIcmpError(transport)) icmpError(row, packetMarks(base, isEthernet));
  return direction;
}

/** A copy is part of what was captured, and of what its application brought; hosts and detectors had the packet before. */
function trackCopy(row: i32, slot: i32, wireBytes: f64): i32 {
  const flow = flowAt(slot);
  const known = applicationOf(flow);
  if (known != 0) chargeApplication(known, 1, wireBytes);
  if (wantsRows()) makeRow(row, slot);
  return directionOfCopy(flow);
}

@inline
function isNeighbours(): bool {
  const type = field(P_SOURCE_PORT);
  return type == NEIGHBOUR_SOLICITATION || type == NEIGHBOUR_ADVERTISEMENT;
}

/** Unreachable, source quench, redirect, time exceeded, parameter problem (RFC 792; RFC 4443 sections 3.1 to 3.4). */
@inline
function isIcmpError(transport: i32): bool {
  const type = field(P_SOURCE_PORT);
  if (transport == TRANSPORT_ICMPV6) return type >= 1 && type <= 4;
  return transport == TRANSPORT_ICMP && (type >= 3 && type <= 5 || type == 11 || type == 12);
}

/** Looks at the payload of a flow that may have more to tell. */
@inline
function look(base: usize, row: i32, slot: i32, isEthernet: bool): void {
  setDnsPacket(base, isEthernet);
  const flow = flowAt(slot);
  const wantsDetails = (state(S_WANTS) & WANTS_DETAILS) != 0;
  const known = applicationOf(flow);
  if (known == 0) {
    const application = commonApplication(base);
    setApplication(flow, application);
    if (application != 0 && !wantsDetails) {
      // A query names no host; its answer may.
      if (application != APPLICATION_DNS) settle(slot);
      return;
    }
  } else if (known == APPLICATION_DNS && !wantsDetails) {
    if (isDnsQuery(base) || isKnownAnswer(base)) return;
  }
  inspectFlow(row, slot);
  // Names were perhaps learnt from an answer whose flow was not known to be DNS.
  if (known == 0 && applicationOf(flow) == APPLICATION_DNS) forgetAnswers();
}

@inline
function applicationOf(flow: usize): i32 {
  return load<u16>(flow, (F_KIND << 2) + (KIND_APPLICATION_SHIFT >> 3));
}

@inline
function setApplication(flow: usize, application: i32): void {
  store<u16>(flow, application, (F_KIND << 2) + (KIND_APPLICATION_SHIFT >> 3));
}

@inline
function chargeApplication(application: i32, packets: f64, bytes: f64): void {
  addTo(APPLICATIONS_AT, application, packets);
  addTo(APPLICATIONS_AT, APPLICATION_PLACES + application, bytes);
}

/** Counts what a flow brought before its application was known, this packet included. */
@inline
function chargeFlow(flow: usize): void {
  const application = applicationOf(flow);
  if (application == 0) return;
  addTo(APPLICATIONS_AT, 2 * APPLICATION_PLACES + application, 1);
  const packets = <f64> load<u32>(flow, F_PACKETS << 2) + <f64> load<u32>(flow, (F_PACKETS + 1) << 2) +
    <f64> load<u32>(flow, F_COPIES << 2) + <f64> load<u32>(flow, (F_COPIES + 1) << 2);
  const bytes = load<f64>(flow, F_WIRE_BYTES << 2) + load<f64>(flow, (F_WIRE_BYTES + 2) << 2);
  chargeApplication(application, packets, bytes);
}
