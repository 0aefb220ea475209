/** An agent without a spool, for tests of what a hub makes of its messages. */
import type { NatsConnection } from "@nats-io/nats-core";
import { randomId } from "../base32.ts";
import { connectEngine } from "../engine_link.ts";
import {
  agentSubject,
  type CommitNotice,
  commitSubject,
  decodeNotice,
  encodeHeartbeat,
  messageId,
} from "../streams.ts";
import { healthReport } from "../testing.ts";
import { encodeBatch, type Rows } from "../wire.ts";
import type { TestEngine } from "./engine.ts";

export class Publisher {
  readonly id: string;
  readonly epoch = randomId();
  readonly notices: CommitNotice[] = [];
  readonly #connection: NatsConnection;

  constructor(id: string, connection: NatsConnection) {
    this.id = id;
    this.#connection = connection;
    connection.subscribe(commitSubject(id), {
      callback: (error, message) => {
        if (error === null) this.notices.push(decodeNotice(message.string())!);
      },
    });
  }

  static async connect(engine: TestEngine, name: string, id: string): Promise<Publisher> {
    const credentials = engine.credentials(name);
    return new Publisher(id, await connectEngine({ servers: [engine.url], credentials }));
  }

  send(rows: Rows, firstSeq: number, generation = 0): void {
    const channel = rows.kind === "flows" || rows.kind === "rollups" ? "flows" : "findings";
    const head = { epoch: this.epoch, firstSeq, madeUs: 1 };
    this.sendBytes(channel, encodeBatch(rows, head), firstSeq, generation);
  }

  sendBytes(channel: "flows" | "findings", body: Uint8Array, firstSeq = 1, generation = 0): void {
    const id = messageId(this.id, { epoch: this.epoch, firstSeq, madeUs: 1 }, generation);
    this.#publish(agentSubject(channel, this.id), body, id);
  }

  sendHealth(name: string): void {
    const report = healthReport({ name, now_us: Date.now() * 1000 });
    const head = { epoch: this.epoch, firstSeq: 0, madeUs: 1 };
    const body = encodeBatch({ kind: "health", rows: [report] }, head);
    this.#connection.publish(agentSubject("health", this.id), body);
  }

  beat(base = { flows: 1, findings: 1 }): void {
    const text = encodeHeartbeat({ epoch: this.epoch, base });
    this.#connection.publish(agentSubject("hb", this.id), text);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #publish(subject: string, body: Uint8Array, id: string): Promise<void> {
    const { headers } = await import("@nats-io/nats-core");
    const head = headers();
    head.set("Nats-Msg-Id", id);
    this.#connection.publish(subject, body, { headers: head });
  }
}
