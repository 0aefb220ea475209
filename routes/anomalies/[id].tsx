/** One anomaly or other finding: who did what unlike the usual, why it stands out, what to do. */
import { page } from "fresh";
import type { Finding } from "../../agent/records.ts";
import { SeenBy } from "../../components/AgentName.tsx";
import {
  Advice,
  type Clock,
  type Fact,
  Facts,
  FindingHead,
  FindingMissing,
  IncidentNote,
  LinkedFlows,
  Path,
} from "../../components/FindingPage.tsx";
import { attackText, kindLabels } from "../../components/finding_text.ts";
import { findingPath } from "../../components/findings.ts";
import { momentHref } from "../../components/range_text.ts";
import { formatCount, formatDuration, formatWhen } from "../../components/format.ts";
import { endsOf } from "../../agent/finding_ends.ts";
import { Notice } from "../../components/Notice.tsx";
import { ProcessNote } from "../../components/ProcessNote.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import { WhyList } from "../../components/WhyList.tsx";
import MuteButton from "../../islands/MuteButton.tsx";
import { findingPackets, findingPage } from "../(_server)/finding_pages.ts";
import { attempt } from "../(_server)/lists.ts";
import { checkNames } from "../(_server)/parameters.ts";
import { define } from "../(_server)/state.ts";

export const handler = define.handlers({
  async GET({ state, params, url }) {
    checkNames(url.searchParams, []);
    const found = await attempt(() => findingPage(state, "anomalies", params.id ?? ""), null);
    if (found.value) state.title = found.value.finding.reason;
    const isMissing = found.value === null && found.error === "";
    return page(found, { status: isMissing ? 404 : 200 });
  },
});

export default define.page<typeof handler>(function AnomalyPage({ data, state }) {
  if (data.error !== "") {
    return <Notice title="The database cannot be read" detail={data.error} />;
  }
  if (!data.value) return <FindingMissing list="anomalies" word="finding" />;
  const { finding, names, linked } = data.value;
  const features = finding.anomaly?.topFeatures ?? [];
  const clock: Clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  return (
    <>
      <FindingHead
        finding={finding}
        lead={finding.reason}
        notes={
          <>
            <ProcessNote process={finding.process} class="of" />
            <IncidentNote incident={data.value.incident} />
            <SeenBy agent={data.value.agent} />
          </>
        }
        packets={findingPackets(state, finding)}
        {...clock}
      >
        <MuteButton
          {...data.value.muteStart}
          from={findingPath(finding)}
          word="finding"
          {...clock}
        />
      </FindingHead>
      <Path
        ends={endsOf(finding)}
        names={names}
        over={kindLabels[finding.kind] ?? finding.kind}
        under={lastedText(finding)}
        label="Between"
      />
      {features.length > 0 && (
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
            Usual is what the middle 90&nbsp;% of the windows had that were learnt from, without
            those that stand far out.
          </p>
        </section>
      )}
      <div class={features.length > 0 ? "c4 stack" : "c12 stack pair"}>
        <Advice finding={finding} names={names} />
        <Facts facts={anomalyFacts(finding, clock)} />
      </div>
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
      text: formatWhen(finding.firstUs, nowUs, zone),
      href: momentHref(finding.firstUs),
    },
    {
      term: "Found",
      text: formatWhen(finding.detectedUs, nowUs, zone),
      href: momentHref(finding.detectedUs),
    },
    {
      term: "Last evidence",
      text: formatWhen(finding.lastUs, nowUs, zone),
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
