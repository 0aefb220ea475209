/** Builds application messages, and packets that carry them, for this folder's tests. */
import { Packet, Transport } from "../records.ts";
import { join, uint16, uint32 } from "./packet_builder.ts";

export interface Carrier {
  readonly transport?: "tcp" | "udp";
  readonly source?: number;
  readonly destination?: number;
  readonly sequence?: number;
  /** Bytes that were captured; the rest is missing. */
  readonly capturedLength?: number;
}

/** A packet that carries `payload`, which stands at `packet.payloadOffset` of `bytes` between other bytes. */
export function carry(
  payload: Uint8Array | string,
  carrier: Carrier = {},
): { readonly bytes: Uint8Array; readonly packet: Packet } {
  const data = typeof payload === "string" ? ascii(payload) : payload;
  const packet = new Packet();
  packet.ipVersion = 4;
  packet.transport = Transport[carrier.transport ?? "tcp"];
  packet.sourcePort = carrier.source ?? 50000;
  packet.destinationPort = carrier.destination ?? 443;
  packet.source3 = 0x0a000000 + packet.sourcePort;
  packet.destination3 = 0x0a000000 + packet.destinationPort;
  packet.tcpSequence = (carrier.sequence ?? 1000) | 0;
  packet.payloadOffset = 54;
  packet.payloadLength = data.length;
  packet.payloadCapturedLength = Math.min(data.length, carrier.capturedLength ?? data.length);
  const bytes = join(
    new Uint8Array(54).fill(0x41),
    data.subarray(0, packet.payloadCapturedLength),
    new Uint8Array(300).fill(0x41),
  );
  return { bytes, packet };
}

/** Characters 0 to 255 as bytes. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Bytes of a string of hexadecimal digits; white space does not count. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (digits) => parseInt(digits, 16));
}

/** Lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---------------------------------------------------------------- DNS

/** A name as labels, without pointers. */
export function encodeName(name: string): Uint8Array {
  const labels = name === "" ? [] : name.split(".").map(ascii);
  return join(...labels.flatMap((label) => [[label.length], label]), [0]);
}

interface DnsFields {
  readonly id?: number;
  readonly flags?: number;
  readonly questions?: readonly Uint8Array[];
  readonly answers?: readonly Uint8Array[];
  /** Instead of the number of answers that there are. */
  readonly answerCount?: number;
}

export function dnsMessage(fields: DnsFields): Uint8Array {
  const questions = fields.questions ?? [];
  const answers = fields.answers ?? [];
  return join(
    uint16(fields.id ?? 0x1234),
    uint16(fields.flags ?? 0x0100),
    uint16(questions.length),
    uint16(fields.answerCount ?? answers.length),
    uint32(0),
    ...questions,
    ...answers,
  );
}

export function dnsQuestion(name: string | Uint8Array, type = 1): Uint8Array {
  return join(typeof name === "string" ? encodeName(name) : name, uint16(type), uint16(1));
}

export function dnsRecord(name: Uint8Array, type: number, data: Uint8Array): Uint8Array {
  return join(name, uint16(type), uint16(1), uint32(60), uint16(data.length), data);
}

// ---------------------------------------------------------------- TLS

interface HelloFields {
  readonly version?: number;
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  readonly ciphers?: readonly number[];
  readonly versions?: readonly number[];
  readonly signatureAlgorithms?: readonly number[];
  /** Further extensions: type and data. */
  readonly extensions?: readonly (readonly [type: number, data: Uint8Array])[];
}

/** A ClientHello with its handshake header. */
export function clientHello(fields: HelloFields = {}): Uint8Array {
  const ciphers = (fields.ciphers ?? [0x1301, 0x1302]).flatMap(uint16);
  const extensions = join(
    ...helloExtensions(fields).map(([type, data]) => {
      return join(uint16(type), uint16(data.length), data);
    }),
  );
  const body = join(
    uint16(fields.version ?? 0x0303),
    new Uint8Array(32).fill(7),
    [0],
    uint16(ciphers.length),
    ciphers,
    [1, 0],
    uint16(extensions.length),
    extensions,
  );
  return join([1, 0], uint16(body.length), body);
}

function helloExtensions(fields: HelloFields): [number, Uint8Array][] {
  const extensions: [number, Uint8Array][] = [];
  if (fields.serverName !== undefined) {
    const name = ascii(fields.serverName);
    const entry = join([0], uint16(name.length), name);
    extensions.push([0, join(uint16(entry.length), entry)]);
  }
  if (fields.alpn) {
    const names = join(...fields.alpn.map((name) => join([name.length], ascii(name))));
    extensions.push([16, join(uint16(names.length), names)]);
  }
  if (fields.versions) {
    const versions = fields.versions.flatMap(uint16);
    extensions.push([43, join([versions.length], versions)]);
  }
  if (fields.signatureAlgorithms) {
    const algorithms = fields.signatureAlgorithms.flatMap(uint16);
    extensions.push([13, join(uint16(algorithms.length), algorithms)]);
  }
  return [
    ...extensions,
    ...(fields.extensions ?? []).map(([type, data]): [number, Uint8Array] => [
      type,
      data,
    ]),
  ];
}

/** A handshake message in records of at most `fragmentLength` bytes. */
export function tlsRecords(handshake: Uint8Array, fragmentLength = 16384): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < handshake.length; at += fragmentLength) {
    const fragment = handshake.subarray(at, at + fragmentLength);
    records.push(join([22, 3, 1], uint16(fragment.length), fragment));
  }
  return join(...records);
}
