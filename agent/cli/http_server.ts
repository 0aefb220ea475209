/**
 * HTTP on a listener of our own. `Deno.serve()` accepts without a bound, and ends, and the program with it, at the first connection
 * for which the process has no handle left (Deno 2.7.11). Here that one waits; connections are bounded, and those that ask
 * nothing are closed.
 */

/** At one time; a process has 1,024 handles as systems come, and some 100 are needed elsewhere. */
export const connectionsMax = 400;
/** Longest that a connection is kept without a request under way. */
const idleMsMax = 60_000;
const sweepMs = 5000;
/** When one cannot be accepted so many handles are freed, as long as so many connections are left, … */
const spareHandles = 20;
const leastConnections = 10;
/** … and so long is waited before the next try. */
const pauseMs = 20;
/** So long after its end an answer is on its way. */
const settleMs = 50;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface ConnectionServer {
  readonly finished: Promise<void>;
  /** Only once it has failed: before, Deno panics. */
  readonly shutdown: () => Promise<void>;
}

/** What `Deno.serve()` does with each connection; not in Deno's types. */
interface Internals {
  readonly serveHttpOnConnection: (
    connection: Deno.Conn,
    /** As much of an AbortSignal as this asks of it; that one would tell of an end that comes too late as uncaught. */
    signal: { readonly addEventListener: (type: "abort", cancel: () => void) => void },
    handler: Deno.ServeHandler,
    onError: (error: unknown) => Response,
    onListen: () => void,
  ) => ConnectionServer;
}
const { internal } = Deno as unknown as { readonly internal: keyof typeof Deno };
const { serveHttpOnConnection } = Deno[internal] as unknown as Internals;

/** What a connection does, the first to be closed first. */
const enum Doing {
  nothing,
  asking,
  reading,
}

class Connection {
  readonly address: string;
  readonly server: ConnectionServer;
  #cancel: () => void = () => {};
  readonly #handler: Deno.ServeHandler;
  #asked = 0;
  #read = 0;
  /** When it last began or ended something. */
  sinceMs = performance.now();

  constructor(connection: Deno.TcpConn, handler: Deno.ServeHandler) {
    this.address = connection.remoteAddr.hostname;
    this.#handler = handler;
    this.server = serveHttpOnConnection(
      connection,
      { addEventListener: (_, cancel) => void (this.#cancel = cancel) },
      (request, info) => this.#answer(request, info),
      failure,
      () => {},
    );
  }

  get doing(): Doing {
    return this.#asked > 0 ? Doing.asking : this.#read > 0 ? Doing.reading : Doing.nothing;
  }

  close(): void {
    try {
      this.#cancel();
    } catch {
      // the other side has closed it
    }
  }

  async #answer(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
    this.sinceMs = performance.now();
    this.#asked++;
    try {
      return await this.#handler(request, info);
    } finally {
      this.#asked--;
      this.#read++;
      const end = () => {
        this.#read--;
        this.sinceMs = performance.now();
      };
      info.completed.then(end, end);
    }
  }
}

/** EMFILE and ENFILE, errno(3). */
function isOutOfHandles(error: unknown): boolean {
  return /\(os error 2[34]\)/.test(String(error));
}

function failure(error: unknown): Response {
  console.error(error);
  return new Response("This could not be answered; the log of tapwatch says why.\n", {
    status: 500,
  });
}

export class HttpServer {
  readonly #listener: Deno.TcpListener;
  readonly #handler: Deno.ServeHandler;
  readonly #connections = new Set<Connection>();
  /** Of these, and of those that were closed and have not ended. */
  readonly #ends = new Set<Promise<void>>();
  readonly #sweeper: number;
  /** Connections that the process has handles for. */
  #most = connectionsMax;
  #isClosed = false;

  /** Binds the port. Throws what Deno.listen() throws. */
  constructor(options: Deno.TcpListenOptions, handler: Deno.ServeHandler) {
    this.#listener = Deno.listen(options);
    this.#handler = handler;
    this.#sweeper = setInterval(() => {
      this.#closeIdle(idleMsMax);
      this.#most = Math.min(connectionsMax, this.#most + spareHandles);
    }, sweepMs);
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Takes no more and lets answers end, `graceMs` long at most. */
  async stop(graceMs: number): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    this.#listener.close();
    const endMs = performance.now() + graceMs;
    while (this.#connections.size > 0 && performance.now() < endMs) {
      this.#closeIdle(settleMs);
      await sleep(settleMs);
    }
    for (const connection of this.#connections) connection.close();
    await Promise.all(this.#ends);
  }

  async #accept(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#take(await this.#listener.accept());
      } catch (error) {
        if (this.#isClosed) return;
        if (isOutOfHandles(error)) this.#makeRoom();
        await sleep(pauseMs);
      }
    }
  }

  /** The rest of the program needs handles too. */
  #makeRoom(): void {
    this.#most = Math.max(leastConnections, this.#connections.size - spareHandles);
    while (this.#connections.size > this.#most) this.#closeOne();
  }

  #take(accepted: Deno.TcpConn): void {
    accepted.setNoDelay(true);
    if (this.#connections.size >= this.#most) this.#closeOne();
    const connection = new Connection(accepted, this.#handler);
    this.#connections.add(connection);
    const { server } = connection;
    // One that ends in the middle of a request keeps its memory until this.
    const ended = server.finished.catch(() => server.shutdown()).catch(() => {}).then(() => {
      this.#connections.delete(connection);
      this.#ends.delete(ended);
    });
    this.#ends.add(ended);
  }

  /** The one that does least; of these one of the address that has most, of these the one that has done it for longest. */
  #closeOne(): void {
    const counts = new Map<string, number>();
    for (const { address } of this.#connections) {
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    const [victim] = [...this.#connections].sort((a, b) =>
      a.doing - b.doing || counts.get(b.address)! - counts.get(a.address)! || a.sinceMs - b.sinceMs
    );
    if (victim === undefined) return;
    this.#connections.delete(victim);
    victim.close();
  }

  #closeIdle(idleMs: number): void {
    const earliestMs = performance.now() - idleMs;
    for (const connection of this.#connections) {
      if (connection.doing === Doing.nothing && connection.sinceMs <= earliestMs) {
        connection.close();
      }
    }
  }
}
