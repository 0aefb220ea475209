/**
 * Protocols whose job it is to be periodic, and those that people log in to: mail clients ask every minute, and quick
 * logins one after the other are brute_force.ts's to judge.
 */
import { Application, type ApplicationName } from "../../records.ts";
import { LOGIN_SERVICES } from "../brute_force/services.ts";

const applications: readonly ApplicationName[] = [
  "dns",
  "mdns",
  "llmnr",
  "nbns",
  "dhcp",
  "dhcpv6",
  "ntp",
  "mqtt",
  "sip",
  "snmp",
  "ssdp",
  "syslog",
  "rtp",
  "radius",
  "wireguard",
  "openvpn",
  "ike",
  "stun",
  "bittorrent",
  "coap",
  "bgp",
];
/** 5228 to 5230: Google's push messages; 5223: Apple's. */
const ports: readonly number[] = [
  ...[53, 67, 68, 123, 137, 138, 161, 500, 514, 853, 1194, 1883, 1900, 3478, 3479, 4500],
  ...[5060, 5061, 5223, 5228, 5229, 5230, 5353, 8883, 19302, 51820],
];

/** Sets to 1 the bytes of applications and of servers' ports whose calls are left alone. */
export function markExempt(byApplication: Uint8Array, byPort: Uint8Array): void {
  for (const name of applications) byApplication[Application[name]] = 1;
  for (const port of ports) byPort[port] = 1;
  for (const service of LOGIN_SERVICES) {
    if (service.application !== "") byApplication[Application[service.application]] = 1;
    for (const port of service.ports) byPort[port] = 1;
  }
}
