/**
 * What each host did in the window in progress, counted from rows of observations (agent/detect/observation.ts draws them):
 * agent/detect/anomaly/host_activity.ts is the door to it.
 */
import {
  APPLICATION_FTP,
  KIND_ARP,
  KIND_CONTACT,
  KIND_DNS,
  KIND_HOST_WINDOW,
  KIND_ICMP_ERROR,
  MARK_IS_CONTINUED,
  MARK_IS_FIRST_IN_WINDOW,
  MARK_IS_FIRST_OF_SIDE,
  MARK_IS_LINK_BROADCAST,
  MARK_IS_NEW,
  MARK_IS_TO_MANY,
  MARK_SENT_BY_ORIGINATOR,
  TRANSPORT_DCCP,
  TRANSPORT_ICMP,
  TRANSPORT_ICMPV6,
  TRANSPORT_SCTP,
  TRANSPORT_TCP,
  TRANSPORT_UDP,
} from "../../common/row_layout";
import {
  C_ACCEPTED,
  C_ACCEPTED_IN,
  C_ARP_ANSWERED,
  C_ARP_ASKED,
  C_ARP_IN,
  C_ARP_OUT,
  C_BYTES_IN,
  C_BYTES_OUT,
  C_DNS_NAME_BYTES,
  C_DNS_NAMES,
  C_DNS_NXDOMAIN,
  C_DNS_QUERIES,
  C_DNS_RESPONSES,
  C_FIRST_CONTACTS,
  C_OPENED,
  C_PACKETS_IN,
  C_PACKETS_OUT,
  C_PEERS_IN,
  C_PEERS_OUT,
  C_PORTS_IN,
  C_PORTS_OUT,
  C_RECEIVED,
  C_REFUSED,
  C_REFUSED_IN,
  C_TARGETS_OUT,
  MEMORY_PAGES,
  PACKETS_MIN,
  ROWS_AT,
} from "../activity_layout";
import { haveFtp, noteFtp } from "./ftp";
import { hashAddress, hashWords } from "./hashes";
import {
  add,
  clear,
  count,
  enter,
  hostCount,
  isBegun,
  isDifferent,
  keepFlow,
  keepPeer,
  LINK,
  makeHosts,
  setCount,
  windowNumber,
} from "./hosts";
import { forgottenPairs, makePeerMemory, meet } from "./peer_memory";
import { findSlot, forgottenSlots, makeSlots } from "./slots";

export { clear, hostCount };

const TCP_RESET: i32 = 0x04;
/** Ports that are agreed on are no system ports. */
const AGREED_PORTS_FROM: u32 = 1024;
const ICMP_UNREACHABLE: i32 = 3;
const ICMPV6_UNREACHABLE: i32 = 1;
const ECHO_REQUEST: i32 = 8;
const ECHO_REPLY: i32 = 0;
const ECHO_REQUEST_V6: i32 = 128;
const ECHO_REPLY_V6: i32 = 129;
/** Bytes from the start of a row. */
const SOURCE: i32 = 3 << 2;
const DESTINATION: i32 = 7 << 2;

/** What a fingerprint is of. */
const PEER_OUT: i32 = 1;
const PORT_OUT: i32 = 2;
const TARGET_OUT: i32 = 3;
const PEER_IN: i32 = 4;
const PORT_IN: i32 = 5;
const ASKED_BY_ARP: i32 = 6;
const NAME: i32 = 7;
const FTP_FILE: i32 = 8;
const FTP_ANSWER: i32 = 9;

/** Makes the memory as large as it ever is, and what is in it; once, before all else. */
export function setUp(): void {
  memory.grow(MEMORY_PAGES - memory.size());
  makeSlots();
  makeHosts();
  makePeerMemory();
}

/** Entries that a full table forgot. */
export function forgottenCount(): f64 {
  return <f64> forgottenSlots() + forgottenPairs();
}

/** Takes the whole rows in the first `length` words from ROWS_AT on; returns how many words they have. */
export function takeRows(length: i32): i32 {
  const end: usize = ROWS_AT + (length << 2);
  let row: usize = ROWS_AT;
  while (row < end) {
    const head = load<u32>(row);
    const next = row + (head >> 16 << 2);
    if (next > end) break;
    takeRow(row, <i32> (head & 0xff));
    row = next;
  }
  return <i32> (row - ROWS_AT) >> 2;
}

/** Time of the newest row, volumes apart. */
let newest: f64 = -Infinity;

export function newestUs(): f64 {
  return newest;
}

function takeRow(row: usize, kind: i32): void {
  if (kind != KIND_HOST_WINDOW) newest = max(newest, timeOf(row));
  if (kind == KIND_CONTACT) contact(row);
  else if (kind == KIND_DNS) dns(row);
  else if (kind == KIND_HOST_WINDOW) volumes(row);
  else if (kind == KIND_ARP) arp(row);
  else if (kind == KIND_ICMP_ERROR) icmpError(row);
}

