/** One anomaly or other finding: who did what unlike the usual, why it stands out, what to do. */
import type { Finding } from "../../agent/records.ts";
import {
  Advice,
  type Clock,
  type Fact,
  Facts,
  FindingMissing,
  LinkedFlows,
  Path,
} from "../../components/FindingPage.tsx";
import { attackText, kindLabels } from "../../components/finding_text.ts";
import { momentHref } from "../../components/range_text.ts";
import { formatCount, formatDuration, formatSecond } from "../../components/format.ts";
import { endsOf } from "../../agent/finding_ends.ts";
import { Notice } from "../../components/Notice.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import { WhyList } from "../../components/WhyList.tsx";
import { findingPage } from "../(_server)/finding_pages.ts";
import { FindingTop } from "../(_server)/finding_top.tsx";
import { onePage } from "../(_server)/one_thing.ts";
import { checkNames } from "../(_server)/parameters.ts";
import { define } from "../(_server)/state.ts";

export const handler = define.handlers({
  async GET({ state, params, url }) {
    checkNames(url.searchParams, []);
    return await onePage(
      state,
      () => findingPage(state, "anomalies", params.id ?? ""),
      ({ finding }) => finding.reason,
    );
  },
});

export default define.page<typeof handler>(function AnomalyPage({ data, state }) {
  if (data.error !== "") {
    return <Notice title="The database cannot be read" detail={data.error} />;
  }
  if (!data.value) return <FindingMissing list="anomalies" word="finding" />;
  const { finding, names, linked } = data.value;
  const features = finding.anomaly?.topFeatures ?? [];
  const isScored = features.length > 0;
  const clock: Clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  return (
    <>
      <FindingTop page={data.value} state={state} clock={clock} />
      <Path
        ends={endsOf(finding)}
        names={names}
        over={kindLabels[finding.kind] ?? finding.kind}
        under={lastedText(finding)}
        label="Between"
      />
      {isScored && (
        <section class="panel c8">
          <header>
            <h2>Why this stands out</h2>
            <p>the weightiest first</p>
            <div class="legend end">
              <span>
                <i class="sw usual" />usual range
              </span>
            </div>
          </header>
          <div class="body">
            <WhyList features={features} severity={finding.severity} />
          </div>
          <p class="note">
            Usual is the range that holds the middle 90&nbsp;% of the windows that were learnt from,
            without those that stand far out.
          </p>
        </section>
      )}
      <div class={isScored ? "c4 stack" : "c12 stack pair"}>
        <Advice finding={finding} names={names} />
        {!isScored && <Facts facts={anomalyFacts(finding, clock)} />}
      </div>
      {isScored && (
        <div class="c12">
          <Facts isWide facts={anomalyFacts(finding, clock)} />
        </div>
      )}
      <LinkedFlows finding={finding} flows={linked} {...clock} />
    </>
  );
});

function lastedText({ firstUs, lastUs }: Finding): string {
  return formatDuration(Math.max(0, lastUs - firstUs) / 1e6);
}

function anomalyFacts(finding: Finding, { nowUs, zone }: Clock): Fact[] {
  const { anomaly, kind } = finding;
  const isScored = kind === "anomaly" && anomaly !== undefined;
  const times = [
    {
      term: "First evidence",
      text: formatSecond(finding.firstUs, nowUs, zone),
      href: momentHref(finding.firstUs),
    },
    {
      term: "Found",
      text: formatSecond(finding.detectedUs, nowUs, zone),
      href: momentHref(finding.detectedUs),
    },
    {
      term: "Last evidence",
      text: formatSecond(finding.lastUs, nowUs, zone),
      href: momentHref(finding.lastUs),
    },
  ];
  return [
    { term: "Kind", text: kindLabels[kind] ?? kind },
    ...times,
    { term: "Window", text: isScored ? formatDuration(anomaly.windowUs / 1e6) : "" },
    {
      term: "In a row",
      text: isScored && finding.amount > 1
        ? `${formatCount(finding.amount)} windows; the most unusual is told`
        : "",
    },
    { term: "Score", text: isScored ? anomaly.score.toFixed(3) : "" },
    { term: "Threshold", text: isScored ? anomaly.threshold.toFixed(3) : "" },
    { term: "Confidence", text: `${Math.floor(100 * finding.confidence)}\u00a0%` },
    { term: "MITRE ATT&CK", text: attackText(finding.attackId) },
  ];
}
