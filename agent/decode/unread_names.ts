/**
 * What decoding stopped at, in words, and whether traffic of hosts can have been in it: the report and the status page say
 * it, so that nobody takes what could not be read for what is not there.
 */
import { Layer, LAYER_NAMES, Unread } from "../records.ts";

/** IEEE 802 EtherTypes that nobody reads; those of `ETHER_TYPES_OF_LINKS` keep a link going and carry nothing of hosts. */
const ETHER_TYPES: Readonly<Record<number, string>> = {
  0x6003: "DECnet",
  0x80f3: "AppleTalk ARP",
  0x809b: "AppleTalk",
  0x8137: "IPX",
  0x880b: "PPP",
  0x8899: "Realtek loop detection",
  0x88a2: "ATA over Ethernet",
  0x88e5: "MACsec",
  0x8906: "Fibre Channel over Ethernet",
};
const ETHER_TYPES_OF_LINKS: Readonly<Record<number, string>> = {
  0x0842: "Wake-on-LAN",
  0x22f0: "AVTP",
  0x22f3: "TRILL",
  0x8808: "Ethernet flow control",
  0x8809: "slow protocols",
  0x8863: "PPPoE discovery",
  0x887b: "HomePlug",
  0x888e: "EAPOL",
  0x8892: "PROFINET",
  0x88a4: "EtherCAT",
  0x88b8: "GOOSE",
  0x88ba: "IEC 61850 sampled values",
  0x88cc: "LLDP",
  0x88e1: "HomePlug AV",
  0x88e3: "MRP",
  0x88f7: "PTP",
  0x8902: "connectivity fault management",
  0x8912: "HomePlug",
  0x893a: "IEEE 1905",
  0x9000: "loop test",
};

const SAPS: Readonly<Record<number, string>> = {
  0x4242: "spanning tree",
  0xaaaa: "SNAP of a manufacturer",
  0xe0e0: "IPX",
  0xf0f0: "NetBIOS",
  0xfefe: "IS-IS",
};
const SAPS_OF_LINKS: readonly number[] = [0x4242, 0xaaaa, 0xfefe];

const PPP_PROTOCOLS: Readonly<Record<number, string>> = {
  0x003d: "multilink",
  0x0053: "encrypted",
  0x00fd: "compressed",
  0x8021: "IPCP",
  0x8057: "IPv6CP",
  0x80fd: "CCP",
  0xc021: "LCP",
  0xc023: "PAP",
  0xc025: "LQR",
  0xc223: "CHAP",
};
/** From here on PPP's numbers are those of its own control protocols (RFC 1661 section 2). */
const PPP_CONTROL_MIN = 0x8000;

const IP_PROTOCOLS: Readonly<Record<number, string>> = {
  8: "EGP",
  9: "IGRP",
  46: "RSVP",
  88: "EIGRP",
  94: "IPIP",
  97: "EtherIP",
  108: "IPComp",
  113: "PGM",
  124: "IS-IS",
  137: "MPLS",
};

/** Layers as people write them, where capitals do not do. */
const LAYERS: Readonly<Record<string, string>> = {
  "ethernet": "Ethernet",
  "sll": "Linux cooked header",
  "sll2": "Linux cooked header",
  "null": "BSD loopback header",
  "link": "link header",
  "ipv4": "IPv4",
  "ipv6": "IPv6",
  "ipv6-extension": "IPv6 extension header",
  "icmpv6": "ICMPv6",
  "geneve": "Geneve",
  "hdlc": "Cisco HDLC",
  "frame-relay": "Frame Relay",
  "wifi": "802.11",
  "teredo": "Teredo",
  "pflog": "pflog",
  "cmd": "Cisco TrustSec",
};

/** In place of a number: the layer itself could not be read. */
function nameOfLayer(layer: number): string {
  const name = LAYER_NAMES[layer];
  return LAYERS[name] ?? name.toUpperCase();
}

/** What was not read at a layer, as "EtherType 0x88cc (LLDP)"; `what` as stopUnsupported() has it. */
export function nameOfUnread(layer: number, what: number): string {
  if (what === 0) return nameOfLayer(layer);
  switch (layer) {
    case Layer.wifi:
      return what === Unread.encrypted ? "encrypted 802.11 data" : "802.11 frames without data";
    case Layer.ppp:
      return `PPP protocol ${named(hex(what), PPP_PROTOCOLS[what])}`;
    case Layer.ipv4:
    case Layer.ipv6:
    case Layer.ah:
      return `IP protocol ${named(String(what), IP_PROTOCOLS[what])}`;
  }
  if (what >= Unread.saps) {
    const saps = what & 0xffff;
    return `LLC ${named(hex(saps), SAPS[saps])}`;
  }
  if (what < 0x0600) return `address family ${what}`;
  return `EtherType ${named(hex(what), ETHER_TYPES[what] ?? ETHER_TYPES_OF_LINKS[what])}`;
}

/** True of frames that keep a link or its neighbours going: no traffic of hosts is in them that could have been read. */
export function isOfLink(layer: number, what: number): boolean {
  if (layer === Layer.wifi) return what === Unread.noData;
  if (layer === Layer.ppp) return what >= PPP_CONTROL_MIN;
  if (what >= Unread.saps) return SAPS_OF_LINKS.includes(what & 0xffff);
  return ETHER_TYPES_OF_LINKS[what] !== undefined;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, "0")}`;
}

function named(number: string, name: string | undefined): string {
  return name === undefined ? number : `${number} (${name})`;
}
