/**
 * What the guards against false alarms remember of the traffic:
 * - first contacts of the last day, so that a client that tries again is no second probe;
 * - services that accepted someone in the last week, so that an outage is no scan;
 * - addresses that a client has just been told by DNS;
 * - answers that came from another address than was asked, as behind some resolvers;
 * - pairs that exchanged IP packets, whose ARP is upkeep; routers, which ask on behalf of others.
 *
 *     1 + 1 sets of 2^19 places (4 bytes)    4 MB, 260,000 to 390,000 contacts and pairs a generation
 *     1 + 1 sets of 2^17                     1 MB
 *     1 + 1 sets of 2^16                     0.5 MB
 *
 * Whose ends are not named are those of the row; probes are known by the address of their words.
 */
import { destination, destinationPort, source, sourcePort } from "../../common/assembly/row";
import {
  DAY_AT,
  DAY_PLACES,
  DAY_SET_AT,
  DAY_SMALL_AT,
  P_ENDS,
  RECENT_AT,
  RECENT_PLACES,
  RECENT_SET_AT,
  RECENT_SMALL_AT,
  WEEK_AT,
  WEEK_PLACES,
  WEEK_SET_AT,
  WEEK_SMALL_AT,
} from "../contact_layout";
import { destination0, destination1, source0, source1 } from "./ends";
import { addTo, advanceSet, forgottenOf, hasIn, makeSet } from "./fingerprints";
import { hashAddress0, hashAddress1, mix } from "./hashes";

const minuteUs: f64 = 60_000_000;
const dayUs: f64 = 24 * 60 * minuteUs;

/** Sorts of facts that one set holds side by side: taken into the hash, so any numbers will do. */
const CONTACT: i32 = 0x2545f491;
const PAIR: i32 = 0x1b873593;
const FTP: i32 = 0x38b34ae5;
const ROUTER_ADDRESS: i32 = 0x6c8e9cf5;
const SERVICE: i32 = 0x4f1bbcdc;
const RESOLVED: i32 = 0x5be0cd19;
const REPLY: i32 = 0x3c6ef372;
const USED: i32 = 0x510e527f;
const ASKED: i32 = 0x1f83d9ab;

export function makeMemory(): void {
  makeSet(DAY_SET_AT, DAY_AT, DAY_SMALL_AT, DAY_PLACES, dayUs);
  makeSet(WEEK_SET_AT, WEEK_AT, WEEK_SMALL_AT, WEEK_PLACES, 7 * dayUs);
  makeSet(RECENT_SET_AT, RECENT_AT, RECENT_SMALL_AT, RECENT_PLACES, 30 * minuteUs);
}

export function forgottenFacts(): i32 {
  return forgottenOf(DAY_SET_AT) + forgottenOf(WEEK_SET_AT) + forgottenOf(RECENT_SET_AT);
}

export function advanceMemory(nowUs: f64): void {
  advanceSet(DAY_SET_AT, nowUs);
  advanceSet(WEEK_SET_AT, nowUs);
  advanceSet(RECENT_SET_AT, nowUs);
}

/** Remembers that the source tried the port (`portWord` holds port and family); whether it had before. */
export function addContact(portWord: i32): bool {
  return addFact(DAY_SET_AT, portWord, CONTACT);
}

/** The probe's source has used its port: connected to it, or was found in the middle of a connection. */
export function addUsedOf(probe: usize, port: i32): void {
  addFactOf(DAY_SET_AT, probe, port, USED);
}

export function hasUsedOf(probe: usize, port: i32): bool {
  return hasIn(
    DAY_SET_AT,
    mix(end(probe, 0), end(probe, 2) ^ USED, port),
    mix(end(probe, 1), end(probe, 3) ^ USED, port),
  );
}

/** Whether the probe's target has tried the same port (`portWord` as of addContact()) of its source. */
export function hasContactBack(probe: usize, portWord: i32): bool {
  return hasIn(
    DAY_SET_AT,
    mix(end(probe, 2), end(probe, 0) ^ CONTACT, portWord),
    mix(end(probe, 3), end(probe, 1) ^ CONTACT, portWord),
  );
}

/** Whether the row's source has used the destination's port. */
export function hasUsed(): bool {
  return hasFact(DAY_SET_AT, destinationPort(), USED);
}

/** Whether the row's destination has used the source's port, so that the source is its server. */
export function hasServed(): bool {
  const port = sourcePort();
  return hasIn(
    DAY_SET_AT,
    mix(destination0, source0 ^ USED, port),
    mix(destination1, source1 ^ USED, port),
  );
}

/** The row's source has asked someone from its UDP port. */
export function addAsked(): void {
  addTo(RECENT_SET_AT, mix(source0, ASKED, sourcePort()), mix(source1, ASKED, sourcePort()));
}

