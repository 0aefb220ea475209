/** Where sockets are looked up: the kernel, or where it does not answer the tables in /proc/net. */
import { DiagSocket } from "../../ffi/linux/diag_socket.ts";
import { readKernelFile } from "../../ffi/linux/kernel_file.ts";
import type { ProcessesState } from "../records.ts";
import { PROC_NET_FILES, ProcNetTable } from "./proc_net.ts";
import { decodeAnswer, encodeQuery } from "./sock_diag.ts";
import {
  type AddressWords,
  isLinkLocal,
  listenerQuery,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  type SocketEntry,
  type SocketQuery,
} from "./socket_query.ts";

/** The tables are read again after it. */
const tableMs = 500;

export interface Sockets {
  readonly source: ProcessesState["source"];
  readonly find: (query: SocketQuery) => SocketEntry | null;
  /** Nothing may be asked afterwards. */
  readonly close: () => void;
}

/** `nowMs` is a clock. */
export function openSockets(nowMs: () => number, { isDiagTried = true } = {}): Sockets {
  const tables = openTables(nowMs);
  const diag = isDiagTried ? openDiag() : null;
  if (diag === null) return tables;
  const find = (query: SocketQuery) =>
    diag.find(query) ?? (isLinkLocal(query) ? tables.find(query) : null);
  return { source: diag.source, find, close: diag.close };
}

/** Null where the kernel takes no such questions, be it for UDP alone. */
function openDiag(): Sockets | null {
  try {
    const socket = new DiagSocket();
    const find = (query: SocketQuery) => decodeAnswer(socket.ask(encodeQuery(query)));
    const trial = { isIpv6: false, localPort: 1, remotePort: 1, local: loopback, remote: loopback };
    for (const protocol of [PROTOCOL_TCP, PROTOCOL_UDP]) {
      const answer = socket.ask(encodeQuery({ protocol, ...trial }));
      if (answer.length === 0) throw new Error("no answer");
      decodeAnswer(answer);
    }
    return {
      source: "sock_diag",
      find: (query) => quietly(() => find(query)),
      close: () => socket.close(),
    };
  } catch {
    return null;
  }
}
const loopback: AddressWords = [0, 0, 0xffff, 0x7f000001];

function quietly(find: () => SocketEntry | null): SocketEntry | null {
  try {
    return find();
  } catch {
    return null; // one question the kernel does not take: the flow stays without a process
  }
}

function openTables(nowMs: () => number): Sockets {
  let table = new ProcNetTable();
  let readMs = -Infinity;
  return {
    source: "/proc/net",
    close: () => {},
    find: (query) => {
      if (nowMs() - readMs > tableMs) {
        readMs = nowMs();
        table = new ProcNetTable();
        for (const { name, protocol } of PROC_NET_FILES) {
          table.add(readKernelFile(`/proc/self/net/${name}`) ?? "", protocol);
        }
      }
      return table.find(query) ?? table.find(listenerQuery(query));
    },
  };
}
