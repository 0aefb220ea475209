/** The stand-in for Fresh from build to browser, on the small site in fresh/testdata/site. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { App, csp, staticFiles } from "fresh";
import { Builder } from "fresh/dev";
import { ProdBuildCache, setBuildCache, type Snapshot } from "fresh/internal";
import { type Browser, chromium, type Page } from "playwright-core";

const root = new URL("..", import.meta.url).pathname;
const chromiumPath = "/usr/bin/chromium";
const hasChromium = await Deno.stat(chromiumPath).then(() => true, () => false);

Deno.test("Builder makes a site that the server renders and the browser brings to life", async (t) => {
  await using site = await buildSite();
  const { handler, snapshot } = site;

  await t.step("the build id depends on the contents only", async () => {
    await using again = await buildSite();
    strictEqual(again.snapshot.version, snapshot.version);
  });
  await t.step(
    "a page carries its islands, their props and one module script",
    async () => {
      const response = await handler(new Request("http://localhost/"));
      const html = await response.text();
      match(
        html,
        /^<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"\/><title>From an island<\/title>/,
      );
      match(html, /<!--frsh:island:Counter:0:-->/);
      match(
        html,
        /<template id="frsh-0-children"><p class="inside">Later<\/p>/,
      );
      match(html, /<script type="module" nonce="[0-9a-f]{32}">/);
      strictEqual(html.match(/<script/g)?.length, 1);
      match(
        response.headers.get("link") ?? "",
        /fresh-runtime\.js>; rel="modulepreload"; as="script"/,
      );
      match(
        response.headers.get("content-security-policy") ?? "",
        /script-src 'self' 'nonce-/,
      );
      strictEqual(response.headers.get("x-middleware"), "yes");
    },
  );
  await t.step("a page without islands carries no script", async () => {
    const html =
      await (await handler(new Request("http://localhost/hosts?q=x"))).text();
    match(html, /<main><h1>Hosts x<\/h1><\/main>/);
    match(html, /<a href="\/hosts" data-current="true" aria-current="page">/);
    strictEqual(html.includes("<script"), false);
  });
  await t.step(
    "file routes know groups, parameters, errors and 404",
    async () => {
      const cases: [string, number, RegExp][] = [
        ["/api", 200, /"fine":true/],
        ["/hosts/10.0.0.1", 200, /<h1>Host 10\.0\.0\.1<\/h1>/],
        ["/hosts/bad", 422, /<h1>Failed: bad id<\/h1>/],
        ["/nowhere", 404, /<h1>Nothing here<\/h1>/],
      ];
      for (const [path, status, body] of cases) {
        const response = await handler(new Request(`http://localhost${path}`));
        match(await response.text(), body);
        strictEqual(response.status, status, path);
      }
    },
  );
  await t.step(
    "a lazy route answers a method it lacks with the 404 page",
    async () => {
      const response = await handler(
        new Request("http://localhost/api", { method: "POST" }),
      );
      strictEqual(response.status, 404);
      await response.body?.cancel();
    },
  );
  await t.step(
    "static files are served with their names, types and caching",
    async () => {
      await checkStaticFiles(handler, snapshot.version);
    },
  );
  await t.step({
    name: `islands hydrate in ${chromiumPath}`,
    ignore: !hasChromium,
    fn: () => checkBrowser(handler),
  });
});

async function buildSite() {
  await Deno.mkdir(join(root, "dist"), { recursive: true });
  const folder = await Deno.makeTempDir({
    dir: join(root, "dist"),
    prefix: "site-",
  });
  const copy = await new Deno.Command("cp", {
    args: ["-r", join(root, "fresh/testdata/site") + "/.", folder],
  }).output();
  strictEqual(copy.success, true);
  await new Builder({ root: folder }).build();
  const snapshot: Snapshot = await import(join(folder, "_fresh/snapshot.js"));
  const app = new App<unknown>().use(csp({ useNonce: true }), staticFiles())
    .fsRoutes();
  setBuildCache(app, new ProdBuildCache(folder, snapshot), "production");
  return {
    handler: app.handler(),
    snapshot,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
type Handler = ReturnType<App<unknown>["handler"]>;

async function checkStaticFiles(
  handler: Handler,
  version: string,
): Promise<void> {
  const get = (path: string, headers: HeadersInit = {}) =>
    handler(new Request(`http://localhost${path}`, { headers }));
  const plain = await get("/site.css");
  strictEqual(await plain.text(), "body {\n  color: black;\n}\n");
  strictEqual(plain.headers.get("content-type"), "text/css; charset=UTF-8");
  match(plain.headers.get("cache-control") ?? "", /no-store/);
  const keyed = await get(`/site.css?__frsh_c=${version}`);
  await keyed.body?.cancel();
  match(keyed.headers.get("cache-control") ?? "", /immutable/);
  const stale = await get("/site.css?__frsh_c=other");
  deepStrictEqual([stale.status, stale.headers.get("location")], [
    307,
    "/site.css",
  ]);
  const known = await get("/site.css", {
    "if-none-match": plain.headers.get("etag") ?? "",
  });
  strictEqual(known.status, 304);
  const spaced = await get("/img/a%20b.svg");
  strictEqual(spaced.headers.get("content-type"), "image/svg+xml");
  await spaced.body?.cancel();
  strictEqual((await get("/favicon.ico")).status, 404);
  const malformed = await get("/%zz");
  strictEqual(malformed.status, 404);
  await malformed.body?.cancel();
}

async function checkBrowser(handler: Handler): Promise<void> {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (req) => handler(req),
  );
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on(
      "console",
      (message) => message.type() === "error" && problems.push(message.text()),
    );
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await checkIslands(page);
    deepStrictEqual(problems, []);
  } finally {
    await browser.close();
    await server.shutdown();
  }
}

async function checkIslands(page: Page): Promise<void> {
  await page.click("#one:not([disabled])");
  await page.waitForFunction(() =>
    document.querySelector("#two")?.textContent === "Count 4"
  );
  await page.click("#four:not([disabled])");
  await page.waitForFunction(() =>
    document.querySelector("#one")?.textContent === "Count 5"
  );
  strictEqual(await page.locator("#three").count(), 0);
  await page.click("h2:has-text('Closed')");
  strictEqual(await page.textContent("p.inside"), "Later");
  await page.click("#three:not([disabled])");
  await page.waitForFunction(() =>
    document.querySelector("#two")?.textContent === "Count 6"
  );
  strictEqual(await page.isChecked("section input"), true);
  strictEqual(await page.title(), "From an island");
  strictEqual(await page.locator("section").count(), 3);
}
