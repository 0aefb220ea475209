/** The verdict of the overview: what detection has found, joined with how capturing goes. Pure. */
import type { DetectionState, Finding } from "../agent/records.ts";
import { severityLabels } from "./finding_text.ts";
import { severityRank } from "./findings.ts";
import { formatCount } from "./format.ts";
import type { Verdict } from "./verdict.ts";

/** Joins the verdict on capturing with `findings`, those of the last 24 hours. */
export function judgeFindings(
  capture: Verdict,
  findings: readonly Finding[],
  detection: DetectionState,
): Verdict {
  const open = findings.filter(({ isOpen, severity }) => isOpen && severity !== "info");
  const count = open.length + capture.problems.length;
  if (open.length > 0) {
    const rest = capture.problems.length > 0 ? "Capturing has trouble too" : capture.title;
    const isGrave = open.some(({ severity }) => severityRank(severity) >= 3);
    return {
      tone: isGrave || capture.tone === "high" ? "high" : "medium",
      title: count === 1 ? "1 thing needs a look" : `${formatCount(count)} things need a look`,
      detail: `${endedText(findings)}${rest} ${capture.problems.length > 0 ? "" : capture.detail}`
        .trim(),
      problems: capture.problems,
    };
  }
  if (capture.problems.length > 0) return capture;
  const ended = findings.length;
  if (ended === 0) return { ...capture, detail: joined(capture.detail, calmText(detection)) };
  return {
    ...capture,
    tone: "plain",
    title: "Nothing is going on now",
    detail: `${endedText(findings)}${capture.title} ${capture.detail}`,
  };
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(". ");
}

/** "3 findings of the last 24 h have ended, the worst was high. "; empty without any. */
function endedText(findings: readonly Finding[]): string {
  const ended = findings.filter(({ isOpen }) => !isOpen);
  if (ended.length === 0) return "";
  const worst = ended.reduce((a, b) => severityRank(b.severity) > severityRank(a.severity) ? b : a);
  const grade = severityLabels[worst.severity].toLowerCase();
  return ended.length === 1
    ? `1 finding of the last 24 h has ended, it was ${grade}. `
    : `${formatCount(ended.length)} findings of the last 24 h have ended, the worst was ${grade}. `;
}

/** What no findings mean at present. */
function calmText(detection: DetectionState): string {
  if (detection.state === "off") return "";
  const none = "No scan and nothing unusual in the last 24 h";
  return detection.state === "learning" ? `${none}; still ${learningText(detection)}` : none;
}

/** "learning, 43 of 256 windows". */
export function learningText({ windowsLearnt, windowsNeeded }: DetectionState): string {
  return `learning, ${formatCount(windowsLearnt)} of ${formatCount(windowsNeeded)} windows`;
}

/** Share of packets in unusual windows, in per cent without the sign. */
export function anomalyPercent({ anomalyRatePct: rate }: DetectionState): string {
  if (rate > 0 && rate < 0.01) return "<0.01";
  return rate >= 9.995 ? rate.toFixed(1) : rate.toFixed(2);
}
