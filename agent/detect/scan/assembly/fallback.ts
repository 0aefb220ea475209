/**
 * Clients that try IPv6 and IPv4 for one name ("happy eyeballs", RFC 8305): where one of them leads nowhere, the connection
 * that is used begins a moment later over the other, from the same machine to the same port. Each connection accounts for one
 * attempt.
 *
 * A machine is known by its MAC address: its connections are remembered by quarters of a second, some of one quarter. Behind a
 * router, or without MAC addresses, it is known by the other address that its attempts are made good from, most of the time (a
 * majority vote, Boyer and Moore 1991): whom the first one meets accounts for none yet.
 *
 *     a ring of 512 connections of 24 bytes      12 KB: a double, when it began; ports; hash of its source; is IPv4, or -1 once
 *                                                it has accounted for an attempt
 *     1,024 companions of 16 bytes               16 KB: hash of an address, of the other one, how sure
 */
import { destinationPort, isIpv4Address, source, timestampUs } from "../../common/assembly/row";
import { TRANSPORT_TCP } from "../../common/row_layout";
import {
  COMPANIONS_AT,
  COMPANIONS_MAX,
  CONNECTIONS_AT,
  CONNECTIONS_MAX,
  P_ENDS,
  P_MAC,
  P_PORT,
  P_START_US,
  RECENT_SET_AT,
} from "../contact_layout";
import { source0 } from "./ends";
import { addTo, hasIn } from "./fingerprints";
import { mix } from "./hashes";
import { macHash } from "./pending";

const quarterUs: f64 = 250_000;
/** Some clients start both at once; most wait 0.25 to 0.3 s, few longer, none more than 2 s (RFC 8305 section 8). */
const quartersBefore: i32 = 2;
const quartersAfter: i32 = 8;
const afterUs: f64 = 2_250_000;
/** One that began before counts as so many times farther away. */
const beforeFactor: f64 = 4;
/** Connections are told when they are used, which is later than they begin. */
const untoldUs: f64 = 10_000_000;
/** So long after somebody's connection over IPv4 another one is expected. */
const lateUs: f64 = 600_000_000;
const connectionsMax: i32 = 16;
const sureMax: i32 = 3;
const CONNECTION: i32 = 0x428a2f98;
const CLAIM: i32 = 0x71374491;
const VERSION: i32 = 0x59f111f1;
const CONNECTION_BYTES: i32 = 24;
const COMPANION_BYTES: i32 = 16;
const CLAIMED: i32 = -1;

/** Connections in the ring so far, and when the newest one over IPv4 began. */
let noted: i32 = 0;
let newestIpv4Us: f64 = -Infinity;

/** The probe's source has used what it connected to. */
export function noteConnection(probe: usize): void {
  const mac = load<i32>(probe, P_MAC << 2);
  const ports = load<i32>(probe, P_PORT << 2);
  const startUs = load<f64>(probe, P_START_US << 2);
  note(mac, load<i32>(probe, P_ENDS << 2), ports, isIpv4Address(probe), startUs);
}

/** The row begins a connection to what its source has used before. */
export function noteConnectionOfRow(): void {
  const ports = destinationPort() << 16 | TRANSPORT_TCP;
  note(macHash(), source0, ports, isIpv4Address(source()), timestampUs());
}

/** Whether the probe, an attempt that failed, was made good over the other version of IP. */
export function hasFallenBack(probe: usize): bool {
  const mac = load<i32>(probe, P_MAC << 2);
  if (mac == 0) return hasCompanionFollowed(probe);
  const ports = load<i32>(probe, P_PORT << 2);
  const quarter = quarterOf(load<f64>(probe, P_START_US << 2));
  const isIpv4 = !isIpv4Address(probe);
  // Most machines that try many have one version of IP.
  if (!hasIn(RECENT_SET_AT, versionKey(mac, isIpv4), mac)) return false;
  for (let after = -quartersBefore; after <= quartersAfter; after++) {
    if (claim(mac, ports, isIpv4, quarter + after)) return true;
  }
  return false;
}

/** Whether the probe's machine is known to have the other version of IP; behind a router, that some machine has IPv4. */
export function mayFallBack(probe: usize): bool {
  const isIpv4 = isIpv4Address(probe);
  const mac = load<i32>(probe, P_MAC << 2);
  if (mac != 0) return hasIn(RECENT_SET_AT, versionKey(mac, !isIpv4), mac);
  return !isIpv4 && load<f64>(probe, P_START_US << 2) - newestIpv4Us < lateUs;
}

