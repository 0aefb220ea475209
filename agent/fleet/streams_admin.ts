/**
 * Makes the streams and the hub's consumers where they are missing, and brings their limits up to date: with the credentials of
 * the admin, since neither agents nor the hub may.
 */
import type { NatsConnection } from "@nats-io/nats-core";
import type { Credentials } from "./credentials.ts";
import { connectEngine } from "./engine_link.ts";
import { HUB_NAME, STREAMS } from "./streams.ts";

export interface StreamLimits {
  /** What the engine may keep in all. */
  readonly storeGb: number;
  /** Nodes that hold each message. */
  readonly replicas: number;
}

/** What of the store each stream may have; the rest is the engine's. */
const shares = { flows: 0.8, findings: 0.1, health: 0.02 } as const;
const requestMs = 10_000;
/** For a hub that was killed: what it had comes again so soon. */
const ackWaitNs = 20_000_000_000;
/** Messages that the hub may have at a time. */
const ackPendingMax = 20_000;
/** JSErrCode of nats-server (server/errors.json). */
const streamNotFound = 10059;
const consumerNotFound = 10014;

/** Connects as the admin, does it, and returns the names of streams that were made. Throws Error. */
export async function makeStreams(
  credentials: Credentials,
  { servers, ...limits }: StreamLimits & { readonly servers: readonly string[] },
): Promise<string[]> {
  const connection = await connectEngine({ servers, credentials });
  try {
    return await ensureStreams(connection, limits);
  } finally {
    await connection.close();
  }
}

async function ensureStreams(
  connection: NatsConnection,
  { storeGb, replicas }: StreamLimits,
): Promise<string[]> {
  const made: string[] = [];
  for (const channel of ["flows", "findings", "health"] as const) {
    const stream = STREAMS[channel];
    const config = {
      ...stream,
      storage: "file",
      num_replicas: replicas,
      max_bytes: Math.floor(storeGb * 1e9 * shares[channel]),
    };
    if (await isThere(connection, `STREAM.INFO.${stream.name}`, streamNotFound)) {
      await ask(connection, `STREAM.UPDATE.${stream.name}`, config);
    } else {
      await ask(connection, `STREAM.CREATE.${stream.name}`, config);
      made.push(stream.name);
    }
    const consumer = `${stream.name}.${HUB_NAME}`;
    if (await isThere(connection, `CONSUMER.INFO.${consumer}`, consumerNotFound)) continue;
    await ask(connection, `CONSUMER.DURABLE.CREATE.${consumer}`, {
      stream_name: stream.name,
      config: {
        durable_name: HUB_NAME,
        ack_policy: "explicit",
        deliver_policy: "all",
        ack_wait: ackWaitNs,
        max_ack_pending: ackPendingMax,
      },
    });
  }
  return made;
}

/** Only "not found" says that it is missing; a timeout says nothing, and throws. */
async function isThere(
  connection: NatsConnection,
  path: string,
  missing: number,
): Promise<boolean> {
  try {
    await ask(connection, path, undefined);
    return true;
  } catch (error) {
    if (error instanceof EngineError && error.code === missing) return false;
    throw error;
  }
}

/** What the engine has refused. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

async function ask(connection: NatsConnection, path: string, body: unknown): Promise<void> {
  const answer = await connection.request(
    `$JS.API.${path}`,
    body === undefined ? undefined : JSON.stringify(body),
    { timeout: requestMs },
  );
  const { error } = answer.json<{ error?: { err_code: number; description: string } }>();
  if (error) throw new EngineError(error.err_code, `${path}: ${error.description}`);
}
