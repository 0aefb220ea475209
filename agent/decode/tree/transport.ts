/** Fields of TCP with its options, UDP, ICMP, ICMPv6 with neighbour discovery, IGMP, SCTP and GRE. */
import { readUint16, readUint32 } from "../bytes.ts";
import { bit, type FieldBuilder, hex, named } from "./builder.ts";
import { ipv4Address, ipv6Address } from "./network.ts";
import { mac } from "./link.ts";
import { etherTypes, icmpTypes, icmpv6Types, ndOptions, unreachableCodes } from "./names.ts";

/** Lowest bit first. */
const tcpFlags: readonly (readonly [string, string])[] = [
  ["fin", "Fin"],
  ["syn", "Syn"],
  ["reset", "Reset"],
  ["push", "Push"],
  ["ack", "Acknowledgment"],
  ["urg", "Urgent"],
  ["ece", "ECN-Echo"],
  ["cwr", "Congestion Window Reduced"],
  ["ae", "Accurate ECN"],
];
const tcpFlagNames = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];

const tcpOptions: Readonly<Record<number, readonly [string, string]>> = {
  0: ["tcp.options.eol", "End of options"],
  1: ["tcp.options.nop", "No-Operation"],
  2: ["tcp.options.mss", "Maximum segment size"],
  3: ["tcp.options.wscale", "Window scale"],
  4: ["tcp.options.sack_perm", "SACK permitted"],
  5: ["tcp.options.sack", "SACK"],
  8: ["tcp.options.timestamp", "Timestamps"],
  28: ["tcp.options.user_to", "User timeout"],
  30: ["tcp.options.mptcp", "Multipath TCP"],
  34: ["tcp.options.tfo", "Fast Open"],
};

export function tcpFields(b: FieldBuilder): string {
  const start = b.at;
  const source = b.u16("tcp.srcport", "Source Port");
  const destination = b.u16("tcp.dstport", "Destination Port");
  b.u32("tcp.seq_raw", "Sequence Number");
  b.u32("tcp.ack_raw", "Acknowledgment Number");
  const headerLength = b.left >= 1 ? (b.bytes[b.at] >> 4) * 4 : 0;
  const flags = flagFields(b, headerLength);
  b.u16("tcp.window_size_value", "Window");
  b.u16("tcp.checksum", "Checksum", (value) => hex(value, 4));
  b.u16("tcp.urgent_pointer", "Urgent Pointer");
  if (headerLength > 20 && !b.isCut) {
    b.group("tcp.options", "Options", start + headerLength - b.at, optionFields);
  }
  return destination < 0 ? "" : `${source} to ${destination}${flags === "" ? "" : `, ${flags}`}`;
}

/** Header length, reserved bits and flags; the names of the flags that are set. */
function flagFields(b: FieldBuilder, headerLength: number): string {
  if (b.left >= 1) b.mark("tcp.hdr_len", "Header Length", b.at, 1, `${headerLength} (bytes)`);
  if (b.left < 2) {
    b.add("tcp.flags", "Flags", 2, "");
    return "";
  }
  const { at } = b;
  const value = readUint16(b.bytes, at);
  const set = tcpFlagNames.filter((_, index) => (value >> index & 1) === 1).reverse();
  const names = set.join(", ");
  b.group("tcp.flags", "Flags", 2, (inner) => {
    inner.mark("tcp.flags.res", "Reserved", at, 1, bit(value, 0x0e00));
    for (let index = tcpFlags.length - 1; index >= 0; index--) {
      const [name, label] = tcpFlags[index];
      inner.mark(`tcp.flags.${name}`, label, index === 8 ? at : at + 1, 1, bit(value, 1 << index));
    }
    return `${hex(value & 0x0fff, 4)} (${names || "none"})`;
  });
  return names;
}

