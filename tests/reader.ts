/** Somebody who reads the dashboard in a browser, and whose clicks are counted. */
import assert from "node:assert/strict";
import type { Browser, Download, Locator, Page } from "playwright-core";
import { readCaptureFile } from "../agent/capture/read_packets.ts";
import { watchPage } from "./chromium.ts";

/** From the overview, or from an alert's link. */
const clicksMax = 3;

export class Reader {
  readonly page: Page;
  #clicks = 0;

  private constructor(page: Page) {
    this.page = page;
  }

  /** One job, which begins at a path and takes three clicks at most. */
  static async job(
    browser: Browser,
    { origin, path = "/" }: { readonly origin: string; readonly path?: string },
    use: (reader: Reader) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({
      ...{ viewport: { width: 1440, height: 900 }, timezoneId: "UTC", locale: "en-GB" },
      acceptDownloads: true,
    });
    const page = await context.newPage();
    const complaints = watchPage(page, origin);
    try {
      await page.goto(origin + path);
      const reader = new Reader(page);
      await use(reader);
      assert.ok(reader.#clicks <= clicksMax, `${reader.#clicks} clicks`);
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
    }
  }

  /** Clicks and waits for the page that it leads to. */
  async follow(target: Locator): Promise<void> {
    this.#clicks++;
    const before = this.page.url();
    await target.first().click();
    await this.page.waitForURL((url) => url.href !== before);
    await this.page.waitForLoadState();
  }

  /** A click that leads nowhere else. */
  async press(target: Locator): Promise<void> {
    this.#clicks++;
    await target.first().click();
  }

  /** Clicks on what gives a capture file; its packets. */
  async download(target: Locator) {
    this.#clicks++;
    const waiting = this.page.waitForEvent("download");
    await target.first().click();
    const download: Download = await waiting;
    return (await readCaptureFile(await download.path())).packets;
  }

  link(name: string | RegExp): Locator {
    return this.page.getByRole("link", { name, exact: true });
  }

  /** The panel with this title. */
  panel(title: string): Locator {
    return this.page.locator("section.panel").filter({
      has: this.page.getByRole("heading", { name: title, exact: true }),
    });
  }

  /** A row of a panel's table that says this. */
  row(title: string, text: string | RegExp): Locator {
    return this.panel(title).locator("tbody tr").filter({ hasText: text });
  }

  async sees(locator: Locator, text: string | RegExp): Promise<void> {
    await locator.filter({ hasText: text }).first().waitFor();
  }

  /** The same of what a page shows as it was when it was loaded: as often as it takes. */
  async until(locator: Locator, text: string | RegExp): Promise<void> {
    for (let tries = 0; tries < 40; tries++) {
      if (await locator.filter({ hasText: text }).count() > 0) return;
      await this.page.waitForTimeout(500);
      await this.page.reload();
    }
    await this.sees(locator, text);
  }

  /** The text of the whole page. */
  text(): Promise<string> {
    return this.page.locator("main").innerText();
  }
}
