/**
 * Constants and structs of Linux that a packet socket needs, for 64-bit machines (linux/if_packet.h, linux/if_arp.h,
 * linux/filter.h, bits/socket.h). `layout_test.ts` compares them with the C headers.
 *
 *     struct sockaddr_ll    family u16 | protocol u16, big-endian | ifindex i32 | hatype u16 | pkttype u8 | halen u8 | addr 8
 *     struct tpacket_req3   block_size | block_nr | frame_size | frame_nr | retire_blk_tov | sizeof_priv | feature_req_word
 *     struct packet_mreq    ifindex i32 | type u16 | alen u16 | address 8
 *     struct ifreq          name 16 | union 24
 *     struct sock_fprog     len u16 | filter 8
 *     struct ifaddrs        next 0 | name 8 | flags 16 | addr 24 | netmask 32
 */
export const afInet = 2;
export const afPacket = 17;
export const sockRaw = 3;
export const sockDgram = 2;
export const sockCloexec = 0o2000000;
export const solSocket = 1;
export const solPacket = 263;
/** ETH_P_ALL */
export const everyProtocol = 3;

export const SocketOption = { attachFilter: 26, detachFilter: 27, error: 4 } as const;
export const PacketOption = {
  addMembership: 1,
  rxRing: 5,
  statistics: 6,
  version: 10,
  fanout: 18,
  fanoutData: 22,
  ignoreOutgoing: 23,
} as const;
export const tpacketV3 = 2;
/** PACKET_FANOUT_CBPF, and the flag by which a whole group does as `ignoreOutgoing`. */
export const fanoutByProgram = 6;
export const fanoutIgnoresOutgoing = 0x4000;
/** PACKET_FANOUT_FLAG_UNIQUEID */
export const fanoutWithNewId = 0x2000;
export const membershipPromiscuous = 1;

export const SockaddrLl = { protocol: 2, ifindex: 4, size: 20 } as const;
export const PacketMreq = { ifindex: 0, type: 4, size: 16 } as const;
export const TpacketStats = { packets: 0, drops: 4, size: 12 } as const;
export const Ifreq = { value: 16, size: 40 } as const;
export const SockFprog = { length: 0, filter: 8, size: 16 } as const;
export const Ifaddrs = { next: 0, name: 8, flags: 16, addr: 24, netmask: 32 } as const;
/** struct pollfd */
export const Pollfd = { events: 4, revents: 6, size: 8 } as const;

/** `hdr.bh1.block_status` of struct tpacket_block_desc; what the kernel has given over has the lowest bit. */
export const blockStatusOffset = 8;
export const blockIsOurs = 1;

export const IoctlRequest = {
  interfaceFlags: 0x8913,
  hardwareAddress: 0x8927,
  index: 0x8933,
  closeOnExec: 0x5451,
} as const;
export const InterfaceFlag = { up: 0x1, loopback: 0x8, running: 0x40 } as const;
export const pollIn = 1;
export const pollError = 8;

export const Errno = {
  notPermitted: 1,
  interrupted: 4,
  noMemory: 12,
  accessDenied: 13,
  noDevice: 19,
  networkDown: 100,
} as const;

export const mmapFlags = { shared: 0x01, private: 0x02, fixed: 0x10, anonymous: 0x20 } as const;
/** PROT_READ | PROT_WRITE */
export const readWrite = 3;
/** EFD_CLOEXEC | EFD_NONBLOCK */
export const eventFlags = 0o2004000;
