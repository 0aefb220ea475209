import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { MsgHdrsImpl } from "@nats-io/nats-core/internal";
import { PullConsumer } from "./pull_consumer.ts";

const reply = "$JS.ACK.TW_FLOWS.hub.1.7.7.1767225600000000000.0";

/** A consumer and what brings it messages, with headers as they stand on the wire. */
function consumerOf(): {
  readonly consumer: PullConsumer;
  readonly bring: (headers: string, message: Partial<Msg>) => void;
} {
  let callback: (error: Error | null, message: Msg) => void = () => {};
  const connection = {
    subscribe: (_: string, options: { callback: typeof callback }) => callback = options.callback,
    publish: () => {},
  } as unknown as NatsConnection;
  const names = { stream: "TW_FLOWS", consumer: "hub", inboxPrefix: "_INBOX.hub" };
  const consumer = new PullConsumer(connection, names);
  return {
    consumer,
    bring: (headers, message) =>
      callback(null, {
        subject: "tapwatch.v1.flows.A",
        data: new Uint8Array(),
        ...message,
        get headers() {
          return MsgHdrsImpl.decode(new TextEncoder().encode(headers));
        },
      } as Msg),
  };
}

Deno.test("headers of an agent are never the engine's words, and none stops what comes", async () => {
  const { consumer, bring } = consumerOf();
  const next = consumer.next();
  bring("NATS/1.0 503\r\n\r\n", { reply });
  bring("NATS/1.0\r\nno header: 1\r\n\r\n", { reply, data: new Uint8Array([1]) });
  bring("NATS/1.0\r\nNats-Msg-Id: a:b:1:0\r\n\r\n", { reply, data: new Uint8Array([2]) });
  bring("NATS/1.0 408 Request Timeout\r\n\r\n", { reply: "" });
  deepStrictEqual(
    (await next).map(({ data, messageId }) => [[...data], messageId]),
    [[[], ""], [[1], ""], [[2], "a:b:1:0"]],
  );
});

Deno.test("the engine says that there is no such consumer", async () => {
  const { consumer, bring } = consumerOf();
  const next = consumer.next();
  bring("NATS/1.0 503\r\n\r\n", { reply: "" });
  await rejects(next, { message: "consumer not found" });
  strictEqual((await consumer.next()).length, 0);
});
