/**
 * A list of findings that grows as they come: those that fit the page's filter go on top, and a finding that has grown
 * or ended changes in its row.
 */
import type { Finding } from "../agent/records.ts";
import type { ScanOrder } from "../agent/store/filters.ts";
import { FindingTable } from "../components/FindingTable.tsx";
import { type FindingList } from "../agent/finding_reader.ts";
import {
  byTime,
  findingPath,
  type FindingQuery,
  fitsQuery,
  listOf,
  mergeFindings,
} from "../components/findings.ts";
import { HeldRows } from "../components/HeldRows.tsx";
import { latest, newFindings, newIncidentOf } from "../components/live.ts";
import type { Sort } from "../components/SortHead.tsx";
import { pageNowUs } from "../components/verdict.ts";

interface Props {
  readonly list: FindingList;
  readonly sort: Sort<ScanOrder>;
  /** As they are sorted. */
  readonly findings: readonly Finding[];
  /** Numbers of their incidents, by findingPath(). */
  readonly incidents: Readonly<Record<string, number>>;
  /** Of a hub: names of the agents that told them, likewise. */
  readonly agents?: Readonly<Record<string, string>> | undefined;
  /** What the page asks for; null on a page of older rows or in another order, which takes no new ones. */
  readonly query: FindingQuery | null;
  readonly isFiltered: boolean;
  readonly nowUs: number;
  readonly zone: string;
  /** Since when tapwatch has been looking. */
  readonly since: string;
  /** What could not be looked at, in sentences; "" when nothing was left out. */
  readonly notLookedAt: string;
}

export default function FindingRows(props: Props) {
  const { list, query, findings, zone } = props;
  const arrived = newFindings.value.filter((finding) => listOf(finding) === list);
  const merged = query ? withArrived(findings, arrived, query) : findings;
  const nowUs = latest.value ? pageNowUs(latest.value) : props.nowUs;
  const incidents = { ...props.incidents, ...newIncidentOf.value };
  if (merged.length === 0) return <Nothing {...props} />;
  return (
    <HeldRows rows={merged} keyOf={findingPath}>
      {(rows) => (
        <FindingTable
          list={list}
          findings={rows}
          incidents={incidents}
          agents={props.agents}
          sort={props.sort}
          nowUs={nowUs}
          zone={zone}
        />
      )}
    </HeldRows>
  );
}

/** A known finding keeps its row in its new state, even where the filter would not take it any more. */
function withArrived(
  findings: readonly Finding[],
  arrived: readonly Finding[],
  query: FindingQuery,
): readonly Finding[] {
  const known = new Set(findings.map(findingPath));
  const fresh = arrived.filter((finding) =>
    known.has(findingPath(finding)) || fitsQuery(finding, query)
  );
  return fresh.length === 0 ? findings : [...mergeFindings(findings, fresh)].sort(byTime);
}

function Nothing({ list, isFiltered, since, notLookedAt }: Props) {
  if (isFiltered) {
    return (
      <div class="state">
        <h2>{list === "scans" ? "No scan fits" : "Nothing fits"}</h2>
        <p>Fewer filters may show more. tapwatch has been looking {since}. {notLookedAt}</p>
      </div>
    );
  }
  return (
    <div class="state">
      <h2>
        {notLookedAt || (list === "scans" ? "No scan so far" : "Nothing unusual so far")}
      </h2>
      <p>tapwatch has been looking {since}.</p>
      <p>{lookedFor[list]}</p>
    </div>
  );
}

const lookedFor: Readonly<Record<FindingList, string>> = {
  scans: "It looks for hosts that try many ports or many hosts, at any tempo, over IPv4 and " +
    "IPv6: with TCP SYN, connect, FIN, NULL, XMAS, ACK, Maimon and other odd probes, UDP, ping, ARP, " +
    "neighbour discovery and SCTP. It cannot see what does not pass this sensor.",
  anomalies: "It looks for hosts that behave unlike what it has learnt here, and for password " +
    "guessing, floods, reflected traffic, ARP spoofing, DNS tunnels, beacons, unusual uploads and " +
    "what is on a block list. It cannot see what looks like everyday traffic, or what does not pass this sensor.",
};
