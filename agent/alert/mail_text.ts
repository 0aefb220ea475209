/** A mail's body, as plain text and as HTML that reads well on a phone, in the light and in the dark. */
import {
  adviceTerm,
  type AlertStory,
  evidenceText,
  type Fact,
  factsOf,
  severityNames,
  visible,
} from "./story.ts";

export function plainBody(story: AlertStory): string {
  const { alert, advice, link } = story;
  const detail = alert.detail === "" ? [] : [paragraphs(alert.detail).map(wrap).join("\n"), ""];
  return [
    wrap(visible(alert.headline)),
    "",
    ...detail,
    ...mailFacts(story).map(({ term, text }) => wrap(`${term}: ${text}`)),
    "",
    ...adviceLines(advice),
    `${link}`,
    "",
  ].join("\n");
}

function adviceLines(advice: readonly string[]): string[] {
  if (advice.length === 0) return [];
  if (advice.length === 1) return [wrap(`${adviceTerm}: ${visible(advice[0]!)}`), ""];
  const steps = advice.map((step) => wrap(`- ${visible(step)}`).replaceAll("\n", "\n  "));
  return [`${adviceTerm}:`, ...steps, ""];
}

function mailFacts(story: AlertStory): readonly Fact[] {
  if (story.incident === null) return factsOf(story);
  return [...factsOf(story), { term: "Packets", text: evidenceText(story.evidence) }];
}

/** No image, no script, nothing from elsewhere. */
export function htmlBody(story: AlertStory): string {
  const { alert, advice, link, hostname } = story;
  const detail = paragraphs(alert.detail).map((text) => `<p>${escape(text)}</p>`).join("\n");
  const badge = alert.kind === "test" ? "Test" : severityNames[alert.severity];
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>${escape(alert.headline)}</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; padding: 16px; background: #f5f6f8; color: #1b2330; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
.card { max-width: 600px; margin: 0 auto; padding: 20px; background: #ffffff; border: 1px solid #d8dde5; border-radius: 8px; }
.level { display: inline-block; padding: 1px 10px; border-radius: 10px; border: 1px solid currentColor; font-size: 14px; font-weight: 600; color: ${
    levelColours[alert.severity].light
  }; }
h1 { margin: 12px 0; font-size: 20px; line-height: 1.3; overflow-wrap: anywhere; }
p, td { overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: 16px 0; }
th { text-align: left; vertical-align: top; padding: 6px 16px 6px 0; font-weight: 600; color: #55606f; white-space: nowrap; font-size: 15px; }
td { vertical-align: top; padding: 6px 0; font-size: 15px; width: 100%; }
h2 { margin: 16px 0 4px; font-size: 16px; }
ol { margin: 0 0 20px; padding: 0 0 0 22px; }
li { margin: 4px 0; overflow-wrap: anywhere; }
a.go { display: inline-block; padding: 10px 18px; border-radius: 6px; background: #1d5fd0; color: #ffffff; text-decoration: none; font-weight: 600; }
.foot { color: #55606f; font-size: 13px; margin: 16px 0 0; overflow-wrap: anywhere; }
@media (max-width: 480px) { th { display: block; padding: 8px 0 0; } td { display: block; padding: 0; width: auto; } }
@media (prefers-color-scheme: dark) {
  body { background: #10151d; color: #e3e8ef; }
  .card { background: #19202b; border-color: #323c4b; }
  .level { color: ${levelColours[alert.severity].dark}; }
  th, .foot { color: #a3afbf; }
  a.go { background: #7fb0ff; color: #0c1422; }
}
</style></head>
<body><div class="card">
<span class="level">${escape(badge)}</span>
<h1>${escape(alert.headline)}</h1>
${detail}
<table>
${mailFacts(story).map(rowOf).join("\n")}
</table>
${advice.length > 0 ? stepsOf(advice) : ""}
<a class="go" href="${escape(link)}">${
    alert.incidentId === null ? "Open the dashboard" : "Open the incident"
  }</a>
<p class="foot">tapwatch on ${escape(hostname)}. ${escape(link)}</p>
</div></body></html>
`;
}

const levelColours = {
  info: { light: "#55606f", dark: "#a3afbf" },
  low: { light: "#1d5fd0", dark: "#7fb0ff" },
  medium: { light: "#8a5a00", dark: "#f0b94d" },
  high: { light: "#b3261e", dark: "#ff8a80" },
  critical: { light: "#8c0f5b", dark: "#ff86c8" },
} as const;

function rowOf({ term, text }: Fact): string {
  return `<tr><th scope="row">${escape(term)}</th><td>${escape(text)}</td></tr>`;
}

function stepsOf(advice: readonly string[]): string {
  const items = advice.map((step) => `<li>${escape(step)}</li>`).join("\n");
  return `<h2>${adviceTerm}</h2>\n<ol>\n${items}\n</ol>`;
}

function paragraphs(text: string): string[] {
  return text.split("\n").map(visible).filter((line) => line !== "");
}

function escape(text: string): string {
  return visible(text).replace(
    /[&<>"']/g,
    (mark) => `&#${mark.charCodeAt(0)};`,
  );
}

const lineLength = 76;

function wrap(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > lineLength) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
