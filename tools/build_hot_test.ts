import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { buildHot, type HotModule } from "./build_hot.ts";

Deno.test("buildHot() makes a module of its sources, and again only when one of them has changed", async () => {
  const path = await Deno.makeTempDir();
  const folder = pathToFileURL(`${path}/`);
  const module: HotModule = { folder, output: "sum_code.ts", functionName: "sumModule" };
  await Deno.mkdir(`${path}/assembly`);
  const write = (name: string, text: string) => Deno.writeTextFile(`${path}/${name}`, text);
  try {
    await write("limit.ts", "export const LIMIT = 40;");
    await write(
      "assembly/index.ts",
      `import { LIMIT } from "../limit";\nexport function sum(a: i32): i32 { return a + LIMIT; }`,
    );
    deepStrictEqual(await buildHot([module]), ["sum_code.ts"]);
    deepStrictEqual(await buildHot([module]), []);
    strictEqual(await sumOf(path, 40), 42);
    await write("limit.ts", "export const LIMIT = 50;");
    deepStrictEqual(await buildHot([module]), ["sum_code.ts"]);
    strictEqual(await sumOf(path, 50), 52);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

/** What the module that was built says of 2; `limit` tells one build from the other. */
async function sumOf(path: string, limit: number): Promise<number> {
  const { sumModule } = await import(`file://${path}/sum_code.ts?${limit}`);
  const instance = new WebAssembly.Instance(sumModule());
  return (instance.exports as { sum(a: number): number }).sum(2);
}
