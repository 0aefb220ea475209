/**
 * Protocols whose job it is to be periodic, and those that people log in to: mail clients ask every minute, and quick
 * logins one after the other are brute_force.ts's to judge.
 */
import { Application, type ApplicationName } from "../records.ts";
import { LOGIN_SERVICES } from "./brute_force_services.ts";

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

const exemptApplications = new Uint8Array(256);
const exemptPorts = new Uint8Array(65_536);
for (const name of applications) exemptApplications[Application[name]] = 1;
for (const port of ports) exemptPorts[port] = 1;
for (const service of LOGIN_SERVICES) {
  if (service.application !== "") exemptApplications[Application[service.application]] = 1;
  for (const port of service.ports) exemptPorts[port] = 1;
}

/** Whether calls by a protocol are left alone; `port` is the server's. */
export function isNoBeacon(application: number, port: number): boolean {
  return exemptApplications[application] === 1 || exemptPorts[port] === 1;
}
