/** What axe-core finds wrong with a page: WCAG 2.2 AA, and its best practices. */
import axe from "axe-core";
import type { Page } from "playwright-core";

export const sizes = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (values) => {
      const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
      return axe.run(document, { runOnly: { type: "tag", values } });
    },
    rules,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) =>
      `${id}: ${html.slice(0, 160)} ${failureSummary?.split("\n").slice(1, 3).join(" ")}`
    )
  );
}
