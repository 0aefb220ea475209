/**
 * The hub's end of the engine: one durable pull consumer a stream (thousands of them hurt an engine), heartbeats, commit notices.
 *
 *     fetch -> HubService.take() -> acknowledge -> notice to each agent of the batch
 *     heartbeat -> notice
 *
 * A notice's floor is read before what is committed, so that whatever is below it and not committed is lost and not on its way.
 */
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
import type { HubService, Touched } from "./hub_service.ts";
import { PullConsumer, type PulledMessage } from "./pull_consumer.ts";

export interface ReceiverOptions {
  readonly servers: readonly string[];
  /** As EngineLinkOptions has them. */
  readonly credentials: () => Credentials;
  readonly service: HubService;
  /** `detail` is a clause for people; "" while all is well. */
  readonly onState: (state: LinkState, detail: string) => void;
  readonly onNote: (text: string) => void;
  readonly waitMs?: number;
}

const inboxPrefix = "_INBOX.hub";
const infoMs = 5000;
/** There is one hub, and agents wait for it. */
const reconnectMs = 5000;
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
  /** By topic. */
  readonly #failures = new Map<string, string>();

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
      waitMs: options.waitMs ?? reconnectMs,
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    await this.#link.stop();
  }

  #begin(connection: NatsConnection): void {
    this.#places.clear();
    this.#failures.clear();
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
    this.#loops = (["findings", "health", "flows"] as const).map((topic) =>
      this.#receive(connection, topic)
    );
  }

  /** Until the connection ends. */
  async #receive(connection: NatsConnection, topic: keyof typeof STREAMS): Promise<void> {
    let pauseMs = pauseFirstMs;
    const stream = STREAMS[topic].name;
    const consumer = new PullConsumer(connection, { stream, consumer: HUB_NAME, inboxPrefix });
    /** While these are being written, the next are read. */
    let underWay: Promise<void> = Promise.resolve();
    while (!this.#isStopped && !connection.isClosed()) {
      try {
        if (topic !== "health") await this.#look(connection, topic, consumer);
        const messages = await consumer.next();
        const before = underWay;
        if (messages.length > 0) {
          underWay = this.#take(connection, { topic, consumer, messages });
          // It is awaited in the next round.
          underWay.catch(() => {});
        }
        await before;
        this.#setFailure(topic, "");
        pauseMs = pauseFirstMs;
      } catch (error) {
        if (connection.isClosed() || this.#isStopped) return;
        // A stream that is no more comes back with another number; a timeout says nothing.
        if (topic !== "health") this.#places.delete(topic);
        this.#setFailure(topic, failureText(topic, error));
        await wait(pauseMs);
        pauseMs = Math.min(pauseMaxMs, pauseMs * 2);
      }
    }
    await underWay.catch(() => {});
    if (!connection.isClosed()) consumer.release();
  }

  async #take(
    connection: NatsConnection,
    { topic, consumer, messages }: {
      readonly topic: keyof typeof STREAMS;
      readonly consumer: PullConsumer;
      readonly messages: readonly PulledMessage[];
    },
  ): Promise<void> {
    let touched: readonly Touched[];
    try {
      touched = await this.#options.service.take(messages);
    } catch (error) {
      // They come again soon, not after the engine's patience.
      for (const message of messages) consumer.nak(message, againMs);
      throw error;
    }
    // Only now: what is acknowledged is gone from the engine.
    for (const message of messages) consumer.ack(message);
    this.#setPending(topic, messages.at(-1)!.pending);
    for (const channel of touched) this.#notify(connection, channel);
  }

  /** Where the stream and its consumer stand. */
  async #look(
    connection: NatsConnection,
    channel: Channel,
    consumer: PullConsumer,
  ): Promise<void> {
    const { floor, pending } = await consumer.place();
    const known = this.#places.get(channel);
    const created = known?.created ?? await streamCreated(connection, STREAMS[channel].name);
    this.#places.set(channel, { created, floor });
    this.#setPending(channel, pending);
  }

  #setPending(topic: string, pending: number): void {
    this.#pending.set(topic, pending);
    this.pending = this.#pending.values().reduce((sum, count) => sum + count, 0);
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
      this.#setFailure("hb", error instanceof Error ? error.message : String(error));
    }
  }

  /** Told once, until it changes. */
  #setFailure(topic: string, text: string): void {
    if (text === (this.#failures.get(topic) ?? "")) return;
    this.#failures.set(topic, text);
    if (text !== "") this.#options.onNote(text);
  }
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
