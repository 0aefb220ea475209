/**
 * A list of findings that grows as they come: those that fit the page's filter go on top, and a finding that has grown
 * or ended changes in its row. While the pointer or the focus is on the rows they hold still.
 */
import { useRef, useState } from "preact/hooks";
import type { Finding } from "../agent/records.ts";
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
import { formatCount } from "../components/format.ts";
import { latest, newFindings } from "../components/live.ts";
import { pageNowUs } from "../components/verdict.ts";

interface Props {
  readonly list: FindingList;
  /** Newest first. */
  readonly findings: readonly Finding[];
  /** What the page asks for; null on a page of older rows, which takes no new ones. */
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
  const [isHeld, setHeld] = useState(false);
  const shown = useRef(findings);
  const arrived = newFindings.value.filter((finding) => listOf(finding) === list);
  const merged = query ? withArrived(findings, arrived, query) : findings;
  if (!isHeld) shown.current = merged;
  const waiting = isHeld ? merged.length - countKnown(merged, shown.current) : 0;
  const nowUs = latest.value ? pageNowUs(latest.value) : props.nowUs;
  if (merged.length === 0) return <Nothing {...props} />;
  return (
    <div
      class="held"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocusIn={() => setHeld(true)}
      onFocusOut={() => setHeld(false)}
    >
      {waiting > 0 && (
        <button type="button" class="chip" onClick={() => setHeld(false)}>
          {formatCount(waiting)} newer
        </button>
      )}
      <FindingTable list={list} findings={shown.current} nowUs={nowUs} zone={zone} />
    </div>
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

function countKnown(merged: readonly Finding[], shown: readonly Finding[]): number {
  const known = new Set(shown.map(findingPath));
  return merged.filter((finding) => known.has(findingPath(finding))).length;
}

function Nothing({ list, isFiltered, since, notLookedAt }: Props) {
  if (isFiltered) {
    return (
      <div class="state">
        <h3>{list === "scans" ? "No scan fits" : "Nothing fits"}</h3>
        <p>Fewer filters may show more. tapwatch has been looking {since}. {notLookedAt}</p>
      </div>
    );
  }
  return (
    <div class="state">
      <h3>
        {notLookedAt || (list === "scans" ? "No scan so far" : "Nothing unusual so far")}
      </h3>
      <p>tapwatch has been looking {since}.</p>
      <p>{lookedFor[list]}</p>
    </div>
  );
}

const lookedFor: Readonly<Record<FindingList, string>> = {
  scans: "It looks for hosts that try many ports or many hosts, at any tempo, over IPv4 and " +
    "IPv6: with TCP SYN, connect, FIN, NULL, XMAS, ACK and Maimon probes, UDP, ping, ARP and " +
    "SCTP. It cannot see what does not pass this sensor.",
  anomalies: "It looks for hosts that behave unlike what it has learnt here, and for password " +
    "guessing, floods, ARP spoofing, DNS tunnels and beacons. It cannot see what looks like " +
    "everyday traffic, or what does not pass this sensor.",
};
