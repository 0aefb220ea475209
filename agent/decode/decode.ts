/**
 * The decoder: bytes of one packet into the fields of a Packet that is used again for the next. Each header has its
 * own file and says which one follows; this file knows the order in which that starts and drives it.
 *
 * Nothing here allocates and nothing throws: what cannot be read ends the walk, with the reason in the packet.
 *
 * The pipeline reads the packets that most packets are elsewhere, in one straight line, with the same result
 * (agent/hot/assembly/common_packet.ts).
 */
import { Layer, Linktype, type Packet } from "../records.ts";
import { decodeArp } from "./arp.ts";
import { decodeAuthentication } from "./authentication.ts";
import { Cursor, enterTunnel, setPayload, stepByIpVersion, stopUnsupported } from "./cursor.ts";
import {
  decodeCiscoMetadata,
  decodeETag,
  decodeEthernet,
  decodeFabricPath,
  decodeLlc,
  decodeServiceInstance,
  decodeVlan,
  decodeVnTag,
} from "./ethernet.ts";
import { decodeGtpU } from "./gtp.ts";
import { decodeIcmp, decodeIcmpv6, decodeIgmp } from "./icmp.ts";
import { forgetTransport } from "./ip.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { decodeL2tp, decodeL2tpOverIp } from "./l2tp.ts";
import {
  beginLink,
  decodeLoop,
  decodeNflog,
  decodeNull,
  decodePflog,
  decodePktap,
  decodePpi,
  decodeSll,
  decodeSll2,
} from "./links.ts";
import { decodeMpls } from "./mpls.ts";
import { decodeNsh } from "./nsh.ts";
import {
  decodeCiscoHdlc,
  decodeFrameRelay,
  decodePpp,
  decodePppHdlc,
  decodePppoe,
  decodePppPppd,
  skipDirection,
} from "./ppp.ts";
import { decodeDccp, decodeSctp } from "./sctp.ts";
import { Step } from "./step.ts";
import { decodeTcp } from "./tcp.ts";
import { TUNNEL_PORTS } from "./tunnel_ports.ts";
import {
  decodeGeneve,
  decodeGre,
  decodeLisp,
  decodeMplsInUdp,
  decodeTeredo,
  decodeVxlan,
} from "./tunnels.ts";
import { decodeTzsp } from "./tzsp.ts";
import { decodeUdp } from "./udp.ts";
import { decodeAmsdu, decodeAvs, decodePrism, decodeRadiotap, decodeWifi } from "./wifi.ts";

const cursor = new Cursor();

/**
 * Decodes the packet at `offset` of `bytes` into `packet`, all of whose fields are set anew.
 *
 * @param capturedLength bytes of the packet that are there; they must lie within `bytes`
 * @param wireLength length that the packet had, as its capture says
 * @param linktype LINKTYPE_ value
 * @param tunnelPorts what tunnelPorts() makes
 */
export function decodePacket(
  bytes: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
  linktype: number,
  packet: Packet,
  tunnelPorts: Uint8Array = TUNNEL_PORTS,
): void {
  let step = begin(bytes, offset, capturedLength, wireLength, linktype, packet, tunnelPorts);
  while (step !== Step.done) step = decodeHeader(step, packet);
}

/** What is told of each header: its step, where it begins, where what it carries does, and the end of what can be read of it. */
type HeaderVisitor = (step: number, from: number, to: number, end: number) => void;

/** As decodePacket() of what `bytes` hold from `at` on, and tells each header once it is decoded; `to` is `from` where decoding ends. */
export function walkHeaders(
  bytes: Uint8Array,
  { at = 0, wireLength, linktype }: {
    readonly at?: number;
    readonly wireLength: number;
    readonly linktype: number;
  },
  packet: Packet,
  visit: HeaderVisitor,
): void {
  let step = begin(bytes, at, bytes.length - at, wireLength, linktype, packet, TUNNEL_PORTS);
  while (step !== Step.done) {
    const from = cursor.position;
    const end = Math.min(cursor.capturedEnd, cursor.declaredEnd);
    const next = decodeHeader(step, packet);
    visit(step, from, cursor.position, end);
    step = next;
  }
}

function begin(
  bytes: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
  linktype: number,
  packet: Packet,
  tunnelPorts: Uint8Array,
): number {
  resetPacket(packet);
  cursor.bytes = bytes;
  cursor.position = offset;
  cursor.capturedEnd = offset + capturedLength;
  cursor.declaredEnd = offset + (wireLength > capturedLength ? wireLength : capturedLength);
  cursor.tunnelDepth = 0;
  cursor.ipHeaderCount = 0;
  cursor.network = 0;
  cursor.isOuter = 0;
  cursor.tunnelPorts = tunnelPorts;
  cursor.isPadded = 0;
  cursor.furtherAt = -1;
  return linktype === Linktype.ethernet ? Step.ethernet : beginLink(packet, linktype);
}

/**
 * Where the next packet of the record that was just decoded begins, for decodePacket() with FURTHER_PACKET as its link type;
 * -1 when there is none. All but A-MSDUs (IEEE 802.11) hold one.
 */
export function furtherPacketAt(): number {
  return cursor.furtherAt;
}

