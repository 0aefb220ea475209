import { deepStrictEqual, match, ok } from "node:assert/strict";
import { COMMAND_NAMES, OPTIONS } from "../options.ts";
import { helpText } from "./help.ts";

const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
const flags = OPTIONS.filter(({ isSecret }) => !isSecret);

Deno.test("the help lists every option and variable of the table", () => {
  const page = helpText(null);
  for (const { name } of flags) ok(page.includes(`--${name}`), name);
  for (const { env } of OPTIONS) ok(env === undefined || page.includes(env), env);
});

Deno.test("the help keeps to 100 columns and says all of an option", () => {
  const pages = [null, ...COMMAND_NAMES].map(helpText);
  for (const line of pages.flatMap((page) => page.split("\n"))) {
    ok(line.length <= 100 && line === line.trimEnd(), line);
  }
  match(pages[0]!, /^ {6}--port N +dashboard port \(default 8055; TAPWATCH_PORT\)$/m);
  match(pages[0]!, /^ {2}-i, --interface NAME +device to capture on, repeatable/m);
  match(pages[0]!, /^ {6}--format FORMAT +csv or jsonl \(of export; default csv\)$/m);
});

Deno.test("the help of a command lists the options that it heeds, and no other", () => {
  const optionsIn = (page: string) =>
    [...page.matchAll(/^ {2}(?:-\w, | {4})--([\w-]+)/gm)].map(([, name]) => name);
  deepStrictEqual(optionsIn(helpText("analyze")), [
    "anomaly-quantile",
    "home-net",
    "blocklist",
    "vxlan-port",
    "env-file",
    "log-level",
    "log-format",
    "json",
    "flows",
    "eve",
  ]);
  deepStrictEqual(
    optionsIn(helpText("export")).filter((name) => !optionsIn(helpText("run")).includes(name)),
    ["format", "from", "to"],
  );
  ok(optionsIn(helpText("replay")).includes("speed"));
  deepStrictEqual(optionsIn(helpText("help")), []);
});

Deno.test("the README's table names options, variables and defaults as they are", () => {
  const rows = readme.split("\n").filter((line) => /^\| `-/.test(line)).map((line) =>
    line.split(/(?<!\\)\|/).map((cell) => cell.trim())
  );
  ok(rows.length > 5);
  for (const [, names, variables, defaults] of rows) {
    const specs = [...names!.matchAll(/--([\w-]+)/g)].map(([, name]) =>
      flags.find((option) => option.name === name)
    );
    ok(specs.length > 0 && specs.every((spec) => spec !== undefined), names);
    const defaultTexts = defaults!.replaceAll("`", "").split(/, |; /);
    const variableTexts = [...variables!.matchAll(/`(\w+)`/g)].map(([, text]) => text!);
    for (const [index, spec] of specs.entries()) {
      if (spec!.env !== undefined) {
        // Later ones may be given by their end, as `_MB`.
        ok(spec!.env.endsWith(variableTexts[index] ?? "?"), `${names}: ${variables}`);
      }
      const hasDefault = spec!.default !== undefined && spec!.default !== "";
      const text = typeof spec!.default === "boolean"
        ? spec!.default ? "on" : "off"
        : String(spec!.default);
      if (hasDefault) deepStrictEqual(defaultTexts[index], text, names);
    }
  }
});
