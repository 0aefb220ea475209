/** Fields of DNS messages (RFC 1035), as mDNS and LLMNR use them too. */
import { formatIpv4, formatIpv6 } from "../addresses.ts";
import { readText } from "../app_text.ts";
import { readUint16 } from "../bytes.ts";
import { dnsNameLengthMax, dnsTypeName, expandDnsName, expandedName, skipDnsName } from "../dns.ts";
import { bit, type FieldBuilder, hex, named } from "./builder.ts";

const opcodes = { 0: "standard query", 1: "inverse query", 2: "status", 4: "notify", 5: "update" };
const rcodes = {
  0: "no error",
  1: "format error",
  2: "server failure",
  3: "no such name",
  4: "not implemented",
  5: "refused",
};
const classes = { 1: "IN", 3: "CH", 255: "ANY" };
const showType = (type: number) => `${type} (${dnsTypeName(type)})`;

/** `b` holds the message from its first byte on: pointers in names count from there. */
export function dnsFields(b: FieldBuilder): string {
  const start = b.at;
  b.u16("dns.id", "Transaction ID", (value) => hex(value, 4));
  const flags = flagFields(b);
  const counts = [
    b.u16("dns.count.queries", "Questions"),
    b.u16("dns.count.answers", "Answer RRs"),
    b.u16("dns.count.auth_rr", "Authority RRs"),
    b.u16("dns.count.add_rr", "Additional RRs"),
  ];
  if (counts[3] < 0) return "";
  let summary = "";
  for (let i = 0; i < counts[0] && !b.isCut; i++) {
    const question = questionFields(b, start);
    if (i === 0) summary = question;
  }
  for (const [index, label] of ["Answer", "Authority", "Additional"].entries()) {
    for (let i = 0; i < counts[index + 1] && !b.isCut; i++) recordFields(b, start, label);
  }
  const isResponse = (flags & 0x8000) !== 0;
  return `${isResponse ? "response" : "query"}${summary === "" ? "" : `, ${summary}`}`;
}

function flagFields(b: FieldBuilder): number {
  if (b.left < 2) {
    b.add("dns.flags", "Flags", 2, "");
    return 0;
  }
  const { at } = b;
  const flags = readUint16(b.bytes, at);
  const isResponse = (flags & 0x8000) !== 0;
  b.group("dns.flags", "Flags", 2, (inner) => {
    const mark = (name: string, label: string, value: string) =>
      inner.mark(`dns.flags.${name}`, label, at, 2, value);
    mark("response", "Response", `${flags >> 15} (${isResponse ? "response" : "query"})`);
    mark("opcode", "Opcode", named(opcodes)(flags >> 11 & 15));
    if (isResponse) mark("authoritative", "Authoritative", bit(flags, 0x0400));
    mark("truncated", "Truncated", bit(flags, 0x0200));
    mark("recdesired", "Recursion desired", bit(flags, 0x0100));
    if (isResponse) {
      mark("recavail", "Recursion available", bit(flags, 0x0080));
      mark("authenticated", "Answer authenticated", bit(flags, 0x0020));
    }
    mark("checkdisable", "Non-authenticated data", bit(flags, 0x0010));
    if (isResponse) mark("rcode", "Reply code", named(rcodes)(flags & 15));
    return hex(flags, 4);
  });
  return flags;
}

/** The name at the position, which moves behind it; null when it is not good, and then nothing more is read. */
function nameField(b: FieldBuilder, start: number, name: string): string | null {
  const next = skipDnsName(b.bytes, b.at, b.end);
  const text = next < 0 ? null : nameAt(b, start, b.at);
  if (text === null) {
    b.rest(name, "Name that cannot be read");
    b.isCut = true;
    return null;
  }
  b.add(name, "Name", next - b.at, text);
  return text;
}

function nameAt(b: FieldBuilder, start: number, at: number): string | null {
  const length = expandDnsName(b.bytes, start, b.end, at);
  if (length < 0) return null;
  return length === 0 ? "<Root>" : readText(expandedName, 0, length, dnsNameLengthMax);
}

