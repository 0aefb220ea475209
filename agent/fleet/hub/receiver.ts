/**
 * The hub's end of the engine: one durable pull consumer a stream (thousands of them hurt an engine), heartbeats, commit notices.
 *
 *     fetch -> HubService.take() -> acknowledge -> notice to each agent of the batch
 *     heartbeat -> notice
 *
 * A notice's floor is read before what is committed, so that whatever is below it and not committed is lost and not on its way.
 */
import type { Consumer, JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Credentials } from "../credentials.ts";
import { EngineLink, type LinkState } from "../engine_link.ts";
import {
  type Channel,
  commitSubject,
  encodeNotice,
  HEARTBEAT_SUBJECTS,
  HUB_NAME,
  STREAMS,
} from "../streams.ts";
import type { HubMessage, HubService, Touched } from "./hub_service.ts";

export interface ReceiverOptions {
  readonly servers: readonly string[];
  /** As EngineLinkOptions has them. */
  readonly credentials: () => Credentials;
  readonly service: HubService;
  /** `detail` is a clause for people; "" while all is well. */
  readonly onState: (state: LinkState, detail: string) => void;
  readonly onNote: (text: string) => void;
  readonly firstWaitMs?: number;
  readonly waitMs?: number;
}

/** Messages of one transaction: some ten thousand flows. */
const messagesMax = 64;
/** How long the engine gathers them, the least that its client takes. */
const gatherMs = 1000;
const infoMs = 5000;
const againMs = 1000;
const pauseFirstMs = 500;
const pauseMaxMs = 8000;

interface Place {
  readonly created: string;
  readonly floor: number;
}

export class Receiver {
  /** Messages that wait in the engine's streams. */
  pending = 0;
  readonly #options: ReceiverOptions;
  readonly #link: EngineLink;
  readonly #places = new Map<Channel, Place>();
  readonly #pending = new Map<string, number>();
  #isStopped = false;
  #loops: Promise<void>[] = [];
  #failure = "";

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#link = new EngineLink({
      servers: options.servers,
      credentials: options.credentials,
      onConnected: (connection) => this.#begin(connection),
      onState: (state, detail) => {
        options.service.listen(state === "connected");
        options.onState(state, detail);
      },
      ...(options.firstWaitMs !== undefined && { firstWaitMs: options.firstWaitMs }),
      ...(options.waitMs !== undefined && { waitMs: options.waitMs }),
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    await this.#link.stop();
  }

  async #begin(connection: NatsConnection): Promise<void> {
    const { jetstream } = await import("./jetstream_client.ts");
    this.#places.clear();
    this.#failure = "";
    connection.subscribe(HEARTBEAT_SUBJECTS, {
      queue: HUB_NAME,
      callback: (error, message) => {
        if (error !== null) return;
        this.#guarded(() => {
          const { subject } = message;
          for (const touched of this.#options.service.heartbeat(subject, message.string())) {
            this.#notify(connection, touched);
          }
        });
      },
    });
    const client = jetstream(connection);
    this.#loops = (["findings", "health", "flows"] as const).map((topic) =>
      this.#receive(connection, topic, () => client.consumers.get(STREAMS[topic].name, HUB_NAME))
    );
  }

  /** Until the connection ends. */
  async #receive(
    connection: NatsConnection,
    topic: keyof typeof STREAMS,
    find: () => Promise<Consumer>,
  ): Promise<void> {
    let pauseMs = pauseFirstMs;
    let consumer: Consumer | null = null;
    while (!this.#isStopped && !connection.isClosed()) {
      try {
        consumer ??= await find();
        if (topic !== "health") await this.#look(connection, topic, consumer);
        const messages = await consumer.fetch({ max_messages: messagesMax, expires: gatherMs });
        const taken: JsMsg[] = [];
        for await (const message of messages) taken.push(message);
        if (taken.length > 0) await this.#take(connection, topic, taken);
        this.#setFailure("");
        pauseMs = pauseFirstMs;
      } catch (error) {
        if (connection.isClosed() || this.#isStopped) return;
        // A stream or consumer that is no more comes back with another number; a timeout says nothing.
        consumer = null;
        if (topic !== "health") this.#places.delete(topic);
        this.#setFailure(failureText(topic, error));
        await wait(pauseMs);
        pauseMs = Math.min(pauseMaxMs, pauseMs * 2);
      }
    }
  }

  async #take(
    connection: NatsConnection,
    topic: keyof typeof STREAMS,
    taken: readonly JsMsg[],
  ): Promise<void> {
    let touched: Touched[];
    try {
      touched = await this.#options.service.take(taken.map(toHubMessage));
    } catch (error) {
      // They come again soon, not after the engine's patience.
      for (const message of taken) message.nak(againMs);
      throw error;
    }
    // Only now: what is acknowledged is gone from the engine.
    for (const message of taken) message.ack();
    this.#pending.set(topic, taken.at(-1)!.info.pending);
    this.pending = this.#pending.values().reduce((sum, pending) => sum + pending, 0);
    for (const channel of touched) this.#notify(connection, channel);
  }

  /** Where the stream and its consumer stand. */
  async #look(connection: NatsConnection, channel: Channel, consumer: Consumer): Promise<void> {
    const info = await consumer.info();
    const known = this.#places.get(channel);
    const created = known?.created ?? await streamCreated(connection, STREAMS[channel].name);
    this.#places.set(channel, { created, floor: info.ack_floor.stream_seq });
    this.#pending.set(channel, info.num_pending);
    this.pending = this.#pending.values().reduce((sum, pending) => sum + pending, 0);
  }

  #notify(connection: NatsConnection, touched: Touched): void {
    const place = this.#places.get(touched.channel);
    if (place === undefined || connection.isClosed()) return;
    const { agent, epoch, channel } = touched;
    const through = this.#options.service.through(touched);
    connection.publish(commitSubject(agent), encodeNotice({ channel, epoch, through, ...place }));
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      // The heartbeat comes again.
      this.#setFailure(error instanceof Error ? error.message : String(error));
    }
  }

  #setFailure(text: string): void {
    if (text === this.#failure) return;
    this.#failure = text;
    if (text !== "") this.#options.onNote(text);
  }
}

function toHubMessage(message: JsMsg): HubMessage {
  return {
    subject: message.subject,
    data: message.data,
    messageId: message.headers?.get("Nats-Msg-Id") ?? "",
    publishedUs: Number(message.timestampNanos / 1000n),
  };
}

async function streamCreated(connection: NatsConnection, name: string): Promise<string> {
  const answer = await connection.request(`$JS.API.STREAM.INFO.${name}`, undefined, {
    timeout: infoMs,
  });
  const { created, error } = answer.json<{ created?: string; error?: { description: string } }>();
  if (created !== undefined) return created;
  throw new Error(error?.description ?? `the engine does not tell when ${name} was made`);
}

function failureText(topic: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `Nothing is received of ${topic}: ${reason}. If the engine has lost its streams, tapwatch fleet streams makes them anew`;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
