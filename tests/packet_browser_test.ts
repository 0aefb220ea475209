/** The page of a packet as people use it: with and without scripts, by pointer and keys, on a wide screen and a phone. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { ethernet, ipv4, tcp } from "../agent/decode/packet_builder.ts";
import { missingChromium, openChromium } from "./chromium.ts";
import { withTraffic } from "./dashboard_site.ts";
import { testWith } from "./program.ts";

const request = new TextEncoder().encode("GET /index.html HTTP/1.1\r\nHost: example.org\r\n\r\n");
const bytes = ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 0x18 }, request)));
const captured = { bytes, wireLength: bytes.length, linktype: 1 };

interface View {
  readonly width: number;
  readonly colorScheme: "light" | "dark";
  readonly javaScriptEnabled: boolean;
}

/** Opens the page of a packet in each view; what the browser complains of fails. */
async function inViews(
  views: readonly View[],
  use: (page: Page, view: View) => Promise<void>,
): Promise<void> {
  await withTraffic(async (site) => {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      site.dashboard.handler,
    );
    const browser = await openChromium();
    try {
      for (const view of views) {
        const context = await browser.newContext({
          ...view,
          viewport: { width: view.width, height: 800 },
          bypassCSP: true,
        });
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on("console", (message) => {
          if (message.type() === "error") complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(String(error)));
        await page.goto(`http://127.0.0.1:${server.addr.port}/packets/1`);
        await use(page, view);
        deepStrictEqual(complaints, []);
        await context.close();
      }
    } finally {
      await browser.close();
      site.dashboard.closeStreams();
      await server.shutdown();
    }
  }, { readPacket: () => Promise.resolve(captured) });
}

const test = testWith.bind(null, missingChromium);

const marked = (page: Page) => page.locator(".hex mark").allTextContents();
const host = "48 6f 73 74 3a 20";

test("without scripts a field is a link that marks its bytes", () =>
  inViews([{ width: 1280, colorScheme: "light", javaScriptEnabled: false }], async (page) => {
    deepStrictEqual(await marked(page), []);
    await page.getByRole("link", { name: /^Host example/ }).click();
    await page.waitForURL(/\?field=\d+#bytes$/);
    ok((await marked(page)).join(" ").startsWith(host), (await marked(page)).join("|"));
  }));

test("a field's bytes are marked under the pointer and the focus, and stay when it is chosen", () =>
  inViews([{ width: 1280, colorScheme: "dark", javaScriptEnabled: true }], async (page) => {
    const field = page.getByRole("link", { name: /^Host example/ });
    await page.waitForLoadState("networkidle");
    await field.hover();
    await page.locator(".hex mark").first().waitFor();
    ok((await marked(page)).join(" ").startsWith(host));
    await page.mouse.move(5, 5);
    await page.locator(".hex mark").first().waitFor({ state: "detached" });
    await field.focus();
    await page.keyboard.press("Enter");
    await page.locator(".hex mark").first().waitFor();
    await page.waitForURL(/\?field=\d+$/);
    strictEqual(await page.locator('.tree a[aria-current="true"]').count(), 1);
  }));

test("the page of a packet is accessible, wide and on a phone, light and dark", () => {
  const views = [1280, 390].flatMap((width) =>
    (["light", "dark"] as const).map((colorScheme) => ({
      width,
      colorScheme,
      javaScriptEnabled: true,
    }))
  );
  return inViews(views, async (page, { width, colorScheme }) => {
    await page.waitForLoadState("networkidle");
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<{ violations: { id: string; nodes: unknown[] }[] }>(
      "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
    );
    const found = violations.map(({ id, nodes }) =>
      `${id}: ${JSON.stringify(nodes).slice(0, 300)}`
    );
    deepStrictEqual([width, colorScheme, ...found], [width, colorScheme]);
    const overflow = await page.evaluate<number>("document.body.scrollWidth - innerWidth");
    ok(overflow <= 0, `${overflow} px wider than ${width}`);
  });
});
