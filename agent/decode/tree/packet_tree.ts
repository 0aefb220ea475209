/**
 * A packet as the tree of its headers and their fields, for people. The order of headers is the decoder's own; each
 * header that is described has its function here, others are shown with their bytes alone. Pure, also for browsers.
 */
import {
  Application,
  APPLICATION_NAMES,
  Linktype,
  Packet,
  StopReason,
  Transport,
} from "../../records.ts";
import { isTextAt } from "../app_text.ts";
import { walkHeaders } from "../decode.ts";
import { readUint16 } from "../bytes.ts";
import { isDnsQueryStrict, isDnsShaped } from "../dns.ts";
import { identifyApplication } from "../identify.ts";
import { Step } from "../step.ts";
import { type Budget, countOf, FieldBuilder, type LayerNode } from "./builder.ts";
import { dhcpFields, ntpFields } from "./dhcp.ts";
import { dnsFields } from "./dns.ts";
import {
  ethernetFields,
  llcFields,
  mplsFields,
  nullFields,
  pppFields,
  pppoeFields,
  sll2Fields,
  sllFields,
  vlanFields,
} from "./link.ts";
import { arpFields, ipv4Fields, ipv6Fields } from "./network.ts";
import { httpFields, lineFields } from "./text_protocols.ts";
import { tlsFields } from "./tls.ts";
import {
  greFields,
  icmpFields,
  icmpv6Fields,
  igmpFields,
  sctpFields,
  tcpFields,
  udpFields,
  vxlanFields,
} from "./transport.ts";

export type { FieldNode, LayerNode } from "./builder.ts";

export interface PacketTree {
  readonly layers: readonly LayerNode[];
  /** Why nothing more is told, as a sentence; "" when all is. */
  readonly note: string;
}

/** Adds a header's fields and says in a few words what it is. */
type Describe = (b: FieldBuilder) => string;

interface Description {
  readonly name: string;
  readonly label: string;
  readonly describe?: Describe;
}

/** Fields of one packet; more of them help nobody. */
const fieldsMax = 2000;

const headers: Readonly<Record<number, Description>> = {
  [Step.ethernet]: { name: "eth", label: "Ethernet", describe: ethernetFields },
  [Step.vlan]: { name: "vlan", label: "802.1Q VLAN", describe: vlanFields },
  [Step.llc]: { name: "llc", label: "LLC", describe: llcFields },
  [Step.pppoe]: { name: "pppoe", label: "PPPoE", describe: pppoeFields },
  [Step.ppp]: { name: "ppp", label: "PPP", describe: pppFields },
  [Step.pppHdlc]: { name: "ppp", label: "PPP", describe: pppFields },
  [Step.mpls]: { name: "mpls", label: "MPLS", describe: mplsFields },
  [Step.arp]: { name: "arp", label: "ARP", describe: arpFields },
  [Step.ipv4]: { name: "ip", label: "IPv4", describe: ipv4Fields },
  [Step.ipv6]: { name: "ipv6", label: "IPv6", describe: ipv6Fields },
  [Step.authentication]: { name: "ah", label: "Authentication header" },
  [Step.tcp]: { name: "tcp", label: "TCP", describe: tcpFields },
  [Step.udp]: { name: "udp", label: "UDP", describe: udpFields },
  [Step.icmp]: { name: "icmp", label: "ICMP", describe: icmpFields },
  [Step.icmpv6]: { name: "icmpv6", label: "ICMPv6", describe: icmpv6Fields },
  [Step.igmp]: { name: "igmp", label: "IGMP", describe: igmpFields },
  [Step.sctp]: { name: "sctp", label: "SCTP", describe: sctpFields },
  [Step.dccp]: { name: "dccp", label: "DCCP" },
  [Step.gre]: { name: "gre", label: "GRE", describe: greFields },
  [Step.vxlan]: { name: "vxlan", label: "VXLAN", describe: vxlanFields },
  [Step.geneve]: { name: "geneve", label: "Geneve" },
  [Step.teredo]: { name: "teredo", label: "Teredo" },
  [Step.lisp]: { name: "lisp", label: "LISP" },
  [Step.mplsInUdp]: { name: "mpls", label: "MPLS in UDP" },
  [Step.gtpU]: { name: "gtp", label: "GTP-U" },
  [Step.l2tp]: { name: "l2tp", label: "L2TP" },
  [Step.l2tpOverIp]: { name: "l2tp", label: "L2TP over IP" },
  [Step.tzsp]: { name: "tzsp", label: "TZSP" },
  [Step.nsh]: { name: "nsh", label: "NSH" },
  [Step.null]: { name: "null", label: "BSD loopback", describe: nullFields },
  [Step.loop]: { name: "null", label: "OpenBSD loopback", describe: nullFields },
  [Step.sll]: { name: "sll", label: "Linux cooked capture", describe: sllFields },
  [Step.sll2]: { name: "sll", label: "Linux cooked capture v2", describe: sll2Fields },
  [Step.ciscoHdlc]: { name: "chdlc", label: "Cisco HDLC" },
  [Step.frameRelay]: { name: "fr", label: "Frame Relay" },
  [Step.radiotap]: { name: "radiotap", label: "Radiotap" },
  [Step.prism]: { name: "prism", label: "Prism" },
  [Step.avs]: { name: "wlancap", label: "AVS" },
  [Step.wifi]: { name: "wlan", label: "IEEE 802.11" },
  [Step.amsdu]: { name: "wlan_aggregate", label: "A-MSDU" },
  [Step.nflog]: { name: "nflog", label: "NFLOG" },
  [Step.pflog]: { name: "pflog", label: "pflog" },
  [Step.ppi]: { name: "ppi", label: "PPI" },
  [Step.pktap]: { name: "pktap", label: "PKTAP" },
  [Step.vnTag]: { name: "vntag", label: "VN-Tag" },
  [Step.eTag]: { name: "ieee8021br", label: "802.1BR E-Tag" },
  [Step.fabricPath]: { name: "cfp", label: "FabricPath" },
  [Step.serviceInstance]: { name: "ieee8021ah", label: "802.1ah" },
  [Step.ciscoMetadata]: { name: "cmd", label: "Cisco metadata" },
};

