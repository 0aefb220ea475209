/** Fields of ARP, IPv4, and IPv6 with its extension headers. */
import { formatIpv4, formatIpv6 } from "../addresses.ts";
import { readUint16, readUint32 } from "../bytes.ts";
import { bit, type FieldBuilder, hex, named } from "./builder.ts";
import { mac } from "./link.ts";
import { etherTypes, ipProtocols } from "./names.ts";

/** An address of IPv4, and its text. */
export function ipv4Address(b: FieldBuilder, name: string, label: string): string {
  const text = b.left >= 4 ? formatIpv4(b.bytes, b.at) : "";
  b.add(name, label, 4, text);
  return text;
}

/** An address of IPv6, and its text. */
export function ipv6Address(b: FieldBuilder, name: string, label: string): string {
  const text = b.left >= 16 ? formatIpv6(b.bytes, b.at) : "";
  b.add(name, label, 16, text);
  return text;
}

const arpOperations = { 1: "request", 2: "reply", 3: "reverse request", 4: "reverse reply" };

export function arpFields(b: FieldBuilder): string {
  b.u16("arp.hw.type", "Hardware type", named({ 1: "Ethernet", 6: "IEEE 802" }));
  const protocol = b.u16(
    "arp.proto.type",
    "Protocol type",
    named(etherTypes, (value) => hex(value, 4)),
  );
  const hardwareSize = b.u8("arp.hw.size", "Hardware size");
  const protocolSize = b.u8("arp.proto.size", "Protocol size");
  const operation = b.u16("arp.opcode", "Opcode", named(arpOperations));
  if (hardwareSize < 0 || protocolSize < 0 || operation < 0) return "";
  const isIpv4 = protocol === 0x0800 && protocolSize === 4;
  const hardware = (side: string, label: string) => {
    if (hardwareSize === 6) return mac(b, `arp.${side}.hw_mac`, `${label} MAC address`);
    b.hex(`arp.${side}.hw`, `${label} hardware address`, hardwareSize);
    return "";
  };
  const address = (side: string, label: string) => {
    if (isIpv4) return ipv4Address(b, `arp.${side}.proto_ipv4`, `${label} IP address`);
    b.hex(`arp.${side}.proto`, `${label} protocol address`, protocolSize);
    return "";
  };
  const [senderMac, sender] = [hardware("src", "Sender"), address("src", "Sender")];
  hardware("dst", "Target");
  const target = address("dst", "Target");
  if (operation === 1 && target !== "") return `who has ${target}, tell ${sender}`;
  return operation === 2 && senderMac !== "" ? `${sender} is at ${senderMac}` : "";
}

const ipv4Options = {
  0: "end of options",
  1: "no operation",
  7: "record route",
  68: "timestamp",
  130: "security",
  131: "loose source route",
  137: "strict source route",
  148: "router alert",
};

export function ipv4Fields(b: FieldBuilder): string {
  const { bytes, at } = b;
  const headerLength = b.left >= 1 ? (bytes[at] & 15) * 4 : 0;
  if (b.left >= 1) {
    b.mark("ip.version", "Version", at, 1, String(bytes[at] >> 4));
    b.add("ip.hdr_len", "Header Length", 1, `${headerLength} (bytes)`);
  }
  trafficClass(b);
  const length = b.u16("ip.len", "Total Length");
  b.u16("ip.id", "Identification", (value) => `${hex(value, 4)} (${value})`);
  const flagsAt = b.at;
  if (b.left >= 2) {
    const flags = readUint16(bytes, flagsAt);
    b.mark("ip.flags", "Flags", flagsAt, 1, hex(flags >> 13, 2));
    b.mark("ip.flags.rb", "Reserved bit", flagsAt, 1, bit(flags, 0x8000));
    b.mark("ip.flags.df", "Don't fragment", flagsAt, 1, bit(flags, 0x4000));
    b.mark("ip.flags.mf", "More fragments", flagsAt, 1, bit(flags, 0x2000));
    const units = flags & 0x1fff;
    b.add(
      "ip.frag_offset",
      "Fragment Offset",
      2,
      units === 0 ? "0" : `${units} (byte ${units * 8})`,
    );
  }
  b.u8("ip.ttl", "Time to Live");
  b.u8("ip.proto", "Protocol", named(ipProtocols));
  const isWhole = headerLength >= 20 && at + headerLength <= b.end;
  b.u16("ip.checksum", "Header Checksum", (value) => {
    if (!isWhole) return hex(value, 4);
    return `${hex(value, 4)} (${
      sumOf(bytes, at, at + headerLength) === 0xffff ? "correct" : "wrong"
    })`;
  });
  const source = ipv4Address(b, "ip.src", "Source Address");
  const destination = ipv4Address(b, "ip.dst", "Destination Address");
  if (headerLength > 20) {
    b.group("ip.options", "Options", headerLength - 20, ipv4OptionFields);
  }
  return destination === "" ? "" : `${source} to ${destination}, ${length} bytes`;
}

