/** The verdict of the overview: what detection has found, joined with how capturing goes. Pure. */
import { capitalised, type Coverage } from "../agent/coverage.ts";
import type { DetectionState } from "../agent/records.ts";
import { severityLabels } from "./finding_text.ts";
import { isGrave, severityRank } from "./findings.ts";
import { formatCount } from "./format.ts";
import { type IncidentItem, type LookItem, lookText } from "./incidents.ts";
import type { Problem, Verdict } from "./verdict.ts";

/** Joins the verdict on capturing with incidents: those that need a look, and the others of the last 24 hours. */
export function judgeIncidents(
  capture: Verdict,
  { look, others, areMore = false, coverage, nowUs, startedAtUs, isReplay }: {
    readonly look: readonly LookItem[];
    readonly others: readonly IncidentItem[];
    /** There are more than `others`, which are the newest. */
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
  const othersSaid = othersText(others, {
    span: isReplay ? "" : " of the last 24 h",
    areMore,
  });
  if (look.length > 0) {
    return {
      tone: look.some(isGrave) || capture.tone === "high" ? "high" : "medium",
      // With what is wrong with capturing: each of both has a row below.
      title: lookText(look.length + problems.filter(({ isGap }) => !isGap).length),
      detail: joined(
        ...gapTexts(problems),
        othersSaid,
        capitalised(learning),
        captureText(capture),
      ),
      problems,
    };
  }
  const calm = others.length > 0 ? "" : calmText(coverage, spanText(nowUs, startedAtUs, isReplay));
  if (problems.length > 0) {
    return { ...capture, detail: joined(capture.detail, othersSaid, calm, capitalised(learning)) };
  }
  if (others.length > 0) {
    return {
      tone: "plain",
      title: lookText(0),
      detail: joined(othersSaid, capitalised(learning), captureText(capture)),
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

function captureText({ title, detail, problems, trouble }: Verdict): string {
  if (problems.some(({ isGap }) => !isGap)) return trouble ?? "Capturing has trouble too";
  if (problems.length > 0) return "";
  return detail.startsWith("on ") ? `${title} ${detail}` : `${title}, ${detail}`;
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(". ");
}

/** "3 incidents of the last 24 h are acknowledged, the worst was high"; empty without any. */
function othersText(
  others: readonly IncidentItem[],
  { span, areMore }: { readonly span: string; readonly areMore: boolean },
): string {
  const [first] = others;
  if (!first) return "";
  const states = [
    others.some(({ muted, isAcknowledged }) => isAcknowledged && muted === "") && "acknowledged",
    others.some(({ muted }) => muted !== "") && "muted",
    others.some(({ muted, isAcknowledged }) => muted === "" && !isAcknowledged) &&
    "for information only",
  ].filter(Boolean).join(" or ");
  const worst = others.map(({ incident }) => incident).reduce((a, b) =>
    severityRank(b.severity) > severityRank(a.severity) ? b : a
  );
  const grade = severityLabels[worst.severity].toLowerCase();
  if (areMore) {
    const count = formatCount(others.length);
    return `More than ${count} incidents${span} are ${states}, the worst of the newest was ${grade}`;
  }
  return others.length === 1
    ? `1 incident${span} is ${states}, it was ${grade}`
    : `${formatCount(others.length)} incidents${span} are ${states}, the worst was ${grade}`;
}

/** What no incidents mean, in what could be looked at. */
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
