/** How much code each page of a replay makes a browser load. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { pagePaths, replayed } from "./every_page.ts";
import { demoCapture, patienceMs, Program, withFolder } from "./program.ts";

/** Bytes gzipped of all modules that a page's own lead to, as the server gives them. */
async function codeOf(program: Program, path: string) {
  const read = async (url: string) => {
    const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
    return { ok: response.ok, text: await response.text() };
  };
  const { text: html } = await read(program.url + path);
  const waiting = [...html.matchAll(/"(\/_fresh\/js\/[^"]+\.js)"/g)].map(([, own]) =>
    program.url + own
  );
  const loaded = new Map<string, number>();
  while (waiting.length > 0) {
    const url = waiting.pop()!;
    if (loaded.has(url)) continue;
    const code = await read(url);
    assert.ok(code.ok, url);
    loaded.set(url, gzipSync(code.text).length);
    for (const [, other] of code.text.matchAll(/"(\.\/[\w-]+\.js)"/g)) {
      waiting.push(new URL(other!, url).href);
    }
  }
  return { files: loaded.size, bytes: [...loaded.values()].reduce((sum, size) => sum + size, 0) };
}

Deno.test("the client code of each page is at most 70 kB gzipped", () =>
  withFolder(async (folder) => {
    await using program = await Program.start(
      ["replay", demoCapture, "--speed", "max", "--results", folder],
    );
    await replayed(program);
    const sizes = new Map<string, number>();
    for (const path of [...(await pagePaths(program)).values()].flat()) {
      const { files, bytes } = await codeOf(program, path);
      sizes.set(path, bytes);
      // The page to log in has none, where nobody has to.
      if (path !== "/login") assert.ok(files > 3 && bytes > 10_000, `${path}: ${files} files`);
      assert.ok(bytes <= 70_000, `${path}: ${bytes} bytes in ${files} files`);
    }
    assert.ok(
      sizes.get("/")! > sizes.get("/packets")! + 10_000,
      "charts load where they are alone",
    );
  }));