@inline
function word(row: usize, index: i32): u32 {
  return load<u32>(row + (index << 2));
}

@inline
function timeOf(row: usize): f64 {
  return <f64> word(row, 1) * 1e6 + <f64> <i32> word(row, 2);
}

@inline
function marksOf(row: usize): u32 {
  return word(row, 13);
}

@inline
function transportOf(row: usize): i32 {
  return <i32> load<u8>(row, 1);
}

@inline
function sourcePortOf(row: usize): i32 {
  return <i32> (word(row, 11) >> 16);
}

function contact(row: usize): void {
  const marks = marksOf(row);
  if (word(row, 23) >> 16 == APPLICATION_FTP) noteFtp(pairOf(row), windowNumber());
  const isTold = MARK_IS_NEW | MARK_IS_FIRST_OF_SIDE | MARK_IS_FIRST_IN_WINDOW;
  if ((marks & isTold) == 0 || (marks & (MARK_IS_TO_MANY | MARK_IS_LINK_BROADCAST)) != 0) return;
  if (!isConnection(row)) return;
  const sourceHash = hashAddress(row + SOURCE);
  const destinationHash = hashAddress(row + DESTINATION);
  const source = enter(row + SOURCE, sourceHash);
  const destination = enter(row + DESTINATION, destinationHash);
  const isOut = (marks & MARK_SENT_BY_ORIGINATOR) != 0;
  const originator = isOut ? source : destination;
  const responder = isOut ? destination : source;
  const pair = sourceHash + destinationHash;
  const isFile = isFtpFile(row, isOut, pair);
  const isNew = (marks & (MARK_IS_NEW | MARK_IS_CONTINUED)) == MARK_IS_NEW;
  if (isNew && (!isFile || isDifferent(LINK, FTP_FILE, pair, 0))) {
    if (isOut) opened(row, originator, responder, true, sourceHash, destinationHash);
    else opened(row, originator, responder, false, destinationHash, sourceHash);
  }
  const isAnswer = !isOut && (marks & MARK_IS_FIRST_OF_SIDE) != 0;
  if (isAnswer && (!isFile || isDifferent(LINK, FTP_ANSWER, pair, 0))) {
    const isRefusal = transportOf(row) == TRANSPORT_TCP && (word(row, 14) >> 16 & TCP_RESET) != 0;
    answered(originator, responder, isRefusal);
  }
  if ((marks & (MARK_IS_NEW | MARK_IS_FIRST_IN_WINDOW)) != 0) {
    keepFlow(originator, word(row, 12));
    keepFlow(responder, word(row, 12));
  }
}

/** The same for both directions. */
@inline
function pairOf(row: usize): u64 {
  return hashAddress(row + SOURCE) + hashAddress(row + DESTINATION);
}

/** Whether it is a connection for a file by FTP: all of a pair count as one in a window. */
function isFtpFile(row: usize, isOut: bool, pair: u64): bool {
  if (transportOf(row) != TRANSPORT_TCP || responderPort(row, isOut) < AGREED_PORTS_FROM) return false;
  return haveFtp(pair, windowNumber());
}

@inline
function responderPort(row: usize, isOut: bool): u32 {
  return isOut ? word(row, 11) & 0xffff : word(row, 11) >> 16;
}

function opened(
  row: usize,
  originator: i32,
  responder: i32,
  isOut: bool,
  originatorHash: u64,
  responderHash: u64,
): void {
  const originatorAddress = row + (isOut ? SOURCE : DESTINATION);
  const responderAddress = row + (isOut ? DESTINATION : SOURCE);
  const port = responderPort(row, isOut);
  const protocolPort = transportOf(row) << 16 | (hasPorts(row) ? <i32> port : 0);
  // Forged sources are left out, lest they push everyone out of the memory.
  const isFirst = originator >= 0 && meet(originatorHash, responderHash);
  countDifferent(LINK, PORT_OUT, 0, protocolPort, C_PORTS_OUT);
  count(LINK, C_OPENED);
  if (isFirst) count(LINK, C_FIRST_CONTACTS);
  if (originator >= 0) {
    count(originator, C_OPENED);
    if (isFirst) count(originator, C_FIRST_CONTACTS);
    countDifferent(originator, PEER_OUT, responderHash, 0, C_PEERS_OUT);
    countDifferent(originator, PORT_OUT, 0, protocolPort, C_PORTS_OUT);
    countDifferent(originator, TARGET_OUT, responderHash, protocolPort, C_TARGETS_OUT);
    keepPeer(originator, responderAddress);
  }
  if (responder >= 0) {
    count(responder, C_RECEIVED);
    countDifferent(responder, PEER_IN, originatorHash, 0, C_PEERS_IN);
    countDifferent(responder, PORT_IN, 0, protocolPort, C_PORTS_IN);
    keepPeer(responder, originatorAddress);
  }
}

