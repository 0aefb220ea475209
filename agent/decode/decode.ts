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
  decodeETag,
  decodeEthernet,
  decodeFabricPath,
  decodeLlc,
  decodeVlan,
  decodeVnTag,
} from "./ethernet.ts";
import { decodeIcmp, decodeIcmpv6, decodeIgmp } from "./icmp.ts";
import { forgetTransport } from "./ip.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import {
  decodeLoop,
  decodeNflog,
  decodeNull,
  decodeRadiotap,
  decodeSll,
  decodeSll2,
  decodeWifi,
} from "./links.ts";
import { decodeMpls } from "./mpls.ts";
import { decodeCiscoHdlc, decodeFrameRelay, decodePpp, decodePppHdlc, decodePppoe } from "./ppp.ts";
import { decodeDccp, decodeSctp } from "./sctp.ts";
import { Step } from "./step.ts";
import { decodeTcp } from "./tcp.ts";
import { decodeGeneve, decodeGre, decodeTeredo, decodeVxlan, decodeVxlanGpe } from "./tunnels.ts";
import { decodeUdp } from "./udp.ts";

const cursor = new Cursor();

/**
 * Decodes the packet at `offset` of `bytes` into `packet`, all of whose fields are set anew.
 *
 * @param capturedLength bytes of the packet that are there; they must lie within `bytes`
 * @param wireLength length that the packet had, as its capture says
 * @param linktype LINKTYPE_ value
 */
export function decodePacket(
  bytes: Uint8Array,
  offset: number,
  capturedLength: number,
  wireLength: number,
  linktype: number,
  packet: Packet,
): void {
  resetPacket(packet);
  cursor.bytes = bytes;
  cursor.position = offset;
  cursor.capturedEnd = offset + capturedLength;
  cursor.declaredEnd = offset + (wireLength > capturedLength ? wireLength : capturedLength);
  cursor.tunnelDepth = 0;
  cursor.ipHeaderCount = 0;
  cursor.isOuter = 0;
  let step = linktype === Linktype.ethernet ? Step.ethernet : stepOfLinktype(linktype);
  while (step !== Step.done) step = decodeHeader(step, packet);
}

function stepOfLinktype(linktype: number): number {
  switch (linktype) {
    case Linktype.null:
      return Step.null;
    case Linktype.ethernet:
      return Step.ethernet;
    case Linktype.ppp:
      return Step.ppp;
    case Linktype.rawBsd:
    case Linktype.rawOpenBsd:
    case Linktype.raw:
      return Step.rawIp;
    case Linktype.pppHdlc:
      return Step.pppHdlc;
    case Linktype.ciscoHdlc:
      return Step.ciscoHdlc;
    case Linktype.ieee80211:
      return Step.wifi;
    case Linktype.frameRelay:
      return Step.frameRelay;
    case Linktype.loop:
      return Step.loop;
    case Linktype.linuxSll:
      return Step.sll;
    case Linktype.radiotap:
      return Step.radiotap;
    case Linktype.ipv4:
      return Step.ipv4;
    case Linktype.ipv6:
      return Step.ipv6;
    case Linktype.nflog:
      return Step.nflog;
    case Linktype.linuxSll2:
      return Step.sll2;
    default:
      return Step.unknown;
  }
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
    case Step.vxlanGpe:
      return decodeVxlanGpe(cursor, packet);
    case Step.geneve:
      return decodeGeneve(cursor, packet);
    case Step.teredo:
      return decodeTeredo(cursor, packet);
    case Step.ipv4InIp:
      return enterIpTunnel(packet, Step.ipv4);
    case Step.ipv6InIp:
      return enterIpTunnel(packet, Step.ipv6);
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
    case Step.null:
      return decodeNull(cursor, packet);
    case Step.loop:
      return decodeLoop(cursor, packet);
    case Step.sll:
      return decodeSll(cursor, packet);
    case Step.sll2:
      return decodeSll2(cursor, packet);
    case Step.rawIp:
      return stepByIpVersion(cursor, packet, Layer.link);
    case Step.pppHdlc:
      return decodePppHdlc(cursor, packet);
    case Step.ciscoHdlc:
      return decodeCiscoHdlc(cursor, packet);
    case Step.frameRelay:
      return decodeFrameRelay(cursor, packet);
    case Step.nflog:
      return decodeNflog(cursor, packet);
    case Step.radiotap:
      return decodeRadiotap(cursor, packet);
    case Step.wifi:
      return decodeWifi(cursor, packet);
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
