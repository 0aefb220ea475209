import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { parseConfig } from "./config.ts";
import { envExample } from "./env_example.ts";
import { OPTIONS } from "./options.ts";

const nothing = { env: {}, readTextFile: () => "", exists: () => false };

function parse(text: string, args: readonly string[] = []) {
  return parseConfig([...args, "--env-file", "x"], { ...nothing, readTextFile: () => text });
}

Deno.test(".env.example is what the table of options makes (deno task build)", () => {
  strictEqual(
    Deno.readTextFileSync(new URL("../.env.example", import.meta.url)),
    envExample(),
  );
});

Deno.test("envExample() has every variable once, and sets none", () => {
  const names = [...envExample().matchAll(/^#?(TAPWATCH_\w+)=/gm)].map(([, name]) => name);
  deepStrictEqual(names, OPTIONS.flatMap(({ env }) => env ?? []));
  deepStrictEqual([...parse(envExample()).given.keys()], ["env-file"]);
});

Deno.test("the defaults of envExample() are those that hold without it", () => {
  // An empty password is refused, for it would leave the door open.
  const all = envExample().replaceAll(/^#(?=TAPWATCH_(?!PASSWORD))/gm, "");
  const plain = ({ given: _, envFile: _file, warnings: _warnings, ...config }: object & {
    given?: unknown;
    envFile?: unknown;
    warnings?: unknown;
  }) => config;
  deepStrictEqual(plain(parse(all)), plain(parseConfig([], nothing)));
});

Deno.test("envExample() sets what it is given, whatever is in it", () => {
  const filter = "not (host 10.0.0.1 # or 'x')";
  const config = parse(envExample({ TAPWATCH_FILTER: filter, TAPWATCH_INTERFACE: "eth0,eth1" }));
  strictEqual(config.filter, filter);
  deepStrictEqual(config.interfaces, ["eth0", "eth1"]);
  throws(() => envExample({ TAPWATCH_FILTER: "a\nTAPWATCH_HOST=0.0.0.0" }), RangeError);
});
