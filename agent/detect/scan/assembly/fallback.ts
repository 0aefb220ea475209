/**
 * Clients that try IPv6 and IPv4 for one name ("happy eyeballs", RFC 8305): where one of them leads nowhere, the connection
 * that is used begins a moment later over the other, from the same MAC address to the same port. Each connection
 * accounts for one attempt. They are remembered by quarters of a second, some of one quarter.
 */
import { isIpv4Address } from "../../common/assembly/row";
import { P_MAC, P_PORT, P_START_US, RECENT_SET_AT } from "../contact_layout";
import { addTo, hasIn } from "./fingerprints";
import { mix } from "./hashes";

const quarterUs: f64 = 250_000;
/** Some clients start both at once; most wait 0.25 to 0.3 s, few a second. */
const quartersBefore: i32 = 1;
const quartersAfter: i32 = 4;
const connectionsMax: i32 = 8;
const CONNECTION: i32 = 0x428a2f98;
const CLAIM: i32 = 0x71374491;

/** The probe's source has used what it connected to. */
export function noteConnection(probe: usize): void {
  const mac = load<i32>(probe, P_MAC << 2);
  if (mac == 0) return;
  const quarter = quarterOf(load<f64>(probe, P_START_US << 2));
  noteAt(mac, load<i32>(probe, P_PORT << 2), isIpv4Address(probe), quarter);
}

/** The same of a connection that begins at `startUs` over `ports` from a MAC address with a hash. */
export function noteConnectionAt(mac: i32, ports: i32, isIpv4: bool, startUs: f64): void {
  if (mac != 0) noteAt(mac, ports, isIpv4, quarterOf(startUs));
}

/** Whether the probe, an attempt that failed, was made good over the other version of IP. */
export function hasFallenBack(probe: usize): bool {
  const mac = load<i32>(probe, P_MAC << 2);
  if (mac == 0) return false;
  const ports = load<i32>(probe, P_PORT << 2);
  const quarter = quarterOf(load<f64>(probe, P_START_US << 2));
  const isIpv4 = !isIpv4Address(probe);
  for (let after = -quartersBefore; after <= quartersAfter; after++) {
    if (claim(mac, ports, isIpv4, quarter + after)) return true;
  }
  return false;
}

function noteAt(mac: i32, ports: i32, isIpv4: bool, quarter: i32): void {
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

function keyOf(kind: i32, mac: i32, isIpv4: bool, quarter: i32, index: i32): i32 {
  return mix(mac ^ kind, quarter, index << 1 | <i32> isIpv4);
}

function quarterOf(startUs: f64): i32 {
  return <i32> (<i64> (startUs / quarterUs));
}