function optionFields(b: FieldBuilder): string {
  const seen: string[] = [];
  while (b.left > 0 && !b.isCut) {
    const kind = b.bytes[b.at];
    const [name, label] = tcpOptions[kind] ?? ["tcp.options.unknown", `Option ${kind}`];
    if (kind > 1) seen.push(label);
    const length = kind <= 1 || b.left < 2 ? 1 : Math.max(2, b.bytes[b.at + 1]);
    b.group(name, label, length, (option) => describeOption(option, kind));
    if (kind === 0) break;
  }
  return seen.join(", ");
}

function describeOption(b: FieldBuilder, kind: number): string {
  if (kind <= 1 || b.left < 2) return "";
  b.u8("tcp.option_kind", "Kind");
  b.u8("tcp.option_len", "Length");
  switch (kind) {
    case 2:
      return `${b.u16("tcp.options.mss_val", "MSS Value")} bytes`;
    case 3: {
      const shift = b.u8("tcp.options.wscale.shift", "Shift count");
      return shift < 0 ? "" : `multiply by ${2 ** Math.min(shift, 30)}`;
    }
    case 5:
      while (b.left >= 8 && !b.isCut) {
        b.u32("tcp.options.sack_le", "Left edge");
        b.u32("tcp.options.sack_re", "Right edge");
      }
      return "";
    case 8: {
      const value = b.u32("tcp.options.timestamp.tsval", "Timestamp value");
      const echo = b.u32("tcp.options.timestamp.tsecr", "Timestamp echo reply");
      return echo < 0 ? "" : `value ${value}, echo ${echo}`;
    }
    default:
      b.rest("tcp.options.data", "Data");
      return "";
  }
}

export function udpFields(b: FieldBuilder): string {
  const source = b.u16("udp.srcport", "Source Port");
  const destination = b.u16("udp.dstport", "Destination Port");
  b.u16("udp.length", "Length");
  b.u16("udp.checksum", "Checksum", (value) => hex(value, 4));
  return destination < 0 ? "" : `${source} to ${destination}`;
}

/** What is quoted behind the eight bytes is its own packet and is told as such. */
export function icmpFields(b: FieldBuilder): string {
  const type = b.u8("icmp.type", "Type", named(icmpTypes));
  const code = b.u8("icmp.code", "Code", type === 3 ? named(unreachableCodes) : String);
  b.u16("icmp.checksum", "Checksum", (value) => hex(value, 4));
  if (type === 0 || type === 8 || type >= 13 && type <= 18) {
    b.u16("icmp.ident", "Identifier");
    b.u16("icmp.seq", "Sequence Number");
  } else if (type === 5) ipv4Address(b, "icmp.redir_gw", "Gateway Address");
  else if (type === 3 && code === 4) {
    b.hex("icmp.unused", "Unused", 2);
    b.u16("icmp.mtu", "MTU of next hop");
  } else b.hex("icmp.unused", "Unused", 4);
  const detail = type === 3 ? unreachableCodes[code] : undefined;
  return detail ?? icmpTypes[type] ?? (type < 0 ? "" : `type ${type}`);
}

export function icmpv6Fields(b: FieldBuilder): string {
  const type = b.u8("icmpv6.type", "Type", named(icmpv6Types));
  b.u8("icmpv6.code", "Code");
  b.u16("icmpv6.checksum", "Checksum", (value) => hex(value, 4));
  const about = icmpv6Body(b, type);
  const name = icmpv6Types[type] ?? (type < 0 ? "" : `type ${type}`);
  return about === "" ? name : `${name}, ${about}`;
}

