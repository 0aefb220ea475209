import { ok, rejects, strictEqual } from "node:assert/strict";
import type { Server } from "@nats-io/nats-core";
import { randomId } from "./base32.ts";
import type { Credentials } from "./credentials.ts";
import { connectEngine, EngineLink } from "./engine_link.ts";
import { makeKey, until } from "./testing/engine.ts";
import { many } from "./testing.ts";
import { DenoTransport } from "./transport.ts";

Deno.test("agents that lose their engine at one moment come back spread over a minute, from the first try on", async () => {
  const firstWaits = await Promise.all(many(64, async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const link = new EngineLink({
      servers: [],
      credentials: () => {
        throw new Error("the engine is away");
      },
      onConnected: () => {},
      onState: () => {},
      sleep: (ms) => {
        resolve(ms);
        return new Promise(() => {});
      },
    });
    const ms = await promise;
    await link.stop();
    return ms;
  }));
  const bySixth = many(6, (at) => firstWaits.filter((ms) => Math.floor(ms / 10_000) === at).length);
  ok(bySixth.every((count) => count >= 1 && count <= 32), String(bySixth));
});

/** An engine without TLS, which hears what agents say to it. Reached over loopback by every name. */
class PlainEngine implements Disposable {
  heard = "";
  /** Connections that nobody has closed. */
  open = 0;
  readonly port: number;
  readonly #listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });

  constructor() {
    this.port = this.#listener.addr.port;
    this.#serve();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      this.open++;
      this.#answer(connection).catch(() => {}).finally(() => {
        this.open--;
        connection.close();
      });
    }
  }

  async #answer(connection: Deno.Conn): Promise<void> {
    const say = (text: string) => connection.write(new TextEncoder().encode(text));
    const info = { server_id: "S", version: "2.10.0", proto: 1, headers: true, nonce: "N" };
    await say(`INFO ${JSON.stringify({ ...info, max_payload: 1048576 })}\r\n`);
    const chunk = new Uint8Array(4096);
    for (;;) {
      const count = await connection.read(chunk);
      if (count === null) return;
      const text = new TextDecoder().decode(chunk.subarray(0, count));
      this.heard += text;
      if (text.includes("PING")) await say("PONG\r\n");
    }
  }
}

function credentials(ca: string): Credentials {
  const { seed } = makeKey();
  return { role: "agent", agent: randomId(), name: "web-01", seed, ca, servers: [] };
}

Deno.test("without TLS nothing is said to an engine outside loopback, nor where an authority or tls:// is named", async () => {
  using engine = new PlainEngine();
  const { port } = engine;
  // 0.0.0.0 and 127.1 in IPv6 lead here, and are not loopback by their names.
  const refused: readonly (readonly [string, readonly string[]])[] = [
    ["", [`nats://0.0.0.0:${port}`]],
    ["", [`nats://[::ffff:127.0.0.1]:${port}`]],
    ["", [`tls://127.0.0.1:${port}`]],
    // The client begins with any of several.
    ...many(8, () => ["", [`nats://127.0.0.1:${port}`, `nats://0.0.0.0:${port}`]] as const),
    ["an authority", [`nats://127.0.0.1:${port}`]],
  ];
  for (const [ca, servers] of refused) {
    await rejects(
      connectEngine({ servers, credentials: credentials(ca) })
        .then((connection) => connection.close()),
      /does not offer TLS/,
      servers.join(" "),
    );
    strictEqual(engine.heard, "", servers.join(" "));
  }
  const transport = new DenoTransport();
  await rejects(
    transport.connect({ hostname: "0.0.0.0", port } as Server, { tls: null }),
    /does not offer TLS/,
  );
  transport.disconnect();
  const servers = [`nats://127.0.0.1:${port}`];
  const connection = await connectEngine({ servers, credentials: credentials("") });
  await connection.close();
  ok(/^CONNECT /.test(engine.heard), engine.heard);
  await until(() => engine.open === 0, "the end of all connections", 10_000);
});
