/** A minute of the fuzzer with a fresh seed, and all that it has ever found. */
import { deepEqual, ok } from "node:assert/strict";
import { Linktype } from "../../agent/records.ts";
import { decodeBytes } from "../../agent/decode/decode_checks.ts";
import { fuzzCapture } from "./captures.ts";
import { checkCapture } from "./checks.ts";
import { fuzzFor } from "./fuzz_run.ts";

const folder = new URL("../fixtures/fuzz", import.meta.url).pathname;
const testMs = 60_000;

const kept = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
  name.endsWith(".cap")
);
for (const name of kept.sort()) {
  Deno.test(`what the fuzzer found stays mended: ${name}`, () =>
    checkCapture(`${folder}/${name}`, Number(name.match(/\d+/)?.[0] ?? 0)));
}

Deno.test("captures at random are read in all ways, and all the same", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const { captures, failures } = await fuzzFor(testMs, seed, {
    folder: Deno.env.get("TAPWATCH_FUZZ_FOLDER") ?? folder,
    stopsAtFailure: true,
  });
  const told = failures.map(({ seed, path, error }) =>
    `seed ${seed}, kept as ${path}: ${error.stack}`
  );
  deepEqual(told, []);
  ok(captures > 20, `${captures} captures`);
});

Deno.test("the fuzzer's packets reach every layer, transport and link type, and many are whole", () => {
  const layers = new Set<number>();
  const transports = new Set<number>();
  const linktypes = new Set<number>();
  let whole = 0;
  let tunnels = 0;
  let all = 0;
  for (let seed = 1; seed <= 400; seed++) {
    for (const { linktype, bytes } of fuzzCapture(seed).frames) {
      const packet = decodeBytes(bytes, { linktype });
      linktypes.add(linktype);
      transports.add(packet.transport);
      layers.add(packet.stopLayer);
      if (packet.stopReason === 0) whole++;
      if (packet.tunnelDepth > 0) tunnels++;
      all++;
    }
  }
  deepEqual(Object.values(Linktype).filter((linktype) => !linktypes.has(linktype)), []);
  ok(
    transports.size >= 10 && layers.size >= 20,
    `${transports.size} transports, ${layers.size} layers`,
  );
  ok(whole > all * 0.4 && tunnels > all * 0.06, `${whole} whole, ${tunnels} tunnels of ${all}`);
});
