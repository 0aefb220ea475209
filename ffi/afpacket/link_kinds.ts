/** What packets of a device look like, by the kind of hardware that the kernel says it is (ARPHRD_, linux/if_arp.h). */

export interface LinkKind {
  /** LINKTYPE_ value. */
  readonly linktype: number;
  /** Packets are taken without their link's header, and get a cooked one (tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html). */
  readonly isCooked: boolean;
  /** Bytes of a frame in front of which a VLAN tag stands that was taken out; 0 where there is no such place. */
  readonly tagOffset: number;
}

const ethernet = 1;
const cooked = 113;

export const cookedLink: LinkKind = { linktype: cooked, isCooked: true, tagOffset: 14 };

/** As libpcap has them (map_arphrd_to_dlt() in pcap-linux.c), so that both captures give the same. */
const linktypeByHardware: ReadonlyMap<number, number> = new Map([
  [1, ethernet],
  [3, 202], // AX.25 with KISS
  [6, 6], // IEEE 802
  [7, 129], // ARCNET
  [15, 101], // Frame Relay DLCI: raw IP
  [18, 122], // IP over Fibre Channel
  [256, 101], // SLIP and its kin, tunnels: raw IP
  [257, 101],
  [258, 101],
  [259, 101],
  [264, 101],
  [280, 227], // CAN
  [513, 104], // Cisco HDLC
  [518, 101],
  [768, 101],
  [770, 107], // Frame Relay
  [772, ethernet], // loopback
  [773, 114], // LocalTalk
  [774, 10], // FDDI
  [776, 101],
  [784, 224], // Fibre Channel
  [785, 224],
  [786, 224],
  [787, 224],
  [800, 6], // Token Ring
  [801, 105], // IEEE 802.11
  [802, 119],
  [803, 127],
  [804, 230], // IEEE 802.15.4
  [826, 271], // vsock
  [0xfffe, 101], // no header: tun, WireGuard
]);
/** Of these the cooked header has a meaning, and a number, of its own. */
const cookedByHardware: ReadonlyMap<number, number> = new Map([
  [783, 144], // IrDA
  [824, 253], // netlink
  [8445, 177], // LAPD
]);

/** PPP and what is not known are taken cooked. */
export function linkKindOf(hardware: number): LinkKind {
  const special = cookedByHardware.get(hardware);
  if (special !== undefined) return { linktype: special, isCooked: true, tagOffset: 0 };
  const linktype = linktypeByHardware.get(hardware);
  if (linktype === undefined) return cookedLink;
  return { linktype, isCooked: false, tagOffset: linktype === ethernet ? 12 : 0 };
}