const applications: Readonly<Record<number, Describe>> = {
  [Application.dns]: dnsFields,
  [Application.mdns]: dnsFields,
  [Application.llmnr]: dnsFields,
  [Application.tls]: tlsFields,
  [Application.http]: httpFields,
  [Application.ssdp]: httpFields,
  [Application.sip]: httpFields,
  [Application.rtsp]: httpFields,
  [Application.dhcp]: dhcpFields,
  [Application.ntp]: ntpFields,
};

/** Names of applications that are not simply their own in capitals. */
const applicationLabels: Readonly<Record<string, string>> = {
  mdns: "mDNS",
  postgresql: "PostgreSQL",
  mysql: "MySQL",
  bittorrent: "BitTorrent",
  wireguard: "WireGuard",
  openvpn: "OpenVPN",
  kerberos: "Kerberos",
  syslog: "Syslog",
  telnet: "Telnet",
  redis: "Redis",
  modbus: "Modbus",
  coap: "CoAP",
};

/** `packet` is what was captured of one; `wireLength` what it had. */
export function packetTree(
  packet: Uint8Array,
  { wireLength, linktype }: { readonly wireLength: number; readonly linktype: number },
): PacketTree {
  const budget: Budget = { fields: fieldsMax };
  const layers: LayerNode[] = [];
  const decoded = new Packet();
  const walk = (at: number, of: { wireLength: number; linktype: number }, suffix = "") =>
    walkHeaders(packet, { at, ...of }, decoded, (step, from, to, end) => {
      const header = headers[step];
      if (header === undefined) return;
      const layer = layerOf(header, { packet, from, to, end, budget });
      layers.push({ ...layer, label: layer.label + suffix });
    });
  walk(0, { wireLength, linktype });
  const note = noteOf(decoded, packet.length, wireLength);
  const quotedAt = decoded.payloadOffset;
  if (isQuoting(decoded) && quotedAt < packet.length) {
    walk(quotedAt, { wireLength: wireLength - quotedAt, linktype: Linktype.raw }, ", quoted");
  }
  const last = layers.at(-1);
  const payload = payloadLayer(packet, decoded, {
    from: last === undefined ? 0 : last.offset + last.length,
    budget,
  });
  if (payload !== null) layers.push(payload);
  return { layers, note };
}

