/**
 * A durable pull consumer of JetStream, over its subjects themselves: the library's own takes a hub that is busy for a second for an
 * engine that is gone, and lets go of what had come. Here whatever comes waits in memory until it is asked for, and while some messages
 * are being written the next are on their way.
 *
 *     $JS.API.CONSUMER.MSG.NEXT.STREAM.CONSUMER  {batch, expires} ->  messages, or a status that ends the request
 *     the reply subject of a message             "+ACK", "-NAK"
 */
import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { randomId } from "../base32.ts";

export interface PulledMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly messageId: string;
  /** When the engine took it. */
  readonly publishedUs: number;
  /** Messages behind it in the stream. */
  readonly pending: number;
  readonly reply: string;
}

/** Where a consumer stands. */
export interface ConsumerPlace {
  /** All with this number in the stream and below is acknowledged. */
  readonly floor: number;
  readonly pending: number;
}

/** Of one request, and what may wait here. */
export const pullMax = 64;
const expiresMs = 5000;
/** Beyond it a request that has not ended is taken for lost. */
const graceMs = 5000;
const idleMs = 1000;
/** How long some messages wait for others. */
const gatherMs = 150;
const infoMs = 5000;
const noResponders = 503;

export class PullConsumer {
  readonly #connection: NatsConnection;
  readonly #name: string;
  readonly #inbox: string;
  readonly #queue: PulledMessage[] = [];
  /** Messages that the request under way may still bring; 0 without one. */
  #left = 0;
  #deadlineMs = 0;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  /** `inboxPrefix` is what the credential may subscribe. */
  constructor(
    connection: NatsConnection,
    { stream, consumer, inboxPrefix }: {
      readonly stream: string;
      readonly consumer: string;
      readonly inboxPrefix: string;
    },
  ) {
    this.#connection = connection;
    this.#name = `${stream}.${consumer}`;
    this.#inbox = `${inboxPrefix}.${randomId()}`;
    connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error !== null) this.#failure = error;
        else this.#take(message);
        this.#wake();
      },
    });
  }

  /** The next messages; none after a second without any. Throws Error when there is no such consumer. */
  async next(): Promise<PulledMessage[]> {
    this.#ask();
    if (this.#queue.length === 0) await this.#arrival(idleMs);
    if (this.#queue.length > 0 && this.#queue.length < pullMax && this.#left > 0) {
      const untilMs = performance.now() + gatherMs;
      while (this.#queue.length < pullMax && this.#left > 0 && performance.now() < untilMs) {
        await this.#arrival(untilMs - performance.now());
      }
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
    const messages = this.#queue.splice(0, pullMax);
    if (messages.length > 0) this.#ask();
    return messages;
  }

  ack({ reply }: PulledMessage): void {
    this.#connection.publish(reply, "+ACK");
  }

  /** It comes again after a while. */
  nak({ reply }: PulledMessage, delayMs: number): void {
    this.#connection.publish(reply, `-NAK ${JSON.stringify({ delay: delayMs * 1e6 })}`);
  }

  /** Gives back what nobody has asked for. */
  release(): void {
    for (const message of this.#queue.splice(0)) this.nak(message, 0);
  }

  /** Throws Error with the engine's words. */
  async place(): Promise<ConsumerPlace> {
    const subject = `$JS.API.CONSUMER.INFO.${this.#name}`;
    const answer = await this.#connection.request(subject, undefined, { timeout: infoMs });
    const { ack_floor, num_pending = 0, error } = answer.json<{
      ack_floor?: { stream_seq: number };
      num_pending?: number;
      error?: { description: string };
    }>();
    if (ack_floor === undefined) throw new Error(error?.description ?? "no answer that is known");
    return { floor: ack_floor.stream_seq, pending: num_pending };
  }

  #ask(): void {
    const isUnderWay = this.#left > 0 && performance.now() < this.#deadlineMs;
    if (isUnderWay || this.#queue.length >= pullMax) return;
    this.#left = pullMax;
    this.#deadlineMs = performance.now() + expiresMs + graceMs;
    this.#connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${this.#name}`,
      JSON.stringify({ batch: pullMax, expires: expiresMs * 1e6 }),
      { reply: this.#inbox },
    );
  }

  #take(message: Msg): void {
    const told = readReply(message.reply ?? "");
    // The engine's own words have no such reply; headers of a message are its agent's.
    if (told === null) return this.#takeStatus(message.headers?.code ?? 0);
    this.#left = Math.max(0, this.#left - 1);
    this.#queue.push({
      subject: message.subject,
      data: message.data,
      messageId: messageIdOf(message),
      ...told,
    });
  }

  #takeStatus(status: number): void {
    if (status < 400) return;
    this.#left = 0;
    if (status === noResponders) this.#failure = new Error("consumer not found");
  }

  #arrival(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, ms));
    this.#wake = resolve;
    return promise.finally(() => clearTimeout(timer));
  }
}

/**
 * `$JS.ACK.stream.consumer.deliveries.stream_seq.consumer_seq.ns.pending`, in newer servers with domain and account in front of the
 * stream; null for what is none.
 */
function readReply(
  reply: string,
): Pick<PulledMessage, "reply" | "publishedUs" | "pending"> | null {
  const words = reply.split(".");
  if (words[0] !== "$JS" || words[1] !== "ACK" || words.length < 9) return null;
  const from = words.length >= 11 ? 4 : 2;
  return {
    reply,
    publishedUs: Math.floor(Number(words[from + 5]) / 1000),
    pending: Number(words[from + 6]),
  };
}

/** "" where there is none, and for headers that the client does not read: what it throws would end the connection. */
function messageIdOf(message: Msg): string {
  try {
    return message.headers?.get("Nats-Msg-Id") ?? "";
  } catch {
    return "";
  }
}
