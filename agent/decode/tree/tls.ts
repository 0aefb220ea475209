/** Fields of TLS records, alerts, and of the hellos among handshake messages (RFC 8446 section 4.1, RFC 6066, RFC 7301). */
import { readText, readUint24 } from "../app_text.ts";
import { readUint16 } from "../bytes.ts";
import { isTlsRecord } from "../tls.ts";
import { type FieldBuilder, hex, named } from "./builder.ts";
import {
  tlsAlerts,
  tlsCiphers,
  tlsContentTypes,
  tlsExtensions,
  tlsHandshakeTypes,
  tlsVersions,
} from "./names.ts";

const showVersion = named(tlsVersions, (value) => hex(value, 4));
const showCipher = named(tlsCiphers, (value) => hex(value, 4));

/** Records up to one that does not begin like one. */
export function tlsFields(b: FieldBuilder): string {
  const seen: string[] = [];
  let isEncrypted = false;
  while (b.left > 5 && !b.isCut && isTlsRecord(b.bytes, b.at, b.end)) {
    const type = b.bytes[b.at];
    const length = 5 + readUint16(b.bytes, b.at + 3);
    b.group("tls.record", "Record", length, (record) => {
      record.u8("tls.record.content_type", "Content Type", named(tlsContentTypes));
      record.u16("tls.record.version", "Version", showVersion);
      record.u16("tls.record.length", "Length");
      const text = recordFields(record, type, isEncrypted);
      seen.push(text);
      return text;
    });
    isEncrypted ||= type === 20;
  }
  b.rest("tls.segment_data", "Part of a record that is in other segments");
  return [...new Set(seen)].join(", ");
}

function recordFields(b: FieldBuilder, type: number, isEncrypted: boolean): string {
  const name = tlsContentTypes[type] ?? String(type);
  if (type === 21 && b.left === 2) {
    b.u8("tls.alert_message.level", "Level", named({ 1: "warning", 2: "fatal" }));
    const what = b.u8("tls.alert_message.desc", "Description", named(tlsAlerts));
    return `Alert, ${tlsAlerts[what] ?? what}`;
  }
  if (type === 22 && !isEncrypted && isHandshake(b)) return handshakes(b);
  b.rest(
    type === 20 ? "tls.change_cipher_spec" : "tls.app_data",
    type === 20 ? "Message" : "Encrypted data",
  );
  return type === 22 ? "Encrypted Handshake Message" : name;
}

/** A message whose type and length can be such; what is encrypted seldom begins like one. */
function isHandshake(b: FieldBuilder): boolean {
  return b.left >= 4 && tlsHandshakeTypes[b.bytes[b.at]] !== undefined &&
    readUint24(b.bytes, b.at + 1) <= 0x1_0000;
}

function handshakes(b: FieldBuilder): string {
  const seen: string[] = [];
  while (!b.isCut && isHandshake(b)) {
    const type = b.bytes[b.at];
    b.group("tls.handshake", "Handshake", 4 + readUint24(b.bytes, b.at + 1), (message) => {
      message.u8("tls.handshake.type", "Handshake Type", named(tlsHandshakeTypes));
      message.u24("tls.handshake.length", "Length");
      const server = type === 1 || type === 2 ? helloFields(message, type === 1) : "";
      message.rest("tls.handshake.data", "Data");
      const text = tlsHandshakeTypes[type] + (server === "" ? "" : ` to ${server}`);
      seen.push(text);
      return text;
    });
  }
  b.rest("tls.handshake.fragment", "Part of a message");
  return seen.join(", ");
}

