/** What of a fleet is in the executable, and when it is loaded. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { basename } from "node:path";
import type { Metafile } from "esbuild";
import { bundle } from "./bundle.ts";
import { workers } from "./compile.ts";

type Output = Metafile["outputs"][string];

const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const fleetBytesMax = 2 * 2 ** 20;
/** The client and what it needs. */
const isClient = (path: string) => /@nats-io|tweetnacl|fleet\/nats_client\.ts$/.test(path);
const isFleet = (path: string) => isClient(path) || /agent\/(fleet\/|cli\/(fleet|hub)_)/.test(path);

async function outputs(): Promise<ReadonlyMap<string, Output>> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-bundle-" });
  try {
    const made = await bundle(root, workers(), folder);
    return new Map(
      Object.entries(made.outputs).map(([path, output]) => [basename(path), output]),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const has = ({ inputs }: Output, isWanted: (path: string) => boolean) =>
  Object.keys(inputs).some(isWanted);

function imports(output: Output, kind: "import-statement" | "dynamic-import"): string[] {
  return output.imports.filter((one) => one.kind === kind).map(({ path }) => basename(path));
}

/** What is loaded with an output, itself too. */
function loadedWith(name: string, all: ReadonlyMap<string, Output>): ReadonlySet<string> {
  const loaded = new Set([name]);
  for (const one of loaded) {
    const output = all.get(one);
    if (output === undefined) continue;
    for (const imported of imports(output, "import-statement")) loaded.add(imported);
  }
  return loaded;
}

function bytesOf(all: ReadonlyMap<string, Output>, isWanted: (path: string) => boolean): number {
  return [...all.values()].flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([path]) => isWanted(path))
    .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
}

Deno.test({
  name:
    "the NATS client is loaded by who connects, and with no thread; all of a fleet takes less than 2 MiB",
  // esbuild's process ends a moment after it was stopped.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const all = await outputs();
    const holders = [...all].filter(([, output]) => has(output, isClient)).map(([name]) => name);
    ok(holders.length > 0, "the client is in the bundle");
    const threads = ["main.js", ...workers().map((path) => basename(path, ".ts") + ".js")];
    for (const thread of threads) {
      const loaded = loadedWith(thread, all);
      deepStrictEqual(holders.filter((name) => loaded.has(name)), [], thread);
    }
    const connecting = [...all].filter(([, output]) =>
      has(output, (path) => path.endsWith("agent/fleet/engine_link.ts"))
    );
    ok(connecting.length > 0);
    for (const [name, output] of connecting) {
      const later = imports(output, "dynamic-import").flatMap((path) => [...loadedWith(path, all)]);
      ok(holders.every((holder) => later.includes(holder)), name);
    }
    const [fleet, client] = [bytesOf(all, isFleet), bytesOf(all, isClient)];
    console.log(`A fleet takes ${fleet} bytes, ${client} of them the client.`);
    ok(client > 50_000 && fleet > client, "what is counted is there");
    ok(fleet < fleetBytesMax, `${fleet} bytes`);
  },
});
