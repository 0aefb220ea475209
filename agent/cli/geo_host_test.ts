import assert from "node:assert/strict";
import { patienceMs } from "../../tests/program.ts";
import { UsageError } from "../errors.ts";
import { placeOf, setGeoFiles } from "../geo/places.ts";
import { type Entry, makeMmdb } from "../geo/testing.ts";
import type { GeoFileState } from "../records.ts";
import { GeoHost, type GeoHostOptions } from "./geo_host.ts";

const inCountry = (iso_code: string) =>
  makeMmdb([["192.0.2.0/24", { country: { iso_code } }]] as readonly Entry[]);

interface Told {
  readonly states: (readonly GeoFileState[])[];
  readonly warnings: string[];
}

async function withHost(
  options: (folder: string) => Partial<GeoHostOptions>,
  use: (host: GeoHost, folder: string, told: Told) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-geo-" });
  const told: Told = { states: [], warnings: [] };
  const host = new GeoHost({
    paths: [],
    folder,
    checkMs: 20,
    onState: (states) => told.states.push(states),
    onWarning: (text) => told.warnings.push(text),
    ...options(folder),
  });
  try {
    await use(host, folder, told);
  } finally {
    host.stop();
    setGeoFiles([]);
    await Deno.remove(folder, { recursive: true });
  }
}

/** Waits until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!isSo()) {
    assert.ok(performance.now() < endMs, "it never came to be so");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** As programs that update such files do: the path never has half a file. */
function replace(path: string, bytes: Uint8Array): void {
  Deno.writeFileSync(`${path}.new`, bytes);
  Deno.renameSync(`${path}.new`, path);
}

Deno.test("a file that was given and cannot be used ends the start", async () => {
  const cases: readonly [string, Uint8Array | null, RegExp][] = [
    ["missing.mmdb", null, /Cannot use --geo-db .*missing\.mmdb: no such file/i],
    ["text.mmdb", new TextEncoder().encode("hello"), /it is no MMDB file/],
    ["cut.mmdb", inCountry("DE").slice(0, -3), /it is damaged/],
    [".", null, /Cannot use --geo-db .*(directory|no file)/],
  ];
  for (const [name, bytes, expected] of cases) {
    await withHost((folder) => ({ paths: [`${folder}/${name}`] }), async (host, folder) => {
      if (bytes !== null) await Deno.writeFile(`${folder}/${name}`, bytes);
      await assert.rejects(host.start(), (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, expected);
        return true;
      });
    });
  }
});

Deno.test("a replaced file is read again; a damaged one leaves what was there, and is told once", async () => {
  await withHost((folder) => ({ paths: [`${folder}/a.mmdb`] }), async (host, folder, told) => {
    const path = `${folder}/a.mmdb`;
    await Deno.writeFile(path, inCountry("DE"));
    let changes = 0;
    host.onChange(() => changes++);
    await host.start();
    assert.equal(placeOf("192.0.2.1")?.country, "DE");
    host.watch();
    replace(path, inCountry("FR"));
    await until(() => placeOf("192.0.2.1")?.country === "FR");
    assert.equal(changes, 2);
    replace(path, inCountry("SE").slice(0, -9));
    await until(() => told.warnings.length > 0);
    assert.equal(placeOf("192.0.2.1")?.country, "FR");
    assert.match(told.warnings[0]!, /damaged.*What it held before stays in use/);
    assert.match(told.states.at(-1)![0]!.error, /damaged/);
    await Deno.remove(path);
    await until(() => told.warnings.length > 1);
    assert.equal(placeOf("192.0.2.1")?.country, "FR");
    replace(path, inCountry("SE"));
    await until(() => placeOf("192.0.2.1")?.country === "SE");
    assert.equal(told.states.at(-1)![0]!.error, "");
    assert.equal(told.warnings.length, 2);
  });
});

Deno.test("without files given, those of the folder are taken as they come and go; bad ones are told", async () => {
  await withHost(() => ({}), async (host, folder, told) => {
    await Deno.writeFile(`${folder}/bad.mmdb`, new Uint8Array(9));
    await Deno.writeFile(`${folder}/readme.txt`, new Uint8Array(9));
    await host.start();
    assert.equal(host.files.length, 0);
    assert.equal(told.warnings.length, 1);
    host.watch();
    replace(`${folder}/good.mmdb`, inCountry("DE"));
    await until(() => placeOf("192.0.2.1")?.country === "DE");
    await Deno.remove(`${folder}/good.mmdb`);
    await until(() => placeOf("192.0.2.1") === null);
    assert.deepEqual(told.states.at(-1)!.map(({ path }) => path), [`${folder}/bad.mmdb`]);
  });
  await withHost((folder) => ({ folder: `${folder}/none` }), async (host, _, told) => {
    await host.start();
    assert.deepEqual([host.files, told.warnings], [[], []]);
  });
});