/** The server's name, "" without one. */
function helloFields(b: FieldBuilder, isClient: boolean): string {
  b.u16("tls.handshake.version", "Version", showVersion);
  b.hex("tls.handshake.random", "Random", 32);
  const idLength = b.u8("tls.handshake.session_id_length", "Session ID Length");
  if (idLength > 0) b.hex("tls.handshake.session_id", "Session ID", idLength);
  if (isClient) {
    const length = b.u16("tls.handshake.cipher_suites_length", "Cipher Suites Length");
    b.group("tls.handshake.ciphersuites", "Cipher Suites", Math.max(0, length), (inner) => {
      while (inner.left >= 2 && !inner.isCut) {
        inner.u16("tls.handshake.ciphersuite", "Cipher Suite", showCipher);
      }
      return `${length >> 1} suites`;
    });
    const methods = b.u8("tls.handshake.comp_methods_length", "Compression Methods Length");
    b.hex("tls.handshake.comp_methods", "Compression Methods", Math.max(0, methods));
  } else {
    b.u16("tls.handshake.ciphersuite", "Cipher Suite", showCipher);
    b.u8("tls.handshake.comp_method", "Compression Method", named({ 0: "null" }));
  }
  if (b.left < 2) return "";
  b.u16("tls.handshake.extensions_length", "Extensions Length");
  let server = "";
  while (b.left >= 4 && !b.isCut) server = extensionField(b, isClient) || server;
  return server;
}

function extensionField(b: FieldBuilder, isClient: boolean): string {
  const type = readUint16(b.bytes, b.at);
  let server = "";
  b.group("tls.handshake.extension", "Extension", 4 + readUint16(b.bytes, b.at + 2), (inner) => {
    inner.u16("tls.handshake.extension.type", "Type", named(tlsExtensions));
    inner.u16("tls.handshake.extension.len", "Length");
    const text = extensionBody(inner, type, isClient);
    if (type === 0) server = text;
    inner.rest("tls.handshake.extension.data", "Data");
    const name = tlsExtensions[type] ?? (isGrease(type) ? "GREASE" : String(type));
    return text === "" ? name : `${name}, ${text}`;
  });
  return server;
}

/** RFC 8701: values that mean nothing. */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

function extensionBody(b: FieldBuilder, type: number, isClient: boolean): string {
  switch (type) {
    case 0:
      return isClient && b.left > 0 ? serverName(b) : "";
    case 10:
      b.u16("tls.handshake.extensions_supported_groups_length", "Supported Groups List Length");
      return list(b, "tls.handshake.extensions_supported_group", "Supported Group");
    case 13:
      b.u16("tls.handshake.sig_hash_alg_len", "Signature Hash Algorithms Length");
      return list(b, "tls.handshake.sig_hash_alg", "Signature Algorithm");
    case 16:
      return protocols(b);
    case 43:
      if (isClient) {
        b.u8("tls.handshake.extensions.supported_versions_len", "Supported Versions length");
      }
      while (b.left >= 2 && !b.isCut) {
        b.u16("tls.handshake.extensions.supported_version", "Supported Version", showVersion);
      }
      return "";
    default:
      return "";
  }
}

function serverName(b: FieldBuilder): string {
  b.u16("tls.handshake.extensions_server_name_list_len", "Server Name list length");
  b.u8("tls.handshake.extensions_server_name_type", "Server Name Type", named({ 0: "host_name" }));
  const length = b.u16("tls.handshake.extensions_server_name_len", "Server Name length");
  const text = readText(b.bytes, b.at, Math.min(b.end, b.at + Math.max(0, length)), 255);
  return b.text("tls.handshake.extensions_server_name", "Server Name", length) ? text : "";
}

function list(b: FieldBuilder, name: string, label: string): string {
  while (b.left >= 2 && !b.isCut) b.u16(name, label, (value) => hex(value, 4));
  return "";
}

function protocols(b: FieldBuilder): string {
  const seen: string[] = [];
  b.u16("tls.handshake.extensions_alpn_len", "ALPN Extension Length");
  while (b.left > 0 && !b.isCut) {
    const length = b.u8("tls.handshake.extensions_alpn_str_len", "ALPN string length");
    seen.push(readText(b.bytes, b.at, Math.min(b.end, b.at + length), 64));
    b.text("tls.handshake.extensions_alpn_str", "ALPN Next Protocol", length);
  }
  return seen.join(", ");
}
