/** The verdict of the overview: what detection has found, joined with how capturing goes. Pure. */
import { capitalised, type Coverage } from "../agent/coverage.ts";
import type { DetectionState, Finding } from "../agent/records.ts";
import { severityLabels } from "./finding_text.ts";
import { isGrave, severityRank } from "./findings.ts";
import { formatCount } from "./format.ts";
import type { Problem, Verdict } from "./verdict.ts";

/** For so long after its end a high or critical finding still needs a look. */
const graveUs = 3600e6;

/** Joins the verdict on capturing with `findings`, those of the last 24 hours; `areMore`: the newest of them. */
export function judgeFindings(
  capture: Verdict,
  { findings, areMore = false, coverage, nowUs, startedAtUs, isReplay }: {
    readonly findings: readonly Finding[];
    readonly areMore?: boolean;
    readonly coverage: Coverage;
    readonly nowUs: number;
    /** Wall clock. */
    readonly startedAtUs: number;
    readonly isReplay: boolean;
  },
): Verdict {
  const { problems } = capture;
  const learning = coverage.gaps.find(({ kind }) => kind === "learning")?.text ?? "";
  const pressing = findings.filter((finding) => isPressing(finding, nowUs));
  const others = othersText(
    findings.filter((finding) => !pressing.includes(finding)),
    { span: isReplay ? "" : " of the last 24 h", areMore },
  );
  if (pressing.length > 0) {
    const count = pressing.length + problems.length;
    return {
      tone: pressing.some(isGrave) || capture.tone === "high" ? "high" : "medium",
      title: (areMore ? "At least " : "") +
        (count === 1 ? "1 thing needs a look" : `${formatCount(count)} things need a look`),
      detail: joined(...gapTexts(problems), others, capitalised(learning), captureText(capture)),
      problems,
    };
  }
  const calm = findings.length > 0
    ? ""
    : calmText(coverage, spanText(nowUs, startedAtUs, isReplay));
  if (problems.length > 0) {
    return { ...capture, detail: joined(capture.detail, others, calm, capitalised(learning)) };
  }
  if (findings.length > 0) {
    return {
      tone: "plain",
      title: "Nothing is going on now",
      detail: joined(others, capitalised(learning), captureText(capture)),
      problems,
    };
  }
  if (learning === "") return { ...capture, detail: joined(capture.detail, calm) };
  return {
    tone: "plain",
    title: capitalised(learning),
    detail: joined(captureText(capture), calm),
    problems,
  };
}

function gapTexts(problems: readonly Problem[]): string[] {
  return problems.filter(({ isGap }) => isGap).map(({ title }) => title);
}

function isPressing(finding: Finding, nowUs: number): boolean {
  if (finding.isOpen) return finding.severity !== "info";
  return isGrave(finding) && finding.lastUs > nowUs - graveUs;
}

function captureText({ title, detail, problems }: Verdict): string {
  if (problems.some(({ isGap }) => !isGap)) return "Capturing has trouble too";
  if (problems.length > 0) return "";
  return detail.startsWith("on ") ? `${title} ${detail}` : `${title}, ${detail}`;
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(". ");
}

/** "3 findings of the last 24 h are over, the worst was high"; empty without any. */
function othersText(
  findings: readonly Finding[],
  { span, areMore }: { readonly span: string; readonly areMore: boolean },
): string {
  if (findings.length === 0) return "";
  const worst = findings.reduce((a, b) =>
    severityRank(b.severity) > severityRank(a.severity) ? b : a
  );
  const grade = severityLabels[worst.severity].toLowerCase();
  if (areMore) {
    const count = formatCount(findings.length);
    return `More than ${count} findings${span} are over, the worst of the newest was ${grade}`;
  }
  return findings.length === 1
    ? `1 finding${span} is over, it was ${grade}`
    : `${formatCount(findings.length)} findings${span} are over, the worst was ${grade}`;
}

/** What no findings mean, in what could be looked at. */
function calmText({ state, packets, gaps }: Coverage, span: string): string {
  if (state === "none" || packets === 0) return "";
  const isLearning = gaps.some(({ kind }) => kind === "learning");
  const isPart = gaps.some(({ kind, isGrave }) => isGrave && kind !== "learning");
  const none = isLearning ? "No scan or attack" : "No scan and nothing unusual";
  return `${none} ${isPart ? "in the rest " : ""}${span}`;
}

/** For how long there was somebody to look. */
function spanText(nowUs: number, startedAtUs: number, isReplay: boolean): string {
  if (isReplay) return "so far";
  return nowUs - startedAtUs < 86_400e6 ? "since the start" : "in the last 24 h";
}

/** "learning, 43 of 256 windows"; without the end where it has seen enough and only has to make its model. */
export function learningText({ windowsLearnt, windowsNeeded }: DetectionState): string {
  const learnt = formatCount(windowsLearnt);
  return windowsLearnt < windowsNeeded
    ? `learning, ${learnt} of ${formatCount(windowsNeeded)} windows`
    : `learning, ${learnt} windows so far`;
}

/** Share of packets in unusual windows, in per cent without the sign. */
export function anomalyPercent({ anomalyRatePct: rate }: DetectionState): string {
  if (rate > 0 && rate < 0.01) return "<0.01";
  return rate >= 9.995 ? rate.toFixed(1) : rate.toFixed(2);
}
