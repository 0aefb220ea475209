/** Services as findings list them, "10.0.0.2:22" or "[2001:db8::2]:22", and probes that find them. Safe in browsers. */
import type { ScanProbe } from "./records.ts";

/** Probes by which open ports show. */
export const OPENING_PROBES: readonly ScanProbe[] = ["syn", "connect", "udp", "sctp_init"];

export function serviceText(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

export function hostOf(service: string): string {
  return service.slice(0, service.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

export function portOf(service: string): string {
  return service.slice(service.lastIndexOf(":") + 1);
}