function decodeHeader(step: number, packet: Packet): number {
  switch (step) {
    case Step.ethernet:
      return decodeEthernet(cursor, packet);
    case Step.ipv4:
      return decodeIpv4(cursor, packet);
    case Step.tcp:
      return decodeTcp(cursor, packet);
    case Step.udp:
      return decodeUdp(cursor, packet);
    case Step.ipv6:
      return decodeIpv6(cursor, packet);
    case Step.vlan:
      return decodeVlan(cursor, packet);
    case Step.llc:
      return decodeLlc(cursor, packet);
    case Step.arp:
      return decodeArp(cursor, packet);
    case Step.icmp:
      return decodeIcmp(cursor, packet);
    case Step.icmpv6:
      return decodeIcmpv6(cursor, packet);
    case Step.igmp:
      return decodeIgmp(cursor, packet);
    case Step.sctp:
      return decodeSctp(cursor, packet);
    case Step.dccp:
      return decodeDccp(cursor, packet);
    case Step.authentication:
      return decodeAuthentication(cursor, packet);
    case Step.mpls:
      return decodeMpls(cursor, packet);
    default:
      return decodeTunnelOrLink(step, packet);
  }
}

function decodeTunnelOrLink(step: number, packet: Packet): number {
  switch (step) {
    case Step.gre:
      return decodeGre(cursor, packet);
    case Step.vxlan:
      return decodeVxlan(cursor, packet);
    case Step.geneve:
      return decodeGeneve(cursor, packet);
    case Step.teredo:
      return decodeTeredo(cursor, packet);
    case Step.lisp:
      return decodeLisp(cursor, packet);
    case Step.mplsInUdp:
      return decodeMplsInUdp(cursor, packet);
    case Step.gtpU:
      return decodeGtpU(cursor, packet);
    case Step.l2tp:
      return decodeL2tp(cursor, packet);
    case Step.l2tpOverIp:
      return decodeL2tpOverIp(cursor, packet);
    case Step.tzsp:
      return decodeTzsp(cursor, packet);
    case Step.nsh:
      return decodeNsh(cursor, packet);
    case Step.ipv4InIp:
      return enterIpTunnel(packet, Step.ipv4);
    case Step.ipv6InIp:
      return enterIpTunnel(packet, Step.ipv6);
    default:
      return decodeLink(step, packet);
  }
}

function decodeLink(step: number, packet: Packet): number {
  switch (step) {
    case Step.serviceInstance:
      return decodeServiceInstance(cursor, packet);
    case Step.ciscoMetadata:
      return decodeCiscoMetadata(cursor, packet);
    case Step.vnTag:
      return decodeVnTag(cursor, packet);
    case Step.eTag:
      return decodeETag(cursor, packet);
    case Step.fabricPath:
      return decodeFabricPath(cursor, packet);
    case Step.pppoe:
      return decodePppoe(cursor, packet);
    case Step.ppp:
      return decodePpp(cursor, packet);
    case Step.pppHdlc:
      return decodePppHdlc(cursor, packet);
    case Step.pppPppd:
      return decodePppPppd(cursor, packet);
    case Step.pppWithDirection:
      return skipDirection(cursor, packet, Step.pppHdlc);
    case Step.ciscoHdlc:
      return decodeCiscoHdlc(cursor, packet);
    case Step.ciscoHdlcWithDirection:
      return skipDirection(cursor, packet, Step.ciscoHdlc);
    case Step.frameRelay:
      return decodeFrameRelay(cursor, packet);
    case Step.rawIp:
      return stepByIpVersion(cursor, packet, Layer.link);
    case Step.sll:
      return decodeSll(cursor, packet);
    case Step.sll2:
      return decodeSll2(cursor, packet);
    case Step.wifi:
      return decodeWifi(cursor, packet);
    case Step.amsdu:
      return decodeAmsdu(cursor, packet);
    default:
      return decodePseudoLink(step, packet);
  }
}

/** Headers that were on no wire: a capturing system has put them before what it saw. */
function decodePseudoLink(step: number, packet: Packet): number {
  switch (step) {
    case Step.null:
      return decodeNull(cursor, packet);
    case Step.loop:
      return decodeLoop(cursor, packet);
    case Step.nflog:
      return decodeNflog(cursor, packet);
    case Step.pflog:
      return decodePflog(cursor, packet);
    case Step.ppi:
      return decodePpi(cursor, packet);
    case Step.pktap:
      return decodePktap(cursor, packet);
    case Step.radiotap:
      return decodeRadiotap(cursor, packet);
    case Step.prism:
      return decodePrism(cursor, packet);
    case Step.avs:
      return decodeAvs(cursor, packet);
    default:
      return stopUnsupported(packet, Layer.link);
  }
}

function enterIpTunnel(packet: Packet, next: number): number {
  setPayload(cursor, packet, cursor.position);
  const layer = packet.ipVersion === 6 ? Layer.ipv6 : Layer.ipv4;
  return enterTunnel(cursor, packet, layer, next);
}

function resetPacket(packet: Packet): void {
  packet.etherType = -1;
  packet.vlanId = -1;
  packet.virtualNetwork = 0;
  packet.outerIpVersion = 0;
  packet.outerSourceOffset = -1;
  packet.outerDestinationOffset = -1;
  packet.outerIpProtocol = -1;
  packet.outerSourcePort = -1;
  packet.outerDestinationPort = -1;
  packet.outerTcpFlags = -1;
  packet.tunnelDepth = 0;
  packet.ipVersion = 0;
  packet.source0 = 0;
  packet.source1 = 0;
  packet.source2 = 0;
  packet.source3 = 0;
  packet.destination0 = 0;
  packet.destination1 = 0;
  packet.destination2 = 0;
  packet.destination3 = 0;
  packet.ipProtocol = -1;
  packet.ipLength = 0;
  packet.ttl = -1;
  packet.transport = 0;
  forgetTransport(packet);
  packet.arpOffset = -1;
  packet.linkOffset = -1;
  packet.stopReason = 0;
  packet.stopLayer = 0;
  packet.stopNeeded = 0;
  packet.stopAvailable = 0;
}
