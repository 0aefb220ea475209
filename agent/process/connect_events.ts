/**
 * Records of the tracepoint sock:inet_sock_set_state (include/trace/events/sock.h): states of TCP sockets of the whole host.
 *
 *     PERF_RECORD_SAMPLE: header | u32 process, u32 thread | u64 time in ns | u32 size | fields, where tracefs' `format` says
 *     PERF_RECORD_LOST:   header | u64 event | u64 records that found no room
 */
import type { AddressWords } from "./socket_query.ts";

/** As the kernel counts them, include/net/tcp_states.h. */
export const TCP_SYN_SENT = 2;
/** What begins a connection, and what ends that it begins: established, refused or given up. */
export const CONNECT_FILTER =
  `protocol == 6 && (newstate == ${TCP_SYN_SENT} || oldstate == ${TCP_SYN_SENT})`;
export const CONNECT_TRACEPOINT = "sock/inet_sock_set_state";

/** PERF_RECORD_… */
const sampleType = 9;
const lostType = 2;
const lostAt = 16;
const headerBytes = 8;
const timeAt = headerBytes + 8;
const fieldsAt = timeAt + 8 + 4;

/** Where fields stand in a record, from its start, and where the last ends. */
export interface ConnectFormat {
  readonly socket: number;
  readonly oldState: number;
  readonly newState: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly local: number;
  readonly remote: number;
  readonly end: number;
}

export interface ConnectEvent {
  /** By CLOCK_MONOTONIC. */
  readonly timeMs: number;
  /** The process that runs just then: of a connection that begins, whoever begins it. 0 when it is not of this namespace. */
  readonly pid: number;
  /** A number that the socket has as long as it lives. */
  readonly socket: number;
  readonly oldState: number;
  readonly newState: number;
  /** 0 while it has none. */
  readonly localPort: number;
  readonly remotePort: number;
  readonly local: AddressWords;
  readonly remote: AddressWords;
}

/** Reads a `format` file of tracefs; null where the tracepoint does not have what is read here. */
export function readConnectFormat(text: string): ConnectFormat | null {
  const fields = new Map<string, { readonly offset: number; readonly size: number }>();
  for (const line of text.split("\n")) {
    const [, name, offset, size] =
      /^\s*field:[^;]*?(\w+)(?:\[\d+\])?;\s*offset:(\d+);\s*size:(\d+);/.exec(line) ?? [];
    if (name !== undefined) fields.set(name, { offset: Number(offset), size: Number(size) });
  }
  let end = 0;
  let isWhole = true;
  const at = (name: string, size: number) => {
    const field = fields.get(name);
    if (field?.size !== size) isWhole = false;
    const offset = fieldsAt + (field?.offset ?? 0);
    end = Math.max(end, offset + size);
    return offset;
  };
  const format = {
    socket: at("skaddr", 8),
    oldState: at("oldstate", 4),
    newState: at("newstate", 4),
    localPort: at("sport", 2),
    remotePort: at("dport", 2),
    local: at("saddr_v6", 16),
    remote: at("daddr_v6", 16),
  };
  return isWhole ? { ...format, end } : null;
}

/** Null for records of other types. */
export function readConnectEvent(
  type: number,
  record: DataView,
  format: ConnectFormat,
): ConnectEvent | null {
  if (type !== sampleType || record.byteLength < format.end) return null;
  const words = (at: number): AddressWords => [
    record.getInt32(at),
    record.getInt32(at + 4),
    record.getInt32(at + 8),
    record.getInt32(at + 12),
  ];
  return {
    timeMs: Number(record.getBigUint64(timeAt, true)) / 1e6,
    pid: Math.max(0, record.getInt32(headerBytes, true)),
    // The high bits of all addresses of the kernel are the same.
    socket: (record.getUint32(format.socket + 4, true) & 0xfffff) * 2 ** 32 +
      record.getUint32(format.socket, true),
    oldState: record.getInt32(format.oldState, true),
    newState: record.getInt32(format.newState, true),
    localPort: record.getUint16(format.localPort, true),
    remotePort: record.getUint16(format.remotePort, true),
    // Of IPv4 too, as IPv6 writes it.
    local: words(format.local),
    remote: words(format.remote),
  };
}

/** Records that a record says were lost; 0 of other types. */
export function readLost(type: number, record: DataView): number {
  if (type !== lostType || record.byteLength < lostAt + 8) return 0;
  return Number(record.getBigUint64(lostAt, true));
}