function icmpv6Body(b: FieldBuilder, type: number): string {
  if (type === 128 || type === 129) {
    b.u16("icmpv6.echo.identifier", "Identifier", (value) => hex(value, 4));
    b.u16("icmpv6.echo.sequence_number", "Sequence");
    return "";
  }
  if (type === 2) {
    b.u32("icmpv6.mtu", "MTU");
    return "";
  }
  if (type === 134) return routerAdvertisement(b);
  if (type === 143) return listenerReport(b);
  if (type >= 130 && type <= 132) {
    // A query of version 2 has more behind its address (RFC 9777 section 5.1).
    const word = type === 130 && b.left > 20 ? "code" : "delay";
    b.u16(`icmpv6.mld.maximum_response_${word}`, `Maximum Response ${word}`);
    b.hex("icmpv6.reserved", "Reserved", 2);
    return ipv6Address(b, "icmpv6.mld.multicast_address", "Multicast Address");
  }
  if (type === 136) advertisementFlags(b);
  else b.hex("icmpv6.reserved", "Reserved", 4);
  if (type < 133 || type > 137) return "";
  const side = type === 135 ? "ns" : type === 136 ? "na" : "rd.na";
  const target = type === 133
    ? ""
    : ipv6Address(b, `icmpv6.nd.${side}.target_address`, "Target Address");
  if (type === 137) ipv6Address(b, "icmpv6.rd.na.destination_address", "Destination Address");
  ndOptionFields(b);
  return target;
}

function advertisementFlags(b: FieldBuilder): void {
  if (b.left < 4) return;
  const { at } = b;
  const flags = readUint32(b.bytes, at);
  b.group("icmpv6.nd.na.flag", "Flags", 4, (inner) => {
    inner.mark("icmpv6.nd.na.flag.r", "Router", at, 4, bit(flags >>> 31, 1));
    inner.mark("icmpv6.nd.na.flag.s", "Solicited", at, 4, bit(flags >>> 30, 1));
    inner.mark("icmpv6.nd.na.flag.o", "Override", at, 4, bit(flags >>> 29, 1));
    return hex(flags, 8);
  });
}

/** RFC 9777 section 5.2. */
function listenerReport(b: FieldBuilder): string {
  b.hex("icmpv6.reserved", "Reserved", 2);
  const count = b.u16("icmpv6.mldr.nb_mcast_records", "Number of Multicast Address Records");
  for (let i = 0; i < count && b.left >= 20 && !b.isCut; i++) {
    const length = 20 + readUint16(b.bytes, b.at + 2) * 16 + b.bytes[b.at + 1] * 4;
    b.group("icmpv6.mldr.mar", "Multicast Address Record", length, (record) => {
      record.u8("icmpv6.mldr.mar.record_type", "Record Type");
      record.u8("icmpv6.mldr.mar.aux_data_len", "Aux Data Len");
      const sources = record.u16("icmpv6.mldr.mar.nb_sources", "Number of Sources");
      const address = ipv6Address(
        record,
        "icmpv6.mldr.mar.multicast_address",
        "Multicast Address",
      );
      for (let j = 0; j < sources && record.left >= 16 && !record.isCut; j++) {
        ipv6Address(record, "icmpv6.mldr.mar.source_address", "Source Address");
      }
      record.rest("icmpv6.mldr.mar.auxiliary_data", "Auxiliary data");
      return address;
    });
  }
  return "";
}

function routerAdvertisement(b: FieldBuilder): string {
  b.u8("icmpv6.nd.ra.cur_hop_limit", "Cur hop limit");
  b.u8("icmpv6.nd.ra.flag", "Flags", (value) => hex(value, 2));
  b.u16("icmpv6.nd.ra.router_lifetime", "Router lifetime (s)");
  b.u32("icmpv6.nd.ra.reachable_time", "Reachable time (ms)");
  b.u32("icmpv6.nd.ra.retrans_timer", "Retrans timer (ms)");
  ndOptionFields(b);
  return "";
}

