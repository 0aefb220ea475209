/**
 * Who begins connections of TCP, as the kernel tells it: a socket goes to SYN_SENT while its process runs, but has its port only
 * later; when it leaves that state, whoever runs then, the ends are known. So even a connection that is refused at once has its process.
 */
import type { PerfRing } from "../../ffi/linux/perf_ring.ts";
import {
  type ConnectEvent,
  type ConnectFormat,
  readConnectEvent,
  readLost,
  TCP_SYN_SENT,
} from "./connect_events.ts";
import { remember } from "./remember.ts";
import { type AddressWords, PROTOCOL_TCP, type SocketQuery } from "./socket_query.ts";

export interface ConnectTraceOptions<P> {
  /** One a processor. */
  readonly rings: readonly Pick<PerfRing, "drain">[];
  readonly format: ConnectFormat;
  /** Called at once, for the process may be gone soon. Null when it is not one that is told of. */
  readonly describe: (pid: number) => P | null;
  /** A connection has its process; `atMs` is when it began, of the clock of events. */
  readonly onConnect: (query: SocketQuery, process: P, atMs: number) => void;
  /** Rises. */
  readonly nowMs: () => number;
}

/** Sockets in SYN_SENT that are remembered: these may be as many as a scan has open, and filtered ports stay so for minutes. */
const openMax = 16_384;
/** Ends that were connected to, for as long as the first segment may take to be sent. */
const remotesMax = 8192;
const remoteMs = 1000;
/** Rings are read one after the other, so the second event of a socket may be read before its first. */
const readsMax = 3;

export class ConnectTrace<P> {
  /** Records that the kernel had no room for. */
  lost = 0;
  readonly #options: ConnectTraceOptions<P>;
  readonly #open = new Map<number, { readonly process: P | null; readonly atMs: number }>();
  readonly #remotes = new Map<string, number>();

  constructor(options: ConnectTraceOptions<P>) {
    this.#options = options;
  }

  /** Takes what has been told since; false when that was nothing. */
  take(): boolean {
    let events = this.#read();
    const isAny = events.length > 0;
    for (let reads = 1; events.length > 0; reads++) {
      const early = this.#follow(events);
      if (early.length === 0 || reads === readsMax) break;
      // What is still unknown after that had begun before all this, or its beginning was lost.
      const others = this.#read();
      events = others.length > 0 ? [...early, ...others] : [];
    }
    return isAny;
  }

  /** Whether a process, of this host's network or another, has lately begun a connection to a remote end. */
  hasBegun({ remote, remotePort }: SocketQuery): boolean {
    const atMs = this.#remotes.get(remoteKey(remote, remotePort));
    return atMs !== undefined && this.#options.nowMs() - atMs < remoteMs;
  }

  #read(): ConnectEvent[] {
    const { rings, format } = this.#options;
    const events: ConnectEvent[] = [];
    for (const ring of rings) {
      ring.drain((type, record) => {
        const event = readConnectEvent(type, record, format);
        if (event !== null) events.push(event);
        else this.lost += readLost(type, record);
      });
    }
    return events;
  }

  /** Returns the events of sockets whose beginning is not known. */
  #follow(events: ConnectEvent[]): ConnectEvent[] {
    events.sort((a, b) => a.timeMs - b.timeMs);
    return events.filter((event) => {
      if (event.newState !== TCP_SYN_SENT) return !this.#leaves(event);
      this.#begins(event);
      return false;
    });
  }

  #begins({ socket, pid, timeMs, remote, remotePort }: ConnectEvent): void {
    const process = pid === 0 ? null : this.#options.describe(pid);
    remember(this.#open, socket, { process, atMs: timeMs }, openMax);
    remember(this.#remotes, remoteKey(remote, remotePort), this.#options.nowMs(), remotesMax);
  }

  /** False when its beginning is not known. */
  #leaves(event: ConnectEvent): boolean {
    const begun = this.#open.get(event.socket);
    if (begun === undefined) return false;
    this.#open.delete(event.socket);
    // Without a port it has never been sent.
    if (begun.process === null || event.localPort === 0) return true;
    this.#options.onConnect(queryOf(event), begun.process, begun.atMs);
    return true;
  }
}

function queryOf({ local, localPort, remote, remotePort }: ConnectEvent): SocketQuery {
  const isIpv4 = local[0] === 0 && local[1] === 0 && local[2] === 0xffff;
  return { protocol: PROTOCOL_TCP, isIpv6: !isIpv4, local, localPort, remote, remotePort };
}

function remoteKey(remote: AddressWords, port: number): string {
  return `${remote.join()} ${port}`;
}
