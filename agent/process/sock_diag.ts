/**
 * Questions and answers of sock_diag(7), linux/inet_diag.h: which socket is at one end of a connection.
 *
 *     nlmsghdr: u32 length, u16 type, u16 flags, u32 sequence, u32 port
 *     inet_diag_req_v2: u8 family, u8 protocol, u8 extensions, u8 pad, u32 states, inet_diag_sockid
 *     inet_diag_sockid: be16 source port, be16 destination port, be32 source[4], be32 destination[4], u32 device, u32 cookie[2]
 *     inet_diag_msg: u8 family, u8 state, u8 timer, u8 retransmissions, inet_diag_sockid, u32 expires, u32 receive queue,
 *                    u32 send queue, u32 uid, u32 inode
 *
 * Numbers without "be" have the machine's byte order, which is little-endian on all that we are built for.
 */
import { PROTOCOL_UDP, type SocketEntry, type SocketQuery } from "./socket_query.ts";

const headerBytes = 16;
const requestBytes = headerBytes + 56;
const sockDiagByFamily = 20;
const isRequest = 1;
const nlmsgError = 2;
const afInet = 2;
const afInet6 = 10;
const noCookie = 0xffffffff;
/** TCP_LISTEN */
const listening = 10;
/** Of inet_diag_msg behind the header. */
const uidAt = headerBytes + 64;
const inodeAt = headerBytes + 68;
/** ENOENT and EINVAL tell of the socket; what else fails tells of the question. */
const enoent = -2;

/** A question for one socket; the kernel looks it up as it would for a packet. */
export function encodeQuery(query: SocketQuery): Uint8Array<ArrayBuffer> {
  const { protocol, isIpv6 } = query;
  const view = new DataView(new ArrayBuffer(requestBytes));
  view.setUint32(0, requestBytes, true);
  view.setUint16(4, sockDiagByFamily, true);
  view.setUint16(6, isRequest, true);
  view.setUint8(headerBytes, isIpv6 ? afInet6 : afInet);
  view.setUint8(headerBytes + 1, protocol);
  view.setUint32(headerBytes + 4, 0xffffffff, true);
  // Of UDP "src and dst are swapped for historical reasons" (net/ipv4/udp_diag.c).
  const isSwapped = protocol === PROTOCOL_UDP;
  const local = { port: query.localPort, words: query.local };
  const remote = { port: query.remotePort, words: query.remote };
  const [source, destination] = isSwapped ? [remote, local] : [local, remote];
  view.setUint16(headerBytes + 8, source!.port);
  view.setUint16(headerBytes + 10, destination!.port);
  putAddress(view, headerBytes + 12, source!.words, isIpv6);
  putAddress(view, headerBytes + 28, destination!.words, isIpv6);
  view.setUint32(headerBytes + 48, noCookie, true);
  view.setUint32(headerBytes + 52, noCookie, true);
  return new Uint8Array(view.buffer);
}

function putAddress(view: DataView, at: number, words: readonly number[], isIpv6: boolean): void {
  if (!isIpv6) view.setInt32(at, words[3]!);
  else words.forEach((word, index) => view.setInt32(at + 4 * index, word));
}

/** The socket that an answer tells of; null when there is none. Throws Error when the kernel does not take such questions. */
export function decodeAnswer(answer: Uint8Array): SocketEntry | null {
  if (answer.length < headerBytes + 4) return null;
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  const type = view.getUint16(4, true);
  if (type === nlmsgError) {
    const error = view.getInt32(headerBytes, true);
    if (error === enoent || error === 0) return null;
    throw new Error(`sock_diag answers with error ${-error}`);
  }
  if (type !== sockDiagByFamily || answer.length < inodeAt + 4) return null;
  return {
    uid: view.getUint32(uidAt, true),
    inode: view.getUint32(inodeAt, true),
    isListening: view.getUint8(headerBytes + 1) === listening,
  };
}