/** Whether the probe's target has asked someone from the port, so that what comes to it may be an answer. */
export function hasAsked(probe: usize, port: i32): bool {
  return hasIn(RECENT_SET_AT, mix(end(probe, 2), ASKED, port), mix(end(probe, 3), ASKED, port));
}

/** Both ends have exchanged IP packets, or one has tried to. */
export function addPair(): void {
  addFact(DAY_SET_AT, 0, PAIR);
}

export function hasPair(probe: usize): bool {
  return hasPairOf(end(probe, 0), end(probe, 1), end(probe, 2), end(probe, 3)) ||
    hasPairOf(end(probe, 2), end(probe, 3), end(probe, 0), end(probe, 1));
}

/** The source has an FTP control connection with the destination. */
export function addFtp(probe: usize): void {
  addFactOf(DAY_SET_AT, probe, 0, FTP);
}

export function hasFtp(probe: usize): bool {
  return hasIn(
    DAY_SET_AT,
    mix(end(probe, 0), end(probe, 2) ^ FTP, 0),
    mix(end(probe, 1), end(probe, 3) ^ FTP, 0),
  );
}

/** The destination has one with the source. */
export function hasFtpBack(probe: usize): bool {
  return hasIn(
    DAY_SET_AT,
    mix(end(probe, 2), end(probe, 0) ^ FTP, 0),
    mix(end(probe, 3), end(probe, 1) ^ FTP, 0),
  );
}

/** A port of the destination has accepted; `portWord` holds port and transport. */
export function addService(probe: usize, portWord: i32): void {
  addTo(WEEK_SET_AT, mix(end(probe, 2), SERVICE, portWord), mix(end(probe, 3), SERVICE, portWord));
}

export function hasService(probe: usize, portWord: i32): bool {
  return hasIn(
    WEEK_SET_AT,
    mix(end(probe, 2), SERVICE, portWord),
    mix(end(probe, 3), SERVICE, portWord),
  );
}

/** The row's destination was told the address at `address`. */
export function addResolved(address: usize): void {
  addTo(
    RECENT_SET_AT,
    mix(hashAddress0(destination()), hashAddress0(address) ^ RESOLVED, 0),
    mix(hashAddress1(destination()), hashAddress1(address) ^ RESOLVED, 0),
  );
}

export function isResolved(): bool {
  return hasFact(RECENT_SET_AT, 0, RESOLVED);
}

/** A server's port has sent to a client's port without having been asked there. */
export function addReply(): void {
  const ports = destinationPort() << 16 | sourcePort();
  addTo(RECENT_SET_AT, mix(destination0, REPLY, ports), mix(destination1, REPLY, ports));
}

/** Whether some server's `port` has sent to the probe's source at `clientPort`. */
export function hasReply(probe: usize, clientPort: i32, port: i32): bool {
  const ports = clientPort << 16 | port;
  return hasIn(RECENT_SET_AT, mix(end(probe, 0), REPLY, ports), mix(end(probe, 1), REPLY, ports));
}

/** The row's source is a router's own address. */
export function addRouterAddress(): void {
  addTo(
    DAY_SET_AT,
    mix(hashAddress0(source()), ROUTER_ADDRESS, 0),
    mix(hashAddress1(source()), ROUTER_ADDRESS, 0),
  );
}

/** Whether the address with these hashes is a router's own. */
export function hasRouterAddress(hash0: i32, hash1: i32): bool {
  return hasIn(DAY_SET_AT, mix(hash0, ROUTER_ADDRESS, 0), mix(hash1, ROUTER_ADDRESS, 0));
}

/** One of the four hashes of a probe's ends. */
@inline
function end(probe: usize, index: i32): i32 {
  return load<i32>(probe + (P_ENDS + index << 2));
}

function addFact(set: usize, word: i32, fact: i32): bool {
  return addTo(
    set,
    mix(source0, destination0 ^ fact, word),
    mix(source1, destination1 ^ fact, word),
  );
}

function hasFact(set: usize, word: i32, fact: i32): bool {
  return hasIn(
    set,
    mix(source0, destination0 ^ fact, word),
    mix(source1, destination1 ^ fact, word),
  );
}

function addFactOf(set: usize, probe: usize, word: i32, fact: i32): void {
  addTo(
    set,
    mix(end(probe, 0), end(probe, 2) ^ fact, word),
    mix(end(probe, 1), end(probe, 3) ^ fact, word),
  );
}

function hasPairOf(from0: i32, from1: i32, to0: i32, to1: i32): bool {
  return hasIn(DAY_SET_AT, mix(from0, to0 ^ PAIR, 0), mix(from1, to1 ^ PAIR, 0));
}
