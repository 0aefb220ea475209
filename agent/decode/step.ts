/** What the next header is, as each header tells the loop in decode.ts, and the numbers that choose it. */
import { Linktype } from "../records.ts";

/** The header to decode next. */
export const Step = {
  done: 0,
  ethernet: 1,
  vlan: 2,
  llc: 3,
  pppoe: 4,
  ppp: 5,
  mpls: 6,
  arp: 7,
  ipv4: 8,
  ipv6: 9,
  authentication: 10,
  tcp: 11,
  udp: 12,
  icmp: 13,
  icmpv6: 14,
  igmp: 15,
  sctp: 16,
  dccp: 17,
  gre: 18,
  vxlan: 19,
  geneve: 20,
  teredo: 21,
  ipv4InIp: 22,
  ipv6InIp: 23,
  null: 24,
  loop: 25,
  sll: 26,
  sll2: 27,
  ciscoHdlc: 28,
  frameRelay: 29,
  pppHdlc: 30,
  radiotap: 31,
  wifi: 32,
  nflog: 33,
  rawIp: 34,
  vnTag: 35,
  eTag: 36,
  fabricPath: 37,
  serviceInstance: 38,
  ppi: 39,
  pktap: 40,
  pflog: 41,
  prism: 42,
  avs: 43,
  amsdu: 44,
  pppPppd: 45,
  pppWithDirection: 46,
  ciscoHdlcWithDirection: 47,
  gtpU: 48,
  l2tp: 49,
  l2tpOverIp: 50,
  tzsp: 51,
  nsh: 52,
  ciscoMetadata: 53,
  lisp: 54,
  mplsInUdp: 55,
  /** Known by name, and nothing in it is read: OSPF, ESP, no next header … */
  opaque: 98,
  /** Nothing is known of it. */
  unknown: 99,
} as const;

/** In place of a link type: a packet that shares its frame with the one before it. */
export const FURTHER_PACKET = -1;

/** LINKTYPE_ or DLT_ value to step; Step.unknown for the rest. */
export function stepOfLinktype(linktype: number): number {
  return STEP_OF_LINKTYPE.get(linktype) ?? Step.unknown;
}

const STEP_OF_LINKTYPE: ReadonlyMap<number, number> = new Map([
  [Linktype.null, Step.null],
  [Linktype.ethernet, Step.ethernet],
  // Some capture Cisco's framing under PPP's number.
  [Linktype.ppp, Step.pppHdlc],
  [Linktype.pppHdlc, Step.pppHdlc],
  [Linktype.pppoe, Step.pppoe],
  [Linktype.pppPppd, Step.pppPppd],
  [Linktype.pppWithDirection, Step.pppWithDirection],
  [Linktype.ciscoHdlc, Step.ciscoHdlc],
  [Linktype.ciscoHdlcWithDirection, Step.ciscoHdlcWithDirection],
  [Linktype.frameRelay, Step.frameRelay],
  [Linktype.rawBsd, Step.rawIp],
  [Linktype.rawOpenBsd, Step.rawIp],
  [Linktype.raw, Step.rawIp],
  [Linktype.ipv4, Step.ipv4],
  [Linktype.ipv6, Step.ipv6],
  [Linktype.loop, Step.loop],
  [Linktype.linuxSll, Step.sll],
  [Linktype.linuxSll2, Step.sll2],
  [Linktype.nflog, Step.nflog],
  [Linktype.pflog, Step.pflog],
  [Linktype.ppi, Step.ppi],
  [Linktype.pktap, Step.pktap],
  [Linktype.pktapAsUser2, Step.pktap],
  [Linktype.ieee80211, Step.wifi],
  [Linktype.radiotap, Step.radiotap],
  [Linktype.prism, Step.prism],
  [Linktype.avs, Step.avs],
  [FURTHER_PACKET, Step.amsdu],
]);

/** EtherType (IEEE 802 numbers) to step; Step.unknown for the rest. */
export function stepOfEtherType(etherType: number): number {
  switch (etherType) {
    case 0x0800:
      return Step.ipv4;
    case 0x86dd:
      return Step.ipv6;
    case 0x0806: // ARP
    case 0x8035: // RARP, same format
      return Step.arp;
    case 0x8100: // 802.1Q
    case 0x88a8: // 802.1ad
    case 0x9100: // QinQ before 802.1ad
      return Step.vlan;
    case 0x8847:
    case 0x8848:
      return Step.mpls;
    case 0x8864:
      return Step.pppoe;
    case 0x88e7:
      return Step.serviceInstance;
    case 0x8903:
      return Step.fabricPath;
    case 0x8909:
      return Step.ciscoMetadata;
    case 0x8926:
      return Step.vnTag;
    case 0x893f:
      return Step.eTag;
    case 0x894f:
      return Step.nsh;
    default:
      return Step.unknown;
  }
}

/** PPP protocol (IANA PPP numbers) to step. */
export function stepOfPppProtocol(protocol: number): number {
  switch (protocol) {
    case 0x0021:
      return Step.ipv4;
    case 0x0057:
      return Step.ipv6;
    case 0x0281:
    case 0x0283:
      return Step.mpls;
    default:
      return Step.unknown;
  }
}

/** IP protocol number (IANA) to step, by table because it is asked for every packet. */
export const STEP_OF_IP_PROTOCOL = new Uint8Array(256).fill(Step.unknown);
STEP_OF_IP_PROTOCOL[1] = Step.icmp;
STEP_OF_IP_PROTOCOL[2] = Step.igmp;
STEP_OF_IP_PROTOCOL[4] = Step.ipv4InIp;
STEP_OF_IP_PROTOCOL[6] = Step.tcp;
STEP_OF_IP_PROTOCOL[17] = Step.udp;
STEP_OF_IP_PROTOCOL[33] = Step.dccp;
STEP_OF_IP_PROTOCOL[41] = Step.ipv6InIp;
STEP_OF_IP_PROTOCOL[47] = Step.gre;
STEP_OF_IP_PROTOCOL[50] = Step.opaque; // ESP
STEP_OF_IP_PROTOCOL[51] = Step.authentication;
STEP_OF_IP_PROTOCOL[58] = Step.icmpv6;
STEP_OF_IP_PROTOCOL[59] = Step.opaque; // no next header
STEP_OF_IP_PROTOCOL[89] = Step.opaque; // OSPF
STEP_OF_IP_PROTOCOL[103] = Step.opaque; // PIM
STEP_OF_IP_PROTOCOL[112] = Step.opaque; // VRRP
STEP_OF_IP_PROTOCOL[115] = Step.l2tpOverIp;
STEP_OF_IP_PROTOCOL[132] = Step.sctp;
STEP_OF_IP_PROTOCOL[136] = Step.udp; // UDP-Lite
