/** What axe-core finds wrong with a page: WCAG 2.2 AA, and its best practices. */
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";

export const sizes = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const sizeNames = ["wide", "phone"] as const;

/** Where pages are drawn in a size. */
export function openContext(
  browser: Browser,
  size: typeof sizeNames[number],
): Promise<BrowserContext> {
  return browser.newContext({
    viewport: sizes[size],
    hasTouch: size === "phone",
    // Colours change at once, not over some frames.
    reducedMotion: "reduce",
  });
}

export async function violations(page: Page): Promise<string[]> {
  if (!await page.evaluate(() => "axe" in globalThis)) await page.evaluate(axe.source);
  // What is right, of which there is much, is neither described nor sent here.
  const violations = await page.evaluate(
    async (values) => {
      const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
      const runOnly = { type: "tag", values } as const;
      return (await axe.run(document, { runOnly, resultTypes: ["violations"] })).violations;
    },
    rules,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) =>
      `${id}: ${html.slice(0, 160)} ${failureSummary?.split("\n").slice(1, 3).join(" ")}`
    )
  );
}
