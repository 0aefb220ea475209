/** Findings of one list as rows; the sentence leads to the page of the finding. Cards on a phone. */
import type { Finding } from "../agent/records.ts";
import type { ScanOrder } from "../agent/store/filters.ts";
import { featureLabel, featureValue } from "./feature_text.ts";
import { kindText, whenText } from "./finding_text.ts";
import { type FindingList } from "../agent/finding_reader.ts";
import { endsOf } from "../agent/finding_ends.ts";
import { findingPath } from "./findings.ts";
import { formatCount, unparted } from "./format.ts";
import { Severity } from "./Icon.tsx";
import { Moment } from "./Moment.tsx";
import { type Sort, SortCell, SortHead } from "./SortHead.tsx";

interface Props {
  readonly list: FindingList;
  readonly findings: readonly Finding[];
  /** Numbers of their incidents, by findingPath(). */
  readonly incidents: Readonly<Record<string, number>>;
  /** Of a hub: names of the agents that told them, likewise. */
  readonly agents?: Readonly<Record<string, string>> | undefined;
  readonly sort: Sort<ScanOrder>;
  readonly nowUs: number;
  readonly zone: string;
}

export function FindingTable({ list, findings, incidents, agents, sort, nowUs, zone }: Props) {
  const sortOfScans = list === "scans" ? sort : undefined;
  return (
    <table class="tbl cards episodes">
      <thead>
        <tr>
          <SortHead label="Began" order="start" sort={sort} />
          <SortHead label="Severity" order="severity" sort={sort} />
          <th scope="col">What happened</th>
          {agents && <th scope="col">Agent</th>}
          <th scope="col" class={agents && "roomy"}>
            {list === "scans" ? "Kind and probe" : "Kind"}
          </th>
          <SortHead label="Targets" order="targets" sort={sortOfScans} isNumber />
          {list === "scans"
            ? (
              <>
                <SortHead label="Attempts" order="attempts" sort={sort} isNumber />
                <SortHead label="Answered" order="answered" sort={sort} isNumber />
              </>
            )
            : <th scope="col" class="num">Most unusual</th>}
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {findings.map((finding) => (
          <FindingTableRow
            key={finding.id}
            finding={finding}
            incident={incidents[findingPath(finding)]}
            agent={agents && (agents[findingPath(finding)] ?? "")}
            sort={sort}
            nowUs={nowUs}
            zone={zone}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly finding: Finding;
  readonly incident: number | undefined;
  readonly agent: string | undefined;
  readonly sort: Sort<ScanOrder>;
  readonly nowUs: number;
  readonly zone: string;
}

function FindingTableRow({ finding, incident, agent, sort, nowUs, zone }: RowProps) {
  const { scan, severity, reason, isOpen } = finding;
  return (
    <tr>
      <td class="dim time">
        <Moment tsUs={finding.firstUs} nowUs={nowUs} zone={zone} />
      </td>
      <td class="level">
        <Severity level={severity} />
      </td>
      <td class="grow w2" title={reason}>
        <a class="plain" href={findingPath(finding)}>{unparted(reason)}</a>
        {incident !== undefined && (
          <small>
            part of <a href={`/incidents/${incident}`}>incident {incident}</a>
          </small>
        )}
      </td>
      {agent !== undefined && <td class="agent" data-l="agent">{agent}</td>}
      <td class={agent === undefined ? "opt" : "opt roomy"}>{kindText(finding)}</td>
      <SortCell sort={sort} order="targets" label="targets">
        {formatCount(endsOf(finding).to.count)}
      </SortCell>
      {scan
        ? (
          <>
            <SortCell sort={sort} order="attempts" label="attempts">
              {formatCount(scan.attempts)}
            </SortCell>
            <SortCell sort={sort} order="answered" label="answered">
              {formatCount(scan.answered)}
            </SortCell>
          </>
        )
        : <td class="num opt">{mostUnusual(finding)}</td>}
      <td class={isOpen ? "over" : "over dim"}>
        {isOpen ? <b>open</b> : whenText(finding, nowUs, zone).note}
      </td>
    </tr>
  );
}

function mostUnusual({ anomaly }: Finding): string {
  const feature = anomaly?.topFeatures[0];
  if (!feature || feature.value === null) return "";
  return `${featureLabel(feature.name)} ${featureValue(feature.name, feature.value)}`;
}