function questionFields(b: FieldBuilder, start: number): string {
  let text = "";
  const length = lengthOfRecord(b, 4);
  b.group("dns.question", "Question", length, (inner) => {
    const name = nameField(inner, start, "dns.qry.name");
    const type = inner.u16("dns.qry.type", "Type", showType);
    inner.u16("dns.qry.class", "Class", named(classes, (value) => hex(value, 4)));
    text = name === null ? "" : `${type < 0 ? "" : `${dnsTypeName(type)} `}${name}`;
    return text;
  });
  return text;
}

/** Bytes of the name and the `fixed` that follow it; all that is left when the name is not good. */
function lengthOfRecord(b: FieldBuilder, fixed: number): number {
  const next = skipDnsName(b.bytes, b.at, b.end);
  if (next < 0) return b.left;
  const isRecord = fixed > 4 && next + fixed <= b.end;
  return next - b.at + fixed + (isRecord ? readUint16(b.bytes, next + fixed - 2) : 0);
}

function recordFields(b: FieldBuilder, start: number, label: string): void {
  b.group("dns.record", label, lengthOfRecord(b, 10), (inner) => {
    const name = nameField(inner, start, "dns.resp.name");
    if (name === null) return "";
    const type = inner.u16("dns.resp.type", "Type", showType);
    if (type === 41) return optFields(inner);
    inner.u16("dns.resp.class", "Class", named(classes, (value) => hex(value, 4)));
    inner.u32("dns.resp.ttl", "Time to live");
    const length = inner.u16("dns.resp.len", "Data length");
    if (length < 0) return name;
    const data = dataField(inner, start, type);
    return `${dnsTypeName(type)} ${name}${data === "" ? "" : `, ${data}`}`;
  });
}

/** EDNS (RFC 6891): the class is the size of UDP datagrams, the time to live holds flags. */
function optFields(b: FieldBuilder): string {
  b.u16("dns.rr.udp_payload_size", "UDP payload size");
  b.u8("dns.resp.ext_rcode", "Higher bits in extended RCODE", (value) => hex(value, 2));
  b.u8("dns.resp.edns0_version", "EDNS0 version");
  b.u16("dns.resp.z", "Z", (value) => hex(value, 4));
  b.u16("dns.resp.len", "Data length");
  b.rest("dns.opt", "Options");
  return "OPT";
}

const nameTypes: Readonly<Record<number, readonly [string, string]>> = {
  2: ["dns.ns", "Name Server"],
  5: ["dns.cname", "CNAME"],
  12: ["dns.ptr.domain_name", "Domain Name"],
  39: ["dns.dname", "DNAME"],
};

/** The rest of `b`. */
function dataField(b: FieldBuilder, start: number, type: number): string {
  const { bytes, at, left } = b;
  if (type === 1 && left === 4) {
    b.add("dns.a", "Address", 4, formatIpv4(bytes, at));
    return formatIpv4(bytes, at);
  }
  if (type === 28 && left === 16) {
    b.add("dns.aaaa", "AAAA Address", 16, formatIpv6(bytes, at));
    return formatIpv6(bytes, at);
  }
  if (nameTypes[type] !== undefined) {
    const text = nameAt(b, start, at);
    const [name, label] = nameTypes[type];
    if (text === null) b.rest(name, label);
    else b.add(name, label, left, text);
    return text ?? "";
  }
  if (type === 15) {
    b.u16("dns.mx.preference", "Preference");
    const text = nameAt(b, start, b.at) ?? "";
    b.add("dns.mx.mail_exchange", "Mail Exchange", b.left, text);
    return text;
  }
  if (type === 33) {
    b.u16("dns.srv.priority", "Priority");
    b.u16("dns.srv.weight", "Weight");
    const port = b.u16("dns.srv.port", "Port");
    const text = nameAt(b, start, b.at) ?? "";
    if (port >= 0) b.add("dns.srv.target", "Target", b.left, text);
    return `${text} port ${port}`;
  }
  if (type === 16) return textFields(b);
  b.rest("dns.data", "Data");
  return "";
}

function textFields(b: FieldBuilder): string {
  let first = "";
  while (b.left > 0 && !b.isCut) {
    const length = b.u8("dns.txt.length", "TXT Length");
    if (first === "") first = readText(b.bytes, b.at, Math.min(b.end, b.at + length), 60);
    b.text("dns.txt", "TXT", length);
  }
  return first;
}
