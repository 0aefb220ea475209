/**
 * Sockets by /proc/net/{tcp,tcp6,udp,udp6}, proc(5), where the kernel answers no sock_diag: one table for all questions of the
 * next moment.
 *
 *     sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *      0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17542 …
 *
 * Addresses are words of the machine's byte order in hexadecimal.
 */
import {
  type AddressWords,
  listenerQuery,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  queryKey,
  type SocketEntry,
  type SocketQuery,
} from "./socket_query.ts";

export const PROC_NET_FILES = [
  { name: "tcp", protocol: PROTOCOL_TCP },
  { name: "tcp6", protocol: PROTOCOL_TCP },
  { name: "udp", protocol: PROTOCOL_UDP },
  { name: "udp6", protocol: PROTOCOL_UDP },
] as const;
/** Sockets taken of one file. */
const socketsMax = 65_536;
/** TCP_LISTEN */
const listening = "0A";

export class ProcNetTable {
  readonly #sockets = new Map<string, SocketEntry>();

  /** Adds the sockets of a file; lines that are none are passed over. */
  add(text: string, protocol: number): void {
    let count = 0;
    for (const line of text.split("\n")) {
      const socket = readLine(line, protocol);
      if (socket === null || ++count > socketsMax) continue;
      const key = queryKey(socket.query);
      // A socket that a process still has comes before one that waits for its end.
      if (socket.entry.inode !== 0 || !this.#sockets.has(key)) this.#sockets.set(key, socket.entry);
    }
  }

  /** As the kernel would find it: the connection, or else who waits at the port, at the address or at any. */
  find(query: SocketQuery): SocketEntry | null {
    const listener = listenerQuery(query);
    const any = listener.remote;
    // An IPv4 address is one of IPv6 too, and then any peer is written as one of those.
    const ends = [
      query,
      listener,
      { ...listener, remote: none },
      { ...listener, local: any },
      { ...listener, local: none, remote: none },
    ];
    for (const end of ends) {
      const entry = this.#sockets.get(queryKey(end));
      if (entry !== undefined) return entry;
    }
    return null;
  }
}

const none: AddressWords = [0, 0, 0, 0];

function readLine(
  line: string,
  protocol: number,
): { readonly query: SocketQuery; readonly entry: SocketEntry } | null {
  const [, local, remote, state, , , , uid, , inode] = line.trim().split(/\s+/);
  const [here, there] = [readEnd(local ?? ""), readEnd(remote ?? "")];
  if (here === null || there === null || !/^\d+$/.test(inode ?? "")) return null;
  return {
    query: {
      protocol,
      isIpv6: here.isIpv6,
      local: here.words,
      localPort: here.port,
      remote: there.words,
      remotePort: there.port,
    },
    entry: { uid: Number(uid), inode: Number(inode), isListening: state === listening },
  };
}

function readEnd(text: string) {
  const [, address, port] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text) ?? [];
  if (address === undefined) return null;
  const words = Array.from({ length: address.length / 8 }, (_, index) => {
    const word = new DataView(new ArrayBuffer(4));
    word.setUint32(0, parseInt(address.slice(8 * index, 8 * index + 8), 16), true);
    return word.getInt32(0);
  });
  const [word0, word1, word2, word3] = words;
  const isIpv6 = words.length === 4;
  const whole: AddressWords = isIpv6 ? [word0!, word1!, word2!, word3!] : [0, 0, 0xffff, word0!];
  return { isIpv6, words: whole, port: parseInt(port!, 16) };
}
