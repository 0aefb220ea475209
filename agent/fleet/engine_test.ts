/** Who may do what, and how connections end and come back, with a real nats-server. */
import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import type { NatsConnection } from "@nats-io/nats-core";
import { UsageError } from "../errors.ts";
import { randomId } from "./base32.ts";
import { readCredentials } from "./credentials.ts";
import { connectEngine, EngineLink, type LinkState } from "./engine_link.ts";
import { agentSubject, commitSubject } from "./streams.ts";
import { hasNoEngine, TestEngine, until } from "./testing/engine.ts";

const test = (name: string, work: (engine: TestEngine) => Promise<void>) =>
  Deno.test({
    name,
    ignore: hasNoEngine,
    fn: async () => {
      await using engine = await TestEngine.start();
      await work(engine);
    },
  });

test("an agent may only be itself: six things are denied, by TLS and a key of its own", async (engine) => {
  const [self, other] = [engine.enroll("web-01"), engine.enroll("web-02")];
  await engine.reload();
  const connection = await connectEngine({
    servers: [engine.url],
    credentials: engine.credentials("web-01"),
  });
  const hub = await connectEngine({
    servers: [engine.url],
    credentials: engine.credentials("hub"),
  });
  try {
    const answer = await connection.request(agentSubject("flows", self.id), "x");
    strictEqual(answer.json<{ stream: string }>().stream, "TW_FLOWS");
    await denied(
      connection,
      "publish as another",
      (nc) => nc.publish(agentSubject("flows", other.id), "x"),
    );
    await denied(
      connection,
      "write its own control subject",
      (nc) => nc.publish(commitSubject(self.id), "x"),
    );
    await denied(
      connection,
      "create a stream",
      (nc) => nc.publish("$JS.API.STREAM.CREATE.MINE", "{}"),
    );
    await denied(
      connection,
      "read the streams",
      (nc) => nc.publish("$JS.API.CONSUMER.MSG.NEXT.TW_FLOWS.hub", "1"),
    );
    await denied(
      connection,
      "hear what others are told",
      (nc) => void nc.subscribe(commitSubject(other.id)),
    );
    await denied(
      connection,
      "hear what others send",
      (nc) => void nc.subscribe("tapwatch.v1.flows.*"),
    );
    await denied(
      hub,
      "publish as an agent",
      (nc) => nc.publish(agentSubject("flows", self.id), "x"),
    );
    await denied(hub, "create a stream", (nc) => nc.publish("$JS.API.STREAM.CREATE.MINE", "{}"));
    await denied(hub, "delete a stream", (nc) => nc.publish("$JS.API.STREAM.DELETE.TW_FLOWS", ""));
  } finally {
    await connection.close();
    await hub.close();
  }
});

test("making the streams again changes nothing", async (engine) => {
  deepStrictEqual(await engine.makeStreams(), []);
});

test("an engine that another authority has signed is not spoken to", async (engine) => {
  await using stranger = await TestEngine.start();
  await rejects(
    connectEngine({
      servers: [engine.url],
      credentials: { ...engine.credentials("hub"), ca: stranger.credentials("hub").ca },
    }),
    /certificate|UnknownIssuer/i,
  );
});

test("who is revoked is thrown out, says so, and is back once enrolled again, without a restart", async (engine) => {
  const { file } = engine.enroll("web-01");
  await engine.reload();
  const states: LinkState[] = [];
  const link = new EngineLink({
    servers: [engine.url],
    credentials: () => readCredentials(file, "agent"),
    onConnected: () => {},
    onState: (state) => void states.push(state),
    waitMs: 100,
  });
  const reaches = (state: LinkState) => until(() => states.at(-1) === state, state);
  try {
    await reaches("connected");
    const credentials = Deno.readTextFileSync(file);
    engine.folder.revoke("web-01", 0);
    Deno.writeTextFileSync(file, credentials);
    await engine.reload();
    await until(() => states.includes("rejected"), "rejected");
    Deno.removeSync(file);
    engine.enroll("web-01");
    await engine.reload();
    await reaches("connected");
    ok(link.reconnects >= 1);
    await engine.stop();
    await until(() => states.at(-1) === "down" || states.at(-1) === "connecting", "down");
    await engine.run();
    await reaches("connected");
  } finally {
    await link.stop();
  }
});

Deno.test("credentials are refused with a sentence that shows nothing of them", () => {
  const file = Deno.makeTempFileSync();
  try {
    const seed = "SUAEXAMPLESECRET";
    for (
      const text of [
        "",
        "{}",
        `{"tapwatch_fleet":1,"role":"agent","agent":"${randomId()}","seed":"${seed}"}`,
      ]
    ) {
      Deno.writeTextFileSync(file, text);
      throws(() => readCredentials(file, "agent"), (error: Error) => {
        ok(error instanceof UsageError);
        match(error.message, /is no credentials file of a fleet/);
        ok(!error.message.includes("SECRET"));
        return true;
      });
    }
  } finally {
    Deno.removeSync(file);
  }
});

async function denied(
  connection: NatsConnection,
  what: string,
  attempt: (connection: NatsConnection) => void,
): Promise<void> {
  const statuses = connection.status()[Symbol.asyncIterator]();
  attempt(connection);
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), 2000);
    const status = await Promise.race([statuses.next(), promise]);
    clearTimeout(timer);
    ok(status !== null && !status.done, `${what} must be denied`);
    const { value } = status;
    if (value.type === "error" && /permissions violation/i.test(String(value.error))) return;
  }
}
