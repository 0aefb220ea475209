/**
 * One line of text per packet, as the `decode` command prints it: the outermost IP layer in the columns, and the
 * innermost name known for the packet. A column that does not apply is empty.
 */
import {
  APPLICATION_NAMES,
  type ApplicationDetails,
  LAYER_NAMES,
  type Packet,
  TRANSPORT_NAMES,
} from "../records.ts";
import { formatIpv4, formatIpv6 } from "./addresses.ts";

/** Names of the columns, in order. */
export const TSV_COLUMNS = [
  "number",
  "time_epoch",
  "length",
  "captured_length",
  "eth_type",
  "vlan",
  "ip_version",
  "src",
  "dst",
  "ip_proto",
  "src_port",
  "dst_port",
  "tcp_flags",
  "protocol",
  "dns_query",
  "tls_sni",
  "http_host",
] as const;

/** First line of the output. */
export const TSV_HEADER = TSV_COLUMNS.join("\t") + "\n";

/** What a line is made of. */
export interface TsvRow {
  /** Counts from 1. */
  number: number;
  timestampUs: number;
  /** Nanoseconds after the microsecond. */
  nanoseconds: number;
  wireLength: number;
  capturedLength: number;
  /** What the packet's offsets point into. */
  bytes: Uint8Array;
  packet: Packet;
  /** Index into APPLICATION_NAMES. */
  application: number;
  names: ApplicationDetails | null;
}

const IP_PROTOCOL_TCP = 6;
const IP_PROTOCOL_UDP = 17;

/** The line, newline included. */
export function formatTsvRow(row: TsvRow): string {
  const { packet, names } = row;
  const hasPorts = packet.outerIpProtocol === IP_PROTOCOL_TCP ||
    packet.outerIpProtocol === IP_PROTOCOL_UDP;
  return row.number + "\t" + formatTime(row.timestampUs, row.nanoseconds) + "\t" +
    row.wireLength + "\t" + row.capturedLength + "\t" +
    formatHex(packet.etherType) + "\t" + formatNumber(packet.vlanId) + "\t" +
    (packet.outerIpVersion || "") + "\t" +
    formatAddress(row, packet.outerSourceOffset) + "\t" +
    formatAddress(row, packet.outerDestinationOffset) + "\t" +
    formatNumber(packet.outerIpProtocol) + "\t" +
    (hasPorts ? formatNumber(packet.outerSourcePort) : "") + "\t" +
    (hasPorts ? formatNumber(packet.outerDestinationPort) : "") + "\t" +
    formatHex(packet.outerTcpFlags) + "\t" + protocolName(packet, row.application) + "\t" +
    escapeText(names?.dns?.queryName) + "\t" + escapeText(names?.tls?.serverName) + "\t" +
    escapeText(names?.http?.host) + "\n";
}

/** Seconds since 1970 with nine decimals. */
export function formatTime(timestampUs: number, nanoseconds: number): string {
  const seconds = Math.floor(timestampUs / 1e6);
  const microseconds = timestampUs - seconds * 1e6;
  return seconds + "." + String(microseconds * 1000 + nanoseconds).padStart(9, "0");
}

/** Name of the highest layer known. */
function protocolName(packet: Packet, application: number): string {
  if (application > 0) return UPPER_APPLICATION_NAMES[application];
  if (packet.transport > 0) return UPPER_TRANSPORT_NAMES[packet.transport];
  if (packet.ipVersion > 0) return "IPV" + packet.ipVersion;
  return UPPER_LAYER_NAMES[packet.stopLayer];
}

const UPPER_APPLICATION_NAMES = APPLICATION_NAMES.map((name) => name.toUpperCase());
const UPPER_TRANSPORT_NAMES = TRANSPORT_NAMES.map((name) => name.toUpperCase());
const UPPER_LAYER_NAMES = LAYER_NAMES.map((name) => name.toUpperCase());

function formatNumber(value: number): string {
  return value < 0 ? "" : String(value);
}

function formatHex(value: number): string {
  return value < 0 ? "" : "0x" + value.toString(16).padStart(4, "0");
}

function formatAddress(row: TsvRow, at: number): string {
  if (at < 0) return "";
  return row.packet.outerIpVersion === 4 ? formatIpv4(row.bytes, at) : formatIpv6(row.bytes, at);
}

// deno-lint-ignore no-control-regex -- these are what would break a line or a terminal
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

/** Control characters as `\t`, `\n`, `\r` or `\xHH`. */
function escapeText(text: string | undefined): string {
  return text === undefined ? "" : text.replace(CONTROL, escapeCharacter);
}

function escapeCharacter(character: string): string {
  if (character === "\t") return "\\t";
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  return "\\x" + character.charCodeAt(0).toString(16).padStart(2, "0");
}
