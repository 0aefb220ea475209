/**
 * Ports that servers listen on: in the middle of a conversation their owner is taken for the responder. The list is
 * Zeek's likely_server_ports in spirit: the protocols that tapwatch names, and common ones.
 */
import { SERVER_PORTS_BYTES } from "../hot/layout.ts";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "./five_tuple.ts";

// deno-fmt-ignore
const tcpPorts = new Set([
  21, 22, 23, 25, 53, 80, 81, 88, 110, 111, 135, 139, 143, 179, 389, 443, 445, 465, 502, 514, 554, 563, 585, 587, 614,
  631, 636, 853, 989, 990, 992, 993, 995, 1080, 1433, 1521, 1723, 1883, 2049, 3128, 3268, 3306, 3389, 5060, 5061, 5222,
  5223, 5432, 5900, 5985, 6379, 6666, 6667, 6668, 6669, 6697, 8000, 8080, 8443, 8883, 8888, 9200, 20000, 27017,
]);
// deno-fmt-ignore
const udpPorts = new Set([
  53, 67, 68, 69, 88, 111, 123, 137, 138, 161, 162, 389, 443, 500, 514, 546, 547, 1194, 1434, 1701, 1812, 1813, 1900,
  2123, 2152, 3478, 3544, 3702, 4011, 4500, 4789, 5060, 5072, 5353, 5355, 5683, 6081, 51820,
]);

/** True when `port` is one that a server of this IP protocol is likely to have. */
export function isLikelyServerPort(protocol: number, port: number): boolean {
  if (protocol === PROTOCOL_TCP) return tcpPorts.has(port);
  return protocol === PROTOCOL_UDP && udpPorts.has(port);
}

/** A bit for each port, TCP's first: the form in which the hot path has them. */
export const serverPortBits = new Uint8Array(2 * SERVER_PORTS_BYTES);
for (const port of tcpPorts) serverPortBits[port >> 3] |= 1 << (port & 7);
for (const port of udpPorts) serverPortBits[SERVER_PORTS_BYTES + (port >> 3)] |= 1 << (port & 7);