/** An ICMP message about a packet has its first bytes (RFC 792, RFC 4443). */
function isQuoting({ transport, sourcePort, payloadOffset }: Packet): boolean {
  if (payloadOffset < 0) return false;
  if (transport === Transport.icmp) return [3, 4, 5, 11, 12].includes(sourcePort);
  return transport === Transport.icmpv6 && sourcePort >= 1 && sourcePort <= 4;
}

interface Span {
  readonly packet: Uint8Array;
  readonly from: number;
  /** Where what it carries begins; `from` where the decoder went no further. */
  readonly to: number;
  /** Of what can be read. */
  readonly end: number;
  readonly budget: Budget;
}

function layerOf({ name, label, describe }: Description, span: Span): LayerNode {
  const { packet, from, to, end, budget } = span;
  const b = new FieldBuilder(packet, from, to > from ? Math.min(to, packet.length) : end, budget);
  const summary = describe?.(b) ?? "";
  const length = to > from ? Math.min(to, packet.length) - from : describe ? b.at - from : b.left;
  return { name, label, summary, offset: from, length, fields: b.fields, isCut: b.isCut };
}

/** What stands behind the headers, which end at `from`, by its application where that is known; null when nothing does. */
function payloadLayer(
  packet: Uint8Array,
  decoded: Packet,
  { from, budget }: { readonly from: number; readonly budget: Budget },
): LayerNode | null {
  const { payloadOffset } = decoded;
  const end = Math.min(packet.length, payloadOffset + decoded.payloadCapturedLength);
  const at = Math.max(payloadOffset, from);
  if (payloadOffset < 0 || at >= end) return null;
  const b = new FieldBuilder(packet, at, end, budget);
  const isWhole = decoded.stopReason === StopReason.complete && at === payloadOffset;
  const application = isWhole ? applicationOf(packet, decoded) : 0;
  const name = APPLICATION_NAMES[application] ?? "";
  const isOverTcp = decoded.transport === Transport.tcp && applications[application] === dnsFields;
  const isInOtherSegments = isOverTcp && !isDnsBehindLength(packet, at, end);
  const describe = isInOtherSegments ? undefined : applications[application] ??
    (isTextAt(packet, at, Math.min(end, at + 16)) ? lineFields : undefined);
  if (isOverTcp && describe === dnsFields) b.u16("dns.length", "Length");
  const summary = describe?.(b) || countOf(end - at);
  const isCut = b.isCut && b.at === b.end;
  b.rest("data.data", b.fields.length === 0 ? "Data" : "More data");
  return {
    name: name || "data",
    label: applicationLabels[name] ?? (name === "" ? "Payload" : name.toUpperCase()),
    summary,
    offset: at,
    length: end - at,
    fields: b.fields,
    isCut,
  };
}

const dnsPort = 53;

/** Over TCP a message stands behind its length (RFC 1035 section 4.2.2); a segment may begin within one. */
function isDnsBehindLength(packet: Uint8Array, at: number, end: number): boolean {
  return end - at >= 2 && isDnsShaped(packet, at + 2, end, readUint16(packet, at));
}

function applicationOf(packet: Uint8Array, decoded: Packet): number {
  const { payloadOffset: at, payloadCapturedLength: length } = decoded;
  const application = identifyApplication(packet, decoded);
  if (application !== 0 || decoded.isLaterFragment === 1) return application;
  if (decoded.sourcePort === dnsPort || decoded.destinationPort === dnsPort) return Application.dns;
  return decoded.transport === Transport.udp && isDnsQueryStrict(packet, at, at + length)
    ? Application.dns
    : 0;
}

function noteOf(decoded: Packet, captured: number, wireLength: number): string {
  const { stopReason, stopNeeded, stopAvailable } = decoded;
  if (stopReason === StopReason.truncated) {
    return `The capture kept ${captured} of the packet's ${wireLength} bytes: a header needs ${stopNeeded} here, and ${stopAvailable} are there.`;
  }
  if (stopReason === StopReason.malformed) {
    return stopNeeded === 0
      ? "A header contradicts itself here, so nothing more is read."
      : `A header needs ${stopNeeded} bytes where there are ${stopAvailable}, so nothing more is read.`;
  }
  if (stopReason === StopReason.unsupported) {
    return stopNeeded === 0
      ? "What follows is not read by tapwatch."
      : `What follows is not read by tapwatch (number 0x${stopNeeded.toString(16)}).`;
  }
  return "";
}
