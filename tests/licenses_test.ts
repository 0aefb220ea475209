/** `tapwatch licenses`, and what stands behind it. */
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import {
  BUILDING_PACKAGES,
  BUNDLED_PACKAGES,
  checkPackages,
  packageOf,
} from "../tools/contents.ts";
import { runProgram } from "./program.ts";

Deno.test("licenses prints the notice of everything inside", async () => {
  const { code, stdout } = await runProgram(["licenses"]);
  strictEqual(code, 0);
  const titles = [...stdout.matchAll(/^={80}\n(.+)\n={80}\n\n([^]*?)(?=\n={80}\n|$(?![^]))/gm)];
  const packages = [...BUNDLED_PACKAGES, ...BUILDING_PACKAGES];
  for (const name of ["tapwatch", "Deno", "V8", "ICU", "SQLite", "Rust crates", ...packages]) {
    const found = titles.filter(([, title = ""]) => title.split(/ [\d(]/)[0] === name);
    strictEqual(found.length, 1, name);
    ok(found[0]![2]!.length > 80, `${name} has no text`);
  }
  match(stdout, /Copyright \(c\) 2015-present Jason Miller/);
  match(stdout, /^tokio 1\.\d+/m);
});

Deno.test("a package in the bundle without a notice fails the build, as does a notice without its package", () => {
  const inputs = BUNDLED_PACKAGES.map((name) => `.cache/npm/${name}/1.0.0/index.js`);
  checkPackages(["main.ts", ...inputs]);
  throws(() => checkPackages([...inputs, ".cache/npm/left-pad/1.0.0/index.js"]), /left-pad/);
  const others = inputs.filter((path) => !path.includes("@preact/signals"));
  throws(() => checkPackages(others), /@preact\/signals/);
  deepStrictEqual(packageOf(".cache/npm/@a/b/1.0.0/x.js"), "@a/b");
  deepStrictEqual(packageOf("agent/npm/a/b.ts"), null);
});