/** Options of neighbour discovery: type:8 length:8 in units of eight bytes (RFC 4861 section 4.6). */
function ndOptionFields(b: FieldBuilder): void {
  while (b.left >= 2 && !b.isCut) {
    const [type, units] = [b.bytes[b.at], b.bytes[b.at + 1]];
    if (units === 0) return b.rest("icmpv6.opt", "Option without a length");
    b.group("icmpv6.opt", "Option", units * 8, (option) => {
      option.u8("icmpv6.opt.type", "Type", named(ndOptions));
      option.u8("icmpv6.opt.length", "Length", (value) => `${value} (${value * 8} bytes)`);
      if (type === 1) mac(option, "icmpv6.opt.src_linkaddr", "Link-layer address");
      else if (type === 2) mac(option, "icmpv6.opt.target_linkaddr", "Link-layer address");
      else if (type === 3) prefixFields(option);
      else if (type === 5) {
        option.hex("icmpv6.opt.reserved", "Reserved", 2);
        option.u32("icmpv6.opt.mtu", "MTU");
      } else option.rest("icmpv6.opt.data", "Data");
      return ndOptions[type] ?? String(type);
    });
  }
}

function prefixFields(b: FieldBuilder): void {
  b.u8("icmpv6.opt.prefix.length", "Prefix Length");
  b.u8("icmpv6.opt.prefix.flag", "Flags", (value) => hex(value, 2));
  b.u32("icmpv6.opt.prefix.valid_lifetime", "Valid Lifetime");
  b.u32("icmpv6.opt.prefix.preferred_lifetime", "Preferred Lifetime");
  b.hex("icmpv6.opt.reserved", "Reserved", 4);
  ipv6Address(b, "icmpv6.opt.prefix", "Prefix");
}

const igmpTypes = {
  0x11: "membership query",
  0x12: "membership report v1",
  0x16: "membership report v2",
  0x17: "leave group",
  0x22: "membership report v3",
};

export function igmpFields(b: FieldBuilder): string {
  const type = b.u8("igmp.type", "Type", named(igmpTypes, (value) => hex(value, 2)));
  if (type === 0x22) b.u8("igmp.reserved", "Reserved", (value) => hex(value, 2));
  else b.u8("igmp.max_resp", "Max Resp Time");
  b.u16("igmp.checksum", "Checksum", (value) => hex(value, 4));
  if (type === 0x22) {
    b.hex("igmp.reserved", "Reserved", 2);
    b.u16("igmp.num_grp_recs", "Num Group Records");
  } else ipv4Address(b, "igmp.maddr", "Multicast Address");
  return igmpTypes[type as keyof typeof igmpTypes] ?? "";
}

export function sctpFields(b: FieldBuilder): string {
  const source = b.u16("sctp.srcport", "Source port");
  const destination = b.u16("sctp.dstport", "Destination port");
  b.u32("sctp.verification_tag", "Verification tag", (value) => hex(value, 8));
  b.u32("sctp.checksum", "Checksum", (value) => hex(value, 8));
  return destination < 0 ? "" : `${source} to ${destination}`;
}

export function greFields(b: FieldBuilder): string {
  const flags = b.u16("gre.flags_and_version", "Flags and Version", (value) => hex(value, 4));
  b.u16("gre.proto", "Protocol Type", named(etherTypes, (value) => hex(value, 4)));
  if (flags < 0) return "";
  if ((flags & 0x8000) !== 0) {
    b.u16("gre.checksum", "Checksum", (value) => hex(value, 4));
    b.u16("gre.offset", "Offset");
  }
  if ((flags & 7) === 1) {
    b.u16("gre.key.payload_length", "Payload Length");
    b.u16("gre.key.call_id", "Call ID");
  } else if ((flags & 0x2000) !== 0) b.u32("gre.key", "Key", (value) => hex(value, 8));
  if ((flags & 0x1000) !== 0) b.u32("gre.sequence_number", "Sequence Number");
  if ((flags & 0x0087) === 0x0081) b.u32("gre.ack_number", "Acknowledgment Number");
  return "";
}

export function vxlanFields(b: FieldBuilder): string {
  b.u16("vxlan.flags", "Flags", (value) => hex(value, 4));
  b.u16("vxlan.gbp", "Group Policy ID");
  const network = b.u24("vxlan.vni", "VXLAN Network Identifier (VNI)");
  b.u8("vxlan.reserved8", "Reserved");
  return network < 0 ? "" : `network ${network}`;
}
