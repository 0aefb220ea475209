/** One scan: who tried which ports of whom, what answered, what to do. */
import type { Finding, ScanDetails } from "../../agent/records.ts";
import { formatPeriod } from "../../agent/text/amounts.ts";
import {
  Advice,
  type Clock,
  type Fact,
  Facts,
  FindingMissing,
  LinkedFlows,
  Path,
} from "../../components/FindingPage.tsx";
import {
  attackText,
  portsText,
  probeLabels,
  scanKindLabels,
  tempoText,
} from "../../components/finding_text.ts";
import {
  formatCount,
  formatDuration,
  formatSecond,
  type Quantity,
  sharePercent,
  unparted,
} from "../../components/format.ts";
import { endsOf } from "../../agent/finding_ends.ts";
import { momentHref } from "../../components/range_text.ts";
import { Notice } from "../../components/Notice.tsx";
import { OpenPorts } from "../../components/OpenPorts.tsx";
import { answeredFirst, buildScanGrid, probesOf } from "../../components/scan_grid.ts";
import { ScanGrid } from "../../components/ScanGrid.tsx";
import { Stat } from "../../components/Stat.tsx";
import { pageNowUs } from "../../components/verdict.ts";
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
      () => findingPage(state, "scans", params.id ?? ""),
      ({ finding }) => finding.reason,
    );
  },
});

/** Columns of a grid that leaves room for something beside it. */
const narrowPorts = 14;

export default define.page<typeof handler>(function ScanPage({ data, state }) {
  if (data.error !== "") {
    return <Notice title="The database cannot be read" detail={data.error} />;
  }
  const finding = data.value?.finding;
  if (!data.value || !finding?.scan) return <FindingMissing list="scans" word="scan" />;
  const { scan } = finding;
  const { names, linked, nearby } = data.value;
  const clock: Clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  const grid = buildScanGrid(probesOf(finding, [...linked, ...nearby]), scan);
  const evidence = answeredFirst([...linked, ...nearby], scan, linked);
  const isWide = grid.ports.length > narrowPorts;
  const open = grid.open.length > 0 && (
    <OpenPorts open={grid.open} notListed={grid.notListed} names={names} />
  );
  // What was found open stands beside the advice then, and the facts below both.
  const isTriple = isWide && open !== false;
  return (
    <>
      <FindingTop page={data.value} state={state} clock={clock} />
      <Path
        ends={endsOf(finding)}
        names={names}
        over={`${formatCount(scan.attempts)} attempts`}
        under={probeLabels[scan.probe] ?? scan.probe}
        label="Who scanned whom"
      />
      <ScanNumbers finding={finding} scan={scan} />
      {grid.rows.length > 0 && (
        <div class={isWide ? "c12 stack" : "c8 stack"}>
          <ScanGrid grid={grid} names={names} />
          {!isWide && open}
        </div>
      )}
      <div class={grid.rows.length > 0 && !isWide ? "c4 stack" : "c12 stack pair"}>
        {isWide && open}
        <Advice finding={finding} names={names} />
        {!isTriple && <Facts facts={scanFacts(finding, scan, clock)} />}
      </div>
      {isTriple && (
        <div class="c12">
          <Facts isWide facts={scanFacts(finding, scan, clock)} />
        </div>
      )}
      <LinkedFlows finding={finding} flows={evidence} {...clock} />
    </>
  );
});

function ScanNumbers({ finding, scan }: { finding: Finding; scan: ScanDetails }) {
  const lastedS = (finding.lastUs - finding.firstUs) / 1e6;
  return (
    <section class="stats" aria-label="Scan in numbers">
      <Stat
        label="Attempts"
        quantity={{ value: formatCount(scan.attempts), unit: "" }}
        hint={probeLabels[scan.probe] ?? scan.probe}
      />
      <Stat
        label="Pace"
        quantity={pace(scan.attempts, lastedS)}
        hint={`in ${
          lastedS < 60 ? unparted(formatPeriod(lastedS * 1e6)) : formatDuration(lastedS)
        }`}
      />
      <Stat
        label={scan.kind === "distributed" ? "Sources" : "Hosts"}
        quantity={{
          value: formatCount(
            scan.kind === "distributed" ? finding.sourceCount : finding.targetCount,
          ),
          unit: "",
        }}
        hint={scanKindLabels[scan.kind] ?? scan.kind}
      />
      <Stat
        label="Ports"
        quantity={scan.portCount > 0 ? { value: formatCount(scan.portCount), unit: "" } : null}
        hint={scan.portCount > 0 ? portsText(scan.ports, 3) : "this probe has no ports"}
        hintTitle={portsText(scan.ports, 200)}
      />
      <Stat
        label="Answered"
        quantity={{
          value: formatCount(scan.answered),
          unit: sharePercent(scan.answered, scan.attempts),
        }}
        hint={scan.answeredPorts === "" ? "no open port seen" : portsText(scan.answeredPorts, 4)}
        hintTitle={portsText(scan.answeredPorts, 200)}
        isBad={scan.answered > 0}
      />
      <Stat
        label="Came back"
        quantity={{ value: formatCount(scan.cameBack.length), unit: "" }}
        hint={scan.cameBack[0] ? `to ${scan.cameBack[0]}` : "to no port it had found"}
        hintTitle={scan.cameBack.join(", ")}
        isBad={scan.cameBack.length > 0}
      />
    </section>
  );
}

/** Attempts a second, or a minute or an hour where that is too small a number. */
function pace(attempts: number, lastedS: number): Quantity | null {
  if (attempts < 2 || lastedS <= 0) return null;
  const perSecond = attempts / lastedS;
  const [rate, unit] = perSecond >= 1
    ? [perSecond, "/s"]
    : perSecond >= 1 / 60
    ? [perSecond * 60, "/min"]
    : [perSecond * 3600, "/h"];
  return { value: rate >= 100 ? formatCount(rate) : rate.toFixed(1), unit };
}

function scanFacts(finding: Finding, scan: ScanDetails, { nowUs, zone }: Clock): Fact[] {
  return [
    { term: "Kind", text: scanKindLabels[scan.kind] ?? scan.kind },
    { term: "Probe", text: probeLabels[scan.probe] ?? scan.probe },
    { term: "Ports", text: portsText(scan.ports, 24) },
    { term: "Answered", text: portsText(scan.answeredPorts, 24) },
    { term: "Came back to", text: scan.cameBack.join(", ") },
    { term: "Tempo", text: tempoText(scan.tempo) },
    { term: "Tool", text: scan.tool },
    {
      term: "Decoys",
      text: scan.hasDecoys ? "the sources acted together; all but one may be forged" : "",
    },
    {
      term: "First attempt",
      text: formatSecond(finding.firstUs, nowUs, zone),
      href: momentHref(finding.firstUs),
    },
    { term: "Found", text: foundText(finding, nowUs, zone) },
    {
      term: "Last attempt",
      text: formatSecond(finding.lastUs, nowUs, zone),
      href: momentHref(finding.lastUs),
    },
    { term: "Confidence", text: `${Math.floor(100 * finding.confidence)}\u00a0%` },
    { term: "MITRE ATT&CK", text: attackText(finding.attackId) },
  ];
}

/** When it was found, and how long after the first attempt. */
function foundText({ detectedUs, firstUs }: Finding, nowUs: number, zone: string): string {
  const after = Math.max(0, detectedUs - firstUs) / 1e6;
  return `${formatSecond(detectedUs, nowUs, zone)}, ${formatDuration(after)} after the first`;
}
