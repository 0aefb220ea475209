export type AddressWords = readonly [number, number, number, number];

/** An end of this host of a connection: what sockets are looked up by. Addresses are four words each, as in Packet. */
export interface SocketQuery {
  /** IP protocol: 6 or 17. */
  readonly protocol: number;
  readonly isIpv6: boolean;
  readonly localPort: number;
  readonly remotePort: number;
  readonly local: AddressWords;
  readonly remote: AddressWords;
}

/** A socket of the kernel's. */
export interface SocketEntry {
  /** 0 when no process has it any more. */
  readonly inode: number;
  readonly uid: number;
  /** Of TCP: it waits for connections, and has begun none. */
  readonly isListening: boolean;
}

export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

export function queryKey(query: SocketQuery): string {
  const { protocol, localPort, remotePort, local, remote } = query;
  return `${protocol} ${local.join()} ${localPort} ${remote.join()} ${remotePort}`;
}

/** Who would take what comes to the local end, whoever sent it. */
export function listenerQuery(query: SocketQuery): SocketQuery {
  return { ...query, remote: query.isIpv6 ? [0, 0, 0, 0] : [0, 0, 0xffff, 0], remotePort: 0 };
}

/** fe80::/10, whose sockets the kernel finds only for one device. */
export function isLinkLocal({ isIpv6, local }: SocketQuery): boolean {
  return isIpv6 && local[0] >>> 22 === 0xfe80 >>> 6;
}
