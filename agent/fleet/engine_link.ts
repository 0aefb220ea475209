/**
 * A connection to the engine that comes back by itself: after it is lost, refused or revoked it is tried again for ever, each
 * time after a random wait of up to a minute (full jitter), so that a thousand agents do not return at one moment. The NATS client, which is loaded
 * here and nowhere else, gives up for good when its credential is refused; so each connection is a new one.
 */
import type { NatsConnection } from "@nats-io/nats-core";
import type { Credentials } from "./credentials.ts";
import { type FleetServer, isLoopbackHost, readServer, serverText } from "./servers.ts";
import { DenoTransport } from "./transport.ts";

/**
 * `rejected`: the engine does not (or no longer) know the credential; `down`: it cannot be reached, or what answers is none that
 * may be trusted.
 */
export type LinkState = "connecting" | "connected" | "down" | "rejected";

export interface EngineLinkOptions {
  readonly servers: readonly string[];
  /** Read anew for each try, since who was revoked may be enrolled again. Throws UsageError. */
  readonly credentials: () => Credentials;
  /** A new connection, to subscribe with; what it throws ends the connection. */
  readonly onConnected: (connection: NatsConnection) => void | Promise<void>;
  /** `detail` is a part of a sentence; "" while all is well. */
  readonly onState: (state: LinkState, detail: string) => void;
  /** Longest wait before a try; the first of all has none. */
  readonly waitMs?: number;
  readonly sleep?: (ms: number) => Promise<void>;
}

const dialTimeoutMs = 20_000;
const reconnectMs = 60_000;
const pingMs = 20_000;
const lastFlushMs = 1000;

export class EngineLink {
  readonly #options: EngineLinkOptions;
  #connection: NatsConnection | null = null;
  #isStopped = false;
  readonly #stop = Promise.withResolvers<void>();
  #retries = 0;

  constructor(options: EngineLinkOptions) {
    this.#options = options;
    this.#run();
  }

  /** Null while there is none. */
  get connection(): NatsConnection | null {
    return this.#connection;
  }

  /** Connections that were made after the first. */
  get reconnects(): number {
    return this.#retries;
  }

  /** Sends what has been handed over, for a second at most, and ends. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stop.resolve();
    const connection = this.#connection;
    if (connection === null) return;
    await flushed(connection);
    await connection.close();
  }

  async #run(): Promise<void> {
    const { waitMs = reconnectMs, onState } = this.#options;
    for (let tries = 0, isFirst = true; !this.#isStopped; tries++) {
      if (tries > 0) await this.#wait(Math.random() * waitMs);
      if (this.#isStopped) return;
      if (tries > 0) onState("connecting", "");
      let failure: unknown;
      try {
        const connection = await connectEngine({
          servers: this.#options.servers,
          credentials: this.#options.credentials(),
        });
        this.#connection = connection;
        if (!isFirst) this.#retries++;
        isFirst = false;
        tries = 0;
        await this.#options.onConnected(connection);
        onState("connected", "");
        failure = await connection.closed();
      } catch (error) {
        failure = error;
        await this.#connection?.close();
      }
      this.#connection = null;
      if (!this.#isStopped) onState(...stateOf(failure));
    }
  }

  #wait(ms: number): Promise<unknown> {
    const { sleep } = this.#options;
    if (sleep) return sleep(ms);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    return Promise.race([promise, this.#stop.promise]).finally(() => clearTimeout(timer));
  }
}

/** What the client has not yet written it forgets when it is closed. */
async function flushed(connection: NatsConnection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, lastFlushMs);
  // A connection that is lost has nothing to flush to.
  await Promise.race([promise, connection.flush().catch(() => {})]);
  clearTimeout(timer);
}

/** Connects once, or throws what stands against it. */
export async function connectEngine(
  { servers, credentials }: {
    readonly servers: readonly string[];
    readonly credentials: Credentials;
  },
): Promise<NatsConnection> {
  const { NatsConnectionImpl, nkeyAuthenticator, setTransportFactory } = await import(
    "./nats_client.ts"
  );
  setTransportFactory({ factory: () => new DenoTransport(), defaultPort: 4222 });
  const { agent, role, seed, ca } = credentials;
  const addresses = (servers.length > 0 ? servers : credentials.servers).map(readServer);
  return await NatsConnectionImpl.connect({
    servers: addresses.map(serverText),
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    tls: needsTls(addresses, ca) ? { ...(ca !== "" && { ca }) } : null,
    inboxPrefix: `_INBOX.${agent || role}`,
    reconnect: false,
    ignoreClusterUpdates: true,
    ignoreAuthErrorAbort: true,
    timeout: dialTimeoutMs,
    pingInterval: pingMs,
  });
}

/** Who has been given an authority to know the engine by expects it, on loopback too. */
function needsTls(servers: readonly FleetServer[], ca: string): boolean {
  return ca !== "" || servers.some(({ isTls, hostname }) => isTls || !isLoopbackHost(hostname));
}

/** The engine does not know the credential; that it has waited too long for it says nothing. */
export function isRejection({ name, message }: Error): boolean {
  return name === "AuthorizationError" && !/timeout/i.test(message);
}

function stateOf(failure: unknown): ["down" | "rejected", string] {
  if (!(failure instanceof Error)) return ["down", "the engine has closed the connection"];
  return isRejection(failure)
    ? ["rejected", "the engine does not accept this credential"]
    : ["down", failure.message];
}