function trafficClass(b: FieldBuilder): void {
  if (b.left < 1) return;
  const value = b.bytes[b.at];
  b.mark("ip.dsfield", "Differentiated Services Field", b.at, 1, hex(value, 2));
  b.mark("ip.dsfield.dscp", "Differentiated Services Codepoint", b.at, 1, String(value >> 2));
  b.add("ip.dsfield.ecn", "Explicit Congestion Notification", 1, String(value & 3));
}

function ipv4OptionFields(b: FieldBuilder): string {
  while (b.left > 0 && !b.isCut) {
    const type = b.bytes[b.at];
    const isSingle = type <= 1 || b.left < 2;
    b.group("ip.opt", "Option", isSingle ? 1 : Math.max(2, b.bytes[b.at + 1]), (option) => {
      option.u8("ip.opt.type", "Type", named(ipv4Options));
      if (!isSingle) option.u8("ip.opt.len", "Length");
      option.rest("ip.opt.data", "Data");
      return ipv4Options[type as keyof typeof ipv4Options] ?? String(type);
    });
    if (type === 0) break;
  }
  return "";
}

/** Ones' complement sum (RFC 1071). */
function sumOf(bytes: Uint8Array, at: number, end: number): number {
  let sum = 0;
  for (let i = at; i + 1 < end; i += 2) sum += readUint16(bytes, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

export function ipv6Fields(b: FieldBuilder): string {
  const { bytes, at } = b;
  if (b.left >= 4) {
    const word = readUint32(bytes, at);
    b.mark("ipv6.version", "Version", at, 1, String(word >>> 28));
    b.mark("ipv6.tclass", "Traffic Class", at, 4, hex(word >>> 20 & 255, 8));
    b.mark("ipv6.flow", "Flow Label", at + 1, 3, hex(word & 0xfffff, 6));
    b.at += 4;
  }
  const length = b.u16("ipv6.plen", "Payload Length");
  const next = b.u8("ipv6.nxt", "Next Header", named(ipProtocols));
  b.u8("ipv6.hlim", "Hop Limit");
  const source = ipv6Address(b, "ipv6.src", "Source Address");
  const destination = ipv6Address(b, "ipv6.dst", "Destination Address");
  if (destination !== "") extensionFields(b, next);
  return destination === "" ? "" : `${source} to ${destination}, ${length} bytes`;
}

const extensionNames: Readonly<Record<number, readonly [string, string]>> = {
  0: ["ipv6.hopopts", "Hop-by-Hop Options"],
  43: ["ipv6.routing", "Routing Header"],
  44: ["ipv6.fraghdr", "Fragment Header"],
  51: ["ah", "Authentication Header"],
  60: ["ipv6.dstopts", "Destination Options"],
};

/** Headers until one that is none of these, or a later fragment. */
function extensionFields(b: FieldBuilder, first: number): void {
  let next = first;
  while (extensionNames[next] !== undefined && b.left >= 8 && !b.isCut) {
    const [name, label] = extensionNames[next];
    const { bytes, at } = b;
    const units = bytes[at + 1];
    const isFragment = next === 44;
    const length = isFragment ? 8 : next === 51 ? (units + 2) * 4 : (units + 1) * 8;
    const isLater = isFragment && (readUint16(bytes, at + 2) & 0xfff8) !== 0;
    b.group(name, label, length, (e) => {
      e.u8(`${name}.nxt`, "Next Header", named(ipProtocols));
      if (isFragment) fragmentFields(e);
      else {
        e.u8(`${name}.len`, "Length", (value) => `${value} (${length} bytes)`);
        e.rest(`${name}.data`, "Data");
      }
      return "";
    });
    if (isLater) return;
    next = bytes[at];
  }
}

function fragmentFields(b: FieldBuilder): void {
  b.u8("ipv6.fraghdr.reserved_octet", "Reserved octet", (value) => hex(value, 2));
  const at = b.at;
  if (b.left >= 2) {
    const value = readUint16(b.bytes, at);
    b.mark("ipv6.fraghdr.offset", "Offset", at, 2, String((value & 0xfff8) >> 3));
    b.add("ipv6.fraghdr.more", "More Fragments", 2, bit(value, 1));
  }
  b.u32("ipv6.fraghdr.ident", "Identification", (value) => hex(value, 8));
}