function note(mac: i32, hash: i32, ports: i32, isIpv4: bool, startUs: f64): void {
  if (mac == 0) return addToRing(hash, ports, isIpv4, startUs);
  addTo(RECENT_SET_AT, versionKey(mac, isIpv4), mac);
  const quarter = quarterOf(startUs);
  for (let index = 0; index < connectionsMax; index++) {
    const key = keyOf(CONNECTION, mac, isIpv4, quarter, index);
    if (!addTo(RECENT_SET_AT, mix(key, mac, ports), mix(mac, key, ports))) return;
  }
}

function claim(mac: i32, ports: i32, isIpv4: bool, quarter: i32): bool {
  for (let index = 0; index < connectionsMax; index++) {
    const key = keyOf(CONNECTION, mac, isIpv4, quarter, index);
    if (!hasIn(RECENT_SET_AT, mix(key, mac, ports), mix(mac, key, ports))) return false;
    const claimed = keyOf(CLAIM, mac, isIpv4, quarter, index);
    if (!addTo(RECENT_SET_AT, mix(claimed, mac, ports), mix(mac, claimed, ports))) return true;
  }
  return false;
}

function versionKey(mac: i32, isIpv4: bool): i32 {
  return mix(mac, VERSION, <i32> isIpv4);
}

function keyOf(kind: i32, mac: i32, isIpv4: bool, quarter: i32, index: i32): i32 {
  return mix(mac ^ kind, quarter, index << 1 | <i32> isIpv4);
}

function quarterOf(startUs: f64): i32 {
  return <i32> (<i64> (startUs / quarterUs));
}

// ------------------------------------------------ machines that no MAC address tells

function addToRing(hash: i32, ports: i32, isIpv4: bool, startUs: f64): void {
  const at = ringAt(noted++);
  store<f64>(at, startUs);
  store<i32>(at, ports, 8);
  store<i32>(at, hash, 12);
  store<i32>(at, <i32> isIpv4, 16);
  if (isIpv4) newestIpv4Us = startUs;
}

@inline
function ringAt(index: i32): usize {
  return CONNECTIONS_AT + (index & CONNECTIONS_MAX - 1) * CONNECTION_BYTES;
}

/** Whether the companion of the probe's source has connected; learns who that is. */
function hasCompanionFollowed(probe: usize): bool {
  const own = COMPANIONS_AT +
    (load<i32>(probe, P_ENDS << 2) & COMPANIONS_MAX - 1) * COMPANION_BYTES;
  const name = load<i32>(probe, P_ENDS + 1 << 2);
  if (load<i32>(own) != name) {
    store<i32>(own, name);
    store<i32>(own, 0, 8);
  }
  const sure = load<i32>(own, 8);
  if (sure > 0) {
    const followed = findConnection(probe, load<i32>(own, 4), false);
    if (followed != 0) {
      store<i32>(followed, CLAIMED, 16);
      store<i32>(own, min(sureMax, sure + 1), 8);
      return true;
    }
    store<i32>(own, sure - 1, 8);
    if (sure > 1) return false;
  }
  const nearest = findConnection(probe, 0, true);
  if (nearest == 0) return false;
  store<i32>(own, load<i32>(nearest, 12), 4);
  store<i32>(own, 1, 8);
  return false;
}

/** The connection nearest behind the probe that may stand for it, of the source with a hash or of any; 0 without one. */
function findConnection(probe: usize, hash: i32, isAny: bool): usize {
  const startUs = load<f64>(probe, P_START_US << 2);
  const ports = load<i32>(probe, P_PORT << 2);
  const isIpv4 = <i32> !isIpv4Address(probe);
  let found: usize = 0;
  let distanceUs: f64 = afterUs;
  const oldest = max(0, noted - CONNECTIONS_MAX);
  for (let index = noted - 1; index >= oldest; index--) {
    const at = ringAt(index);
    const laterUs = load<f64>(at) - startUs;
    if (laterUs < -untoldUs) break;
    if (load<i32>(at, 16) != isIpv4 || load<i32>(at, 8) != ports) continue;
    if (!isAny && load<i32>(at, 12) != hash) continue;
    const awayUs = laterUs < 0 ? -laterUs * beforeFactor : laterUs;
    if (awayUs > distanceUs) continue;
    found = at;
    distanceUs = awayUs;
  }
  return found;
}
