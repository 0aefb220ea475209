/** The stand-in for Fresh from build to browser, on the small site in fresh/testdata/site. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { App, staticFiles } from "fresh";
import { Builder } from "fresh/dev";
import { ProdBuildCache, setBuildCache, type Snapshot } from "fresh/internal";
import type { Page } from "playwright-core";
import { denoResolver } from "../tools/esbuild_deno.ts";
import { missingChromium, openChromium } from "./chromium.ts";
import { testWith } from "./program.ts";

const root = new URL("..", import.meta.url).pathname;

Deno.test("the build id depends on the contents only", async () => {
  await using one = await buildSite();
  await using other = await buildSite();
  match(one.version, /^[0-9a-f]{40}$/);
  strictEqual(one.version, other.version);
});

Deno.test("a page carries its islands, their props and one module script", async () => {
  await using site = await buildSite();
  const response = await site.get("/");
  const html = await response.text();
  match(html, /^<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"\/><title>Site</);
  match(html, /<main><!--frsh:island:Counter:0:--><button id="one"/);
  match(html, /<small>small<\/small><!--\/frsh:island--><\/p><\/main><script type="module"/);
  match(html, /nonce="[0-9a-f]{32}">import\{boot\}from"\/_fresh\/js\//);
  deepStrictEqual([html.match(/<script/g)?.length, html.match(/<\/script/g)?.length], [1, 1]);
  strictEqual(html.match(/frsh:island:Label/), null);
  match(response.headers.get("link") ?? "", /Counter\.js>; rel="modulepreload"; as="script"/);
  strictEqual(response.headers.get("x-middleware"), "yes");
});

Deno.test("a page without islands carries no script", async () => {
  await using site = await buildSite();
  const response = await site.get("/hosts?q=x");
  const html = await response.text();
  match(html, /<main><h1>Hosts x<\/h1><\/main>/);
  deepStrictEqual([html.includes("<script"), response.headers.get("link")], [false, null]);
});

Deno.test("file routes know groups, parameters, errors and 404", async () => {
  await using site = await buildSite();
  const cases: [string, number, RegExp][] = [
    ["/api", 200, /"fine":true/],
    ["/hosts/10.0.0.1", 200, /<h1>Host 10\.0\.0\.1<\/h1>/],
    ["/hosts/bad", 422, /<h1>Failed: bad id<\/h1>/],
    ["/nowhere", 404, /<h1>Nothing here<\/h1>/],
  ];
  for (const [path, status, body] of cases) {
    const response = await site.get(path);
    match(await response.text(), body);
    strictEqual(response.status, status, path);
  }
});

Deno.test("static files come with type and tag, and are kept for ever by their keyed URL", async () => {
  await using site = await buildSite();
  const plain = await site.get("/site.css");
  match(await plain.text(), /color: black/);
  strictEqual(plain.headers.get("content-type"), "text/css; charset=UTF-8");
  match(plain.headers.get("cache-control") ?? "", /no-store/);
  const keyed = await site.get(`/site.css?__frsh_c=${site.version}`);
  await keyed.body?.cancel();
  match(keyed.headers.get("cache-control") ?? "", /immutable/);
  const slashed = await site.get("/site.css/");
  match(await slashed.text(), /color: black/);
  const stale = await site.get("/site.css?__frsh_c=other");
  deepStrictEqual([stale.status, stale.headers.get("location")], [307, "/site.css"]);
  const known = await site.get("/site.css", { "if-none-match": plain.headers.get("etag") ?? "" });
  strictEqual(known.status, 304);
});

Deno.test("static files may have spaces in their names; unknown and malformed paths are 404", async () => {
  await using site = await buildSite();
  const spaced = await site.get("/img/a%20b.svg");
  strictEqual(spaced.headers.get("content-type"), "image/svg+xml");
  await spaced.body?.cancel();
  for (const path of ["/favicon.ico", "/%zz", "/../deno.json", "/%2e%2e%2fdeno.json"]) {
    const response = await site.get(path);
    strictEqual(response.status, 404, path);
    await response.body?.cancel();
  }
});

testWith(
  missingChromium,
  "the browser brings islands to life on the server's elements",
  async () => {
    await using site = await buildSite();
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, site.handler);
    const browser = await openChromium();
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
      page.on("pageerror", (error) => problems.push(String(error)));
      await page.goto(`http://127.0.0.1:${server.addr.port}/`);
      await checkIslands(page);
      deepStrictEqual(problems, []);
    } finally {
      await browser.close();
      await server.shutdown();
    }
  },
);

async function checkIslands(page: Page): Promise<void> {
  strictEqual(await page.textContent("#one"), "Count 3 </script><!-- none");
  for (const [id, before, after] of [["#one", 3, 4], ["#two", 0, 1]] as const) {
    await page.evaluate((id) => document.querySelector(id)?.setAttribute("data-old", ""), id);
    // Before the island is alive a click does nothing, so click until it counts.
    await page.waitForFunction(([id, text]) => {
      const button = document.querySelector<HTMLElement>(id);
      const isWaiting = button?.textContent?.startsWith(text) === true;
      if (isWaiting) button?.click();
      return !isWaiting;
    }, [id, `Count ${before}`] as const);
    match(await page.textContent(id) ?? "", new RegExp(`^Count ${after} `));
    strictEqual(await page.getAttribute(id, "data-old"), "", "the element is the server's");
  }
  match(await page.getAttribute("#one b", "data-icon") ?? "", /^\/img\/a b\.svg\?__frsh_c=\w{40}$/);
  strictEqual(await page.locator("button").count(), 2);
}

/** A copy of the site, built, in a folder inside the repository (imports are resolved by its deno.json). */
async function buildSite() {
  await Deno.mkdir(join(root, "dist"), { recursive: true });
  const folder = await Deno.makeTempDir({ dir: join(root, "dist"), prefix: "site-" });
  const copy = await new Deno.Command("cp", {
    args: ["-r", join(root, "fresh/testdata/site") + "/.", folder],
  }).output();
  strictEqual(copy.success, true);
  await new Builder({ root: folder, plugins: [denoResolver] }).build();
  const snapshot: Snapshot = await import(join(folder, "_fresh/snapshot.js"));
  const app = new App<unknown>().use(staticFiles()).fsRoutes();
  setBuildCache(app, new ProdBuildCache(folder, snapshot), "production");
  const handler = app.handler();
  return {
    handler,
    version: snapshot.version,
    get: (path: string, headers: HeadersInit = {}) =>
      handler(new Request(`http://localhost${path}`, { headers })),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
