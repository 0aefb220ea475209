/**
 * `deno task fuzz [MINUTES] [SEED]`: captures at random, read in all ways, for an hour unless told. One that fails is kept under
 * tests/fixtures/fuzz/, from where the tests read it ever after; the exit status is 1.
 */
import { fuzzFor } from "./fuzz_run.ts";

const [minutes = "60", seed = String(crypto.getRandomValues(new Uint32Array(1))[0])] = Deno.args;
console.log(`Captures from seed ${seed} on, for ${minutes} minutes.`);
const result = await fuzzFor(Number(minutes) * 60_000, Number(seed), {
  folder: new URL("../fixtures/fuzz", import.meta.url).pathname,
  onFailure: ({ seed, path, error }) => console.error(`${seed}: ${path}\n${error.stack}\n`),
  stopsAtFailure: false,
});
console.log(`${result.captures} captures, ${result.failures.length} failures.`);
if (result.failures.length > 0) Deno.exit(1);
