/** Headless Chromium for tests, and what no page may do in it. */
import { type Browser, chromium, type Page } from "playwright-core";
import { patienceMs } from "./program.ts";

const executablePath = "/usr/bin/chromium";
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** "" where there is a Chromium. */
export const missingChromium = await exists(executablePath) ? "" : `there is no ${executablePath}`;

/** `starter` is a program that becomes Chromium, if not Chromium itself. Its pages wait as long as other tests do. */
export async function openChromium(starter = executablePath): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: starter,
    args: flags,
    timeout: patienceMs,
  });
  browser.on("context", (context) => context.setDefaultTimeout(patienceMs));
  return browser;
}

/** What a page does that it may not: errors in the console, dialogs, requests to other hosts. Grows while it is open. */
export function watchPage(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    // The browser's note that fields were refused.
    const { url } = message.location();
    if (url.endsWith("/api/mutes?preview=1") && message.text().includes("status of 400")) return;
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => complaints.push("the dialog stays"));
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) complaints.push(`request to ${request.url()}`);
  });
  return complaints;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
