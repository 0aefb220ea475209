/** The HTML of a mail as Chromium shows it: light, dark and on a phone; nothing of it runs, and nothing is fetched. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { htmlBody } from "../agent/alert/mail_text.ts";
import type { AlertStory } from "../agent/alert/story.ts";
import { hostile, story } from "../agent/alert/testing/sample_story.ts";
import { SEVERITIES } from "../agent/records.ts";
import { missingChromium, openChromium } from "./chromium.ts";
import { testWith } from "./program.ts";

const markup = [
  hostile,
  '"><img src="http://evil.example/x.png" onerror="hit=1"><script>hit=1</script>',
  "</style><style>@import url(http://evil.example/x.css)</style>",
  "</title></head><body onload=hit=1><iframe src=http://evil.example></iframe>",
  `javascript:hit=1 http://evil.example/${"x".repeat(400)}`,
];

function stories(): AlertStory[] {
  const ordinary = SEVERITIES.map((severity) => ({
    ...story({ severity, headline: "phone.local (192.168.77.20) scanned 6 hosts" }),
    advice: ["Ask whose phone it is.", "Change the passwords of what it logged in to."],
  }));
  const attacks = markup.map((text): AlertStory => {
    const plain = story({ headline: text, detail: text, reason: text });
    return {
      ...plain,
      advice: [text, text],
      hostname: text,
      incident: { ...plain.incident!, actorName: text, targets: [text, text] },
    };
  });
  const test = story({ kind: "test", severity: "info", incidentId: null });
  return [...ordinary, ...attacks, { ...test, incident: null, advice: [] }];
}

testWith(
  missingChromium,
  "a mail is readable in the light, in the dark and on a phone, and inert",
  async () => {
    const browser = await openChromium();
    try {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const width of [800, 360]) {
          const page = await browser.newPage({ colorScheme, viewport: { width, height: 600 } });
          const requests: string[] = [];
          page.on("request", (request) => requests.push(request.url()));
          for (const told of stories()) {
            await page.setContent(htmlBody(told), { waitUntil: "load" });
            const seen = await page.evaluate(look);
            const where = `${colorScheme}, ${width}: ${told.alert.severity} ${told.alert.headline}`;
            ok(seen.overflow <= 0, `${seen.overflow} px too wide: ${where}`);
            deepStrictEqual(seen.pale, [], where);
            deepStrictEqual([seen.wasHit, seen.foreign], [false, []], where);
            ok(
              colorScheme === "dark"
                ? seen.backgroundLuminance < 0.1
                : seen.backgroundLuminance > 0.8,
            );
          }
          deepStrictEqual(requests, []);
          await page.close();
        }
      }
    } finally {
      await browser.close();
    }
  },
);

/** Runs in the page. Texts are pale below the contrast of 4.5 that WCAG 2 (1.4.3) asks for. */
function look() {
  // deno-lint-ignore no-explicit-any
  const { document, getComputedStyle, hit } = globalThis as any;
  const luminance = (colour: string) => {
    const [red, green, blue] = colour.match(/[\d.]+/g)!.slice(0, 3).map((text) => {
      const value = Number(text) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  // deno-lint-ignore no-explicit-any
  const backgroundOf = (element: any): string => {
    const { backgroundColor } = getComputedStyle(element);
    const isClear = backgroundColor === "rgba(0, 0, 0, 0)";
    return isClear && element.parentElement ? backgroundOf(element.parentElement) : backgroundColor;
  };
  const pale: string[] = [];
  for (const element of document.body.querySelectorAll("h1, h2, p, th, td, li, a, .level")) {
    const pair = [luminance(getComputedStyle(element).color), luminance(backgroundOf(element))];
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < 4.5) pale.push(`${element.tagName} ${contrast.toFixed(2)}`);
  }
  const foreign = document.querySelectorAll(
    "script, img, link, iframe, object, embed, svg, form, [src], [onload], [onerror], a:not([href^='https://tap.example.org/'])",
  );
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    pale,
    wasHit: hit !== undefined,
    // deno-lint-ignore no-explicit-any
    foreign: [...foreign].map((element: any) => element.outerHTML),
    backgroundLuminance: luminance(getComputedStyle(document.body).backgroundColor),
  };
}
