/** WCAG 2.2 AA, and axe-core's best practices, on every page of a replay: wide and phone, light and dark. */
import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { openContext, sizeNames, sizes, violations } from "./axe.ts";
import { missingChromium, openChromium, watchPage } from "./chromium.ts";
import { type Fixture, makeSource } from "./dashboard_fixture.ts";
import { withSite } from "./dashboard_site.ts";
import { pagePaths, replayed } from "./every_page.ts";
import { demoCapture, Program, testWith, withFolder } from "./program.ts";

interface Demo {
  readonly program: Program;
  readonly browser: Browser;
}

async function withDemo(
  use: (demo: Demo) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  await withFolder(async (folder) => {
    await using program = await Program.start(
      ["replay", demoCapture, "--speed", "max", "--results", folder],
      { env },
    );
    await replayed(program);
    const browser = await openChromium();
    try {
      await use({ program, browser });
    } finally {
      await browser.close();
    }
  });
}

/** Lists with nothing to show, and searches that are refused. */
const emptyPaths = ["/flows", "/packets", "/hosts", "/scans", "/anomalies", "/incidents", "/alerts"]
  .flatMap((path) => [`${path}?q=host+192.0.2.200`, `${path}?q=hots=1`]);

testWith(
  missingChromium,
  "no page breaks a rule of WCAG 2.2 AA, and what can be searched for in a table is a link",
  () =>
    withDemo(async ({ program, browser }) => {
      const problems: string[] = [];
      const paths = [...[...(await pagePaths(program)).values()].flat(), ...emptyPaths];
      for (const size of sizeNames) {
        const context = await openContext(browser, size);
        const page = await context.newPage();
        for (const path of paths) {
          for (const colorScheme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme });
            if (colorScheme === "light") await page.goto(program.url + path);
            if (colorScheme === "light" && path !== "/status") {
              const found = await page.evaluate(unlinked);
              problems.push(...found.map((text) => `${path} (${size}) leads nowhere: ${text}`));
            }
            const found = await violations(page);
            problems.push(...found.map((text) => `${path} (${size}, ${colorScheme}) ${text}`));
          }
        }
        await context.close();
      }
      assert.deepEqual(problems, []);
    }),
);

testWith(
  missingChromium,
  "with a root font of 200 % titles can be read",
  () =>
    withDemo(async ({ program, browser }) => {
      const problems: string[] = [];
      const paths = [...(await pagePaths(program)).values()].flat();
      for (const viewport of Object.values(sizes)) {
        const page = await browser.newPage({ viewport });
        for (const path of paths) {
          await page.goto(program.url + path);
          const cut = await page.evaluate(() => {
            document.documentElement.style.fontSize = "200%";
            return [...document.querySelectorAll<HTMLElement>("h1, h2, .lead")]
              .filter((title) => title.checkVisibility() && !title.closest(".vh, [popover]"))
              .filter((title) => {
                const { left, right, height } = title.getBoundingClientRect();
                const isCut = title.scrollWidth > title.clientWidth + 1 ||
                  title.scrollHeight > title.clientHeight + 4;
                return isCut || left < 0 || right > innerWidth + 1 || height < 12;
              })
              .map((title) => title.outerHTML.slice(0, 120));
          });
          problems.push(...cut.map((html) => `${path} (${viewport.width}) ${html}`));
        }
        await page.close();
      }
      assert.deepEqual(problems, []);
    }),
);

testWith(
  missingChromium,
  "keys: / searches, space pauses, ? lists them, arrows go through tables",
  () =>
    withDemo(async ({ program, browser }) => {
      const page = await browser.newPage();
      const complaints = watchPage(page, program.url);
      const stream = page.waitForResponse((response) => response.url().includes("/api/events"));
      await page.goto(`${program.url}/flows`);
      await stream;
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute("href") ?? "");
      const rowOf = () =>
        page.evaluate(() => document.activeElement?.closest("tr")?.rowIndex ?? -1);
      const dialog = page.locator("#keys");
      await page.keyboard.press("?");
      await dialog.waitFor();
      for (const key of ["/", "space", "?", "Esc"]) {
        await dialog.locator("kbd", { hasText: key }).first().waitFor();
      }
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      await page.getByRole("button", { name: "Keys" }).click();
      await dialog.waitFor();
      await dialog.getByRole("button", { name: "Close" }).click();
      await dialog.waitFor({ state: "hidden" });
      assert.equal(
        await page.evaluate(() => document.activeElement?.getAttribute("aria-label")),
        "Keys",
        "the focus returns",
      );
      await page.evaluate(() => (document.activeElement as HTMLElement).blur());
      await page.keyboard.press("Space");
      await page.getByText("Paused").waitFor();
      await page.keyboard.press("/");
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "q");
      await page.keyboard.type("?");
      assert.equal(await dialog.isVisible(), false, "what is typed is no key");
      await page.locator(".tbl tbody tr").nth(1).locator("a").first().focus();
      const start = await focused();
      assert.equal(await rowOf(), 2);
      await page.keyboard.press("ArrowDown");
      assert.equal(await rowOf(), 3);
      await page.keyboard.press("ArrowUp");
      assert.equal(await focused(), start);
      await page.keyboard.press("ArrowRight");
      assert.equal(await rowOf(), 2);
      assert.notEqual(await focused(), start);
      await page.keyboard.press("ArrowLeft");
      assert.equal(await focused(), start);
      await page.keyboard.press("End");
      assert.equal(await rowOf(), await page.locator(".tbl tbody tr").count());
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Home");
      assert.equal(await rowOf(), 1);
      assert.deepEqual(complaints, []);
    }),
);

