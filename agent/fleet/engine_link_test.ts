import { ok } from "node:assert/strict";
import { EngineLink } from "./engine_link.ts";
import { many } from "./testing.ts";

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
