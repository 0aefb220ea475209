/** Fields of link headers. */
import { formatMac } from "../addresses.ts";
import { bit, type FieldBuilder, hex, named } from "./builder.ts";
import { etherTypes } from "./names.ts";

const etherTypeMin = 0x0600;
const showEtherType = named(etherTypes, (value) => hex(value, 4));

/** A MAC address, and its text. */
export function mac(b: FieldBuilder, name: string, label: string): string {
  const text = b.left >= 6 ? formatMac(b.bytes, b.at) : "";
  b.add(name, label, 6, text);
  return text;
}

/** EtherType, or the length of an IEEE 802.3 frame. */
function typeOrLength(b: FieldBuilder, names: { readonly type: string; readonly length: string }) {
  const isType = b.left < 2 || b.bytes[b.at] >= etherTypeMin >> 8;
  if (isType) b.u16(names.type, "Type", showEtherType);
  else b.u16(names.length, "Length");
}

export function ethernetFields(b: FieldBuilder): string {
  const destination = mac(b, "eth.dst", "Destination");
  const source = mac(b, "eth.src", "Source");
  typeOrLength(b, { type: "eth.type", length: "eth.len" });
  return source === "" ? "" : `${source} to ${destination}`;
}

/** IEEE 802.1Q: priority:3 drop eligible:1 id:12, type. */
export function vlanFields(b: FieldBuilder): string {
  const at = b.at;
  const tag = b.left >= 2 ? b.bytes[at] << 8 | b.bytes[at + 1] : -1;
  if (tag < 0) {
    b.add("vlan.id", "ID", 2, "");
    return "";
  }
  b.mark("vlan.priority", "Priority", at, 2, String(tag >> 13));
  b.mark("vlan.dei", "DEI", at, 2, bit(tag, 0x1000));
  b.add("vlan.id", "ID", 2, String(tag & 0x0fff));
  typeOrLength(b, { type: "vlan.etype", length: "vlan.len" });
  return `ID ${tag & 0x0fff}`;
}

export function llcFields(b: FieldBuilder): string {
  const dsap = b.u8("llc.dsap", "DSAP", (value) => hex(value, 2));
  b.u8("llc.ssap", "SSAP", (value) => hex(value, 2));
  b.u8("llc.control", "Control", (value) => hex(value, 4));
  if (dsap !== 0xaa) return "";
  b.u24("llc.oui", "Organization Code");
  b.u16("llc.type", "Type", showEtherType);
  return "SNAP";
}

const sllTypes = {
  0: "unicast to us",
  1: "broadcast",
  2: "multicast",
  3: "unicast to another host",
  4: "sent by us",
};

function cookedAddress(b: FieldBuilder, length: number): void {
  if (length === 6) {
    mac(b, "sll.src.eth", "Source");
    b.hex("sll.unused", "Unused", 2);
  } else b.hex("sll.src.other", "Source", 8);
}

export function sllFields(b: FieldBuilder): string {
  const type = b.u16("sll.pkttype", "Packet type", named(sllTypes));
  b.u16("sll.hatype", "Link-layer address type");
  cookedAddress(b, b.u16("sll.halen", "Link-layer address length"));
  b.u16("sll.etype", "Protocol", showEtherType);
  return sllTypes[type as keyof typeof sllTypes] ?? "";
}

export function sll2Fields(b: FieldBuilder): string {
  b.u16("sll.etype", "Protocol", showEtherType);
  b.hex("sll.unused", "Unused", 2);
  b.u32("sll.ifindex", "Interface index");
  b.u16("sll.hatype", "Link-layer address type");
  const type = b.u8("sll.pkttype", "Packet type", named(sllTypes));
  cookedAddress(b, b.u8("sll.halen", "Link-layer address length"));
  return sllTypes[type as keyof typeof sllTypes] ?? "";
}

/** Labels up to the one that is the last: label:20 class:3 bottom:1 TTL:8 (RFC 3032). */
export function mplsFields(b: FieldBuilder): string {
  const labels: number[] = [];
  while (b.left >= 4 && !b.isCut) {
    const at = b.at;
    const word = (b.bytes[at] << 16 | b.bytes[at + 1] << 8 | b.bytes[at + 2]) >>> 0;
    labels.push(word >> 4);
    b.mark("mpls.label", "Label", at, 4, String(word >> 4));
    b.mark("mpls.exp", "Traffic class", at, 4, String(word >> 1 & 7));
    b.mark("mpls.bottom", "Bottom of stack", at, 4, bit(word, 1));
    b.add("mpls.ttl", "TTL", 4, String(b.bytes[at + 3]));
    if ((word & 1) === 1) break;
  }
  return labels.length === 0 ? "" : `label ${labels.join(", ")}`;
}

export function pppoeFields(b: FieldBuilder): string {
  const at = b.at;
  if (b.left >= 1) {
    b.mark("pppoe.version", "Version", at, 1, String(b.bytes[at] >> 4));
    b.add("pppoe.type", "Type", 1, String(b.bytes[at] & 15));
  }
  b.u8("pppoe.code", "Code", (value) => hex(value, 2));
  const session = b.u16("pppoe.session_id", "Session ID", (value) => hex(value, 4));
  b.u16("pppoe.payload_length", "Payload Length");
  return session < 0 ? "" : `session ${hex(session, 4)}`;
}

const pppProtocols = {
  0x0021: "IPv4",
  0x0057: "IPv6",
  0xc021: "LCP",
  0x8021: "IPCP",
  0x8057: "IPv6CP",
};

/** The protocol, of one byte where the first is odd; the address and control before it may be left out (RFC 1661). */
export function pppFields(b: FieldBuilder): string {
  if (b.left >= 2 && b.bytes[b.at] === 0xff && b.bytes[b.at + 1] === 3) {
    b.u8("ppp.address", "Address", (value) => hex(value, 2));
    b.u8("ppp.control", "Control", (value) => hex(value, 2));
  }
  const show = named(pppProtocols, (value) => hex(value, 4));
  if (b.left >= 1 && (b.bytes[b.at] & 1) === 1) b.u8("ppp.protocol", "Protocol", show);
  else b.u16("ppp.protocol", "Protocol", show);
  return "";
}

/** BSD null: the address family, in the byte order of who captured. */
export function nullFields(b: FieldBuilder): string {
  const isLittle = b.left >= 4 && b.bytes[b.at + 3] === 0 && b.bytes[b.at + 2] === 0;
  if (isLittle) b.u32le("null.family", "Family");
  else b.u32("null.family", "Family");
  return "";
}