testWith(
  missingChromium,
  "the list of keys opens without scripts",
  () =>
    withDemo(async ({ program, browser }) => {
      const page = await browser.newPage({ javaScriptEnabled: false });
      await page.goto(program.url);
      await page.getByRole("button", { name: "Keys" }).click();
      await page.locator("#keys").getByText("pauses the updates").waitFor();
    }),
);

testWith(
  missingChromium,
  "print keeps severities and open ports",
  () =>
    withDemo(async ({ program, browser }) => {
      const page = await browser.newPage();
      await page.emulateMedia({ media: "print" });
      const scans = (await pagePaths(program)).get("/scans/:id")!;
      for (
        const [path, selector] of [["/incidents", ".sev"], [scans[0]!, ".sev"], [
          scans[0]!,
          ".hp td",
        ]]
      ) {
        await page.goto(program.url + path);
        const adjusted = await page.locator(selector!).evaluateAll((nodes) =>
          nodes.map((node) => getComputedStyle(node).printColorAdjust)
        );
        assert.ok(adjusted.length > 0, `${path} has ${selector}`);
        assert.ok(adjusted.every((value) => value === "exact"), `${path} ${selector}`);
      }
    }),
);

testWith(
  missingChromium,
  "the login breaks no rule of WCAG 2.2 AA",
  () =>
    withDemo(async ({ program, browser }) => {
      for (const viewport of Object.values(sizes)) {
        for (const colorScheme of ["light", "dark"] as const) {
          const page = await browser.newPage({ viewport, colorScheme });
          await page.goto(`${program.url}/flows`);
          await page.locator("input[type=password]").waitFor();
          assert.deepEqual(await violations(page), []);
          await page.close();
        }
      }
    }, { TAPWATCH_PASSWORD: "correct horse battery" }),
);

const pathsWithoutRows = [
  "/",
  "/incidents",
  "/anomalies",
  "/scans",
  "/flows",
  "/hosts",
  "/hosts/new",
  "/packets",
  "/alerts",
  "/mutes/new",
]
  .concat("/status", "/?range=24h", "/status?range=1h");

for (
  const [state, prepare, shows] of [
    ["before the first packet", () => Promise.resolve(), /Waiting for the first packet/],
    [
      "while the database cannot be read",
      ({ folder }: Fixture) =>
        Deno.writeTextFile(`${folder}/packet_logs.db`, "no database at all ".repeat(1000)),
      /class="notice"/,
    ],
  ] as const
) {
  testWith(
    missingChromium,
    `no page breaks a rule of WCAG 2.2 AA ${state}`,
    () =>
      withSite({}, async (site) => {
        site.live.setSource(makeSource({ packets: 0, received: 0 }));
        await prepare(site);
        const server = Deno.serve(
          { port: 0, hostname: "127.0.0.1", onListen: () => {} },
          site.dashboard.handler,
        );
        const browser = await openChromium();
        const problems: string[] = [];
        try {
          const url = `http://127.0.0.1:${server.addr.port}`;
          assert.match(await (await fetch(`${url}/?range=24h`)).text(), shows);
          for (const size of sizeNames) {
            const context = await openContext(browser, size);
            const page = await context.newPage();
            for (const path of pathsWithoutRows) {
              await page.goto(url + path);
              for (const colorScheme of ["light", "dark"] as const) {
                await page.emulateMedia({ colorScheme });
                const found = await violations(page);
                problems.push(...found.map((text) => `${path} (${size}, ${colorScheme}) ${text}`));
              }
            }
            await context.close();
          }
        } finally {
          await browser.close();
          site.dashboard.closeStreams();
          await server.shutdown();
        }
        assert.deepEqual(problems, []);
      }),
  );
}

/** Runs in the page: hosts, services, times … in tables of traffic that lead nowhere, with their columns. */
function unlinked(): string[] {
  const columns =
    /^(host|from|to|source|target|peer|service|protocol|port|network|country|process|name|address|time|when|began|last|first)\b/i;
  const telling = [
    /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/,
    /\b(?:[0-9a-f]{1,4}:){3,}[0-9a-f:]*[0-9a-f]\b/i,
    /\b\d\d:\d\d(?::\d\d)?\b/,
  ];
  const problems: string[] = [];
  for (const cell of document.querySelectorAll<HTMLTableCellElement>("main table td")) {
    const head = cell.closest("table")!.tHead?.rows[0]?.cells[cell.cellIndex]?.textContent ?? "";
    // What a packet says is text.
    if (head === "What") continue;
    const own = cell.cloneNode(true) as HTMLElement;
    const linked = own.querySelectorAll("a[href], button");
    for (const element of [...linked, ...own.querySelectorAll("svg, script, .vh")]) {
      element.remove();
    }
    const text = own.textContent!.trim();
    const isBare = linked.length === 0 && columns.test(head) && /[\p{L}\d]/u.test(text) &&
      text !== "all others";
    if (isBare || telling.some((pattern) => pattern.test(text))) problems.push(`${head}: ${text}`);
  }
  return problems;
}
