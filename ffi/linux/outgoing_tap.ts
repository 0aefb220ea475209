/**
 * The first packets of what this host begins, at the moment that it sends them, packet(7): segments of TCP with SYN alone, and
 * DNS queries over UDP. A filter in the kernel drops all else. Needs CAP_NET_RAW.
 */
import { CAP_NET_RAW, withCapability } from "./capability.ts";
import { checkCall, libc } from "./libc.ts";

const afPacket = 17;
/** Without link header; not to be waited for; closed on exec. */
const datagram = 2 | 0o4000 | 0o2000000;
/** htons(ETH_P_ALL): other protocols are not told of what goes out. */
const allProtocols = 0x0300;
const solSocket = 1;
const soRcvbuf = 8;
const soAttachFilter = 26;
/** A few hundred packets: when more wait, the kernel drops. */
const roomBytes = 256 * 1024;

/** Bytes of a packet that are kept: IPv6 and TCP headers, and what may stand between. */
export const TAP_BYTES = 128;

export class OutgoingTap {
  /** To wait at for packets. */
  readonly handle: number;
  #isClosed = false;

  /** Throws Error without the right. */
  constructor() {
    this.handle = withCapability(CAP_NET_RAW, () => libc().socket(afPacket, datagram, 0));
    checkCall("socket", this.handle);
    this.#setUp();
  }

  /** Copies the next packet from its IP header on; returns its bytes, 0 when none waits. */
  next(packet: Uint8Array<ArrayBuffer>): number {
    if (this.#isClosed) return 0;
    return Math.max(0, Number(libc().recv(this.handle, packet, BigInt(packet.length), 0)));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    libc().close(this.handle);
  }

  #setUp(): void {
    const { setsockopt, bind } = libc();
    const room = new Uint8Array(Int32Array.of(roomBytes).buffer);
    checkCall("setsockopt", setsockopt(this.handle, solSocket, soRcvbuf, room, 4));
    const { program, length } = tapFilter();
    // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
    const fprog = new DataView(new ArrayBuffer(16));
    fprog.setUint16(0, length, true);
    fprog.setBigUint64(8, Deno.UnsafePointer.value(Deno.UnsafePointer.of(program)), true);
    const bytes = new Uint8Array(fprog.buffer);
    checkCall("setsockopt", setsockopt(this.handle, solSocket, soAttachFilter, bytes, 16));
    // struct sockaddr_ll { unsigned short sll_family; __be16 sll_protocol; int sll_ifindex; … }: of all devices.
    const address = new DataView(new ArrayBuffer(20));
    address.setUint16(0, afPacket, true);
    address.setUint16(2, allProtocols, true);
    checkCall("bind", bind(this.handle, new Uint8Array(address.buffer), 20));
  }
}

/** Classic BPF from the IP header on, with labels; linux/filter.h. */
export function tapFilter(): {
  readonly program: Uint8Array<ArrayBuffer>;
  readonly length: number;
} {
  const [ld, ldh, ldb, ldbX, ldhX, ldxIhl, and, jeq, jset, ret] = [
    0x20,
    0x28,
    0x30,
    0x50,
    0x48,
    0xb1,
    0x54,
    0x15,
    0x45,
    0x06,
  ];
  /** SKF_AD_OFF + SKF_AD_PKTTYPE; PACKET_OUTGOING. */
  const packetType = 0xfffff004;
  const outgoing = 4;
  const accept = 27;
  const drop = 28;
  /** Operation, value, and where to go from a jump if it holds, and if not. */
  const code: readonly (readonly [number, number, number?, number?])[] = [
    /*  0 */ [ld, packetType],
    /*  1 */ [jeq, outgoing, 2, drop],
    /*  2 */ [ldb, 0],
    /*  3 */ [and, 0xf0],
    /*  4 */ [jeq, 0x40, 6, 5],
    /*  5 */ [jeq, 0x60, 18, drop],
    /*  6 */ [ldh, 6],
    /*  7 */ [jset, 0x1fff, drop, 8],
    /*  8 */ [ldxIhl, 0],
    /*  9 */ [ldb, 9],
    /* 10 */ [jeq, 17, 11, 13],
    /* 11 */ [ldhX, 2],
    /* 12 */ [jeq, 53, accept, drop],
    /* 13 */ [jeq, 6, 14, drop],
    /* 14 */ [ldbX, 13],
    /* 15 */ [and, 0x12],
    /* 16 */ [jeq, 0x02, accept, drop],
    /* 17 */ [ret, 0],
    /* 18 */ [ldb, 6],
    /* 19 */ [jeq, 17, 20, 22],
    /* 20 */ [ldh, 42],
    /* 21 */ [jeq, 53, accept, drop],
    /* 22 */ [jeq, 6, 23, drop],
    /* 23 */ [ldb, 53],
    /* 24 */ [and, 0x12],
    /* 25 */ [jeq, 0x02, accept, drop],
    /* 26 */ [ret, 0],
    /* 27 */ [ret, TAP_BYTES],
    /* 28 */ [ret, 0],
  ];
  const view = new DataView(new ArrayBuffer(8 * code.length));
  code.forEach(([operation, value, yes, no], at) => {
    view.setUint16(8 * at, operation, true);
    if (yes !== undefined) view.setUint8(8 * at + 2, yes - at - 1);
    if (no !== undefined) view.setUint8(8 * at + 3, no - at - 1);
    view.setUint32(8 * at + 4, value, true);
  });
  return { program: new Uint8Array(view.buffer), length: code.length };
}