function answered(originator: i32, responder: i32, isRefusal: bool): void {
  const out = isRefusal ? C_REFUSED : C_ACCEPTED;
  count(LINK, out);
  if (originator >= 0) count(originator, out);
  if (responder >= 0) count(responder, isRefusal ? C_REFUSED_IN : C_ACCEPTED_IN);
}

/** Source and destination are those of the packet that was refused. */
function icmpError(row: usize): void {
  const transport = transportOf(row);
  const icmpType = <i32> (word(row, 15) >> 8 & 0xff);
  const isV4 = word(row, 5) == 0xffff && word(row, 4) == 0;
  const isRefusal = icmpType == (isV4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE) &&
    transport != TRANSPORT_ICMP && transport != TRANSPORT_ICMPV6;
  if (!isRefusal) return;
  const source = findSlot(row + SOURCE, hashAddress(row + SOURCE));
  const destination = findSlot(row + DESTINATION, hashAddress(row + DESTINATION));
  count(LINK, C_REFUSED);
  if (isBegun(source)) count(source, C_REFUSED);
  if (isBegun(destination)) count(destination, C_REFUSED_IN);
}

function arp(row: usize): void {
  const targetHash = hashAddress(row + DESTINATION);
  const source = enter(row + SOURCE, hashAddress(row + SOURCE));
  const target = enter(row + DESTINATION, targetHash);
  if (source < 0 || target < 0 || source == target) return;
  count(source, C_ARP_OUT);
  count(target, C_ARP_IN);
  if (word(row, 14) == 2) {
    count(target, C_ARP_ANSWERED);
    count(LINK, C_ARP_ANSWERED);
    return;
  }
  if (!isDifferent(source, ASKED_BY_ARP, targetHash, 0)) return;
  count(source, C_ARP_ASKED);
  count(LINK, C_ARP_ASKED);
  countDifferent(source, PEER_OUT, targetHash, 0, C_PEERS_OUT);
}

function dns(row: usize): void {
  if ((marksOf(row) & MARK_IS_TO_MANY) != 0) return;
  const described = word(row, 14);
  const isResponse = described >> 31 != 0;
  const address = row + (isResponse ? DESTINATION : SOURCE);
  const host = enter(address, hashAddress(address));
  if (host < 0) return;
  if (isResponse) {
    const isNxdomain = (described >> 24 & 0xf) == 3;
    countBoth(host, C_DNS_RESPONSES, 1);
    if (isNxdomain) countBoth(host, C_DNS_NXDOMAIN, 1);
    return;
  }
  const nameLength = described >> 16 & 0xff;
  countBoth(host, C_DNS_QUERIES, 1);
  countBoth(host, C_DNS_NAME_BYTES, nameLength);
  const name = hashWords(row + (16 << 2), nameLength + 3 >> 2);
  // Names that several hosts ask for count for each.
  if (isDifferent(host, NAME, name, 0)) countBoth(host, C_DNS_NAMES, 1);
}

@inline
function countBoth(host: i32, counter: i32, more: f64): void {
  count(host, counter, more);
  count(LINK, counter, more);
}

function volumes(row: usize): void {
  const packetsOut = <f64> word(row, 14);
  const packetsIn = <f64> word(row, 15);
  const bytesOut = wide(row, 16);
  count(LINK, C_PACKETS_OUT, packetsOut);
  count(LINK, C_BYTES_OUT, bytesOut);
  // Nobody with fewer packets is judged, so nobody has to leave for it.
  const isWorthIt = packetsOut + packetsIn >= PACKETS_MIN;
  const hash = hashAddress(row + SOURCE);
  const slot = isWorthIt ? add(row + SOURCE, hash) : findSlot(row + SOURCE, hash);
  if (!isBegun(slot)) return;
  setCount(slot, C_PACKETS_OUT, packetsOut);
  setCount(slot, C_PACKETS_IN, packetsIn);
  setCount(slot, C_BYTES_OUT, bytesOut);
  setCount(slot, C_BYTES_IN, wide(row, 18));
}

/** A number of two words, the upper one first. */
@inline
function wide(row: usize, index: i32): f64 {
  return <f64> word(row, index) * 4294967296 + <f64> word(row, index + 1);
}

function countDifferent(slot: i32, kind: i32, hash: u64, number: i32, counter: i32): void {
  if (isDifferent(slot, kind, hash, number)) count(slot, counter);
}

function hasPorts(row: usize): bool {
  const transport = transportOf(row);
  return transport == TRANSPORT_TCP || transport == TRANSPORT_UDP ||
    transport == TRANSPORT_SCTP || transport == TRANSPORT_DCCP;
}

/** Everything but ICMP that is no echo: errors and neighbour discovery open nothing. */
function isConnection(row: usize): bool {
  const transport = transportOf(row);
  const icmpType = sourcePortOf(row);
  if (transport == TRANSPORT_ICMP) return icmpType == ECHO_REQUEST || icmpType == ECHO_REPLY;
  if (transport != TRANSPORT_ICMPV6) return true;
  return icmpType == ECHO_REQUEST_V6 || icmpType == ECHO_REPLY_V6;
}
