/**
 * The list of incidents, which grows as they come: those that fit the page's filter go to their place, and one that has grown
 * or ended changes in its row.
 */
import type { IncidentOrder } from "../agent/store/filters.ts";
import { HeldRows } from "../components/HeldRows.tsx";
import {
  bySeverity,
  byTime,
  fitsQuery,
  type IncidentItem,
  type IncidentQuery,
  mergeIncidents,
} from "../components/incidents.ts";
import { IncidentTable } from "../components/IncidentTable.tsx";
import { arrivedIncidents, latest, muteView } from "../components/live.ts";
import type { Sort } from "../components/SortHead.tsx";
import { pageNowUs } from "../components/verdict.ts";

interface Props {
  readonly sort: Sort<IncidentOrder>;
  /** As they are sorted. */
  readonly items: readonly IncidentItem[];
  /** What the page asks for; null on a page of older rows or in most other orders, which takes no new ones. */
  readonly query: IncidentQuery | null;
  readonly isFiltered: boolean;
  readonly nowUs: number;
  readonly zone: string;
  /** Since when tapwatch has been looking. */
  readonly since: string;
  /** What could not be looked at, in sentences; "" when nothing was left out. */
  readonly notLookedAt: string;
}

export default function IncidentRows(props: Props) {
  const { query, zone } = props;
  const items = query ? withArrived(props.items, query, zone) : props.items;
  const nowUs = latest.value ? pageNowUs(latest.value) : props.nowUs;
  if (items.length === 0) return <Nothing {...props} />;
  return (
    <HeldRows rows={items} keyOf={({ incident }) => String(incident.id)}>
      {(rows) => <IncidentTable items={rows} sort={props.sort} nowUs={nowUs} zone={zone} />}
    </HeldRows>
  );
}

/** A known incident keeps its row in its new state, even where the filter would not take it any more. */
function withArrived(
  items: readonly IncidentItem[],
  query: IncidentQuery,
  zone: string,
): readonly IncidentItem[] {
  const known = new Set(items.map(({ incident }) => incident.id));
  const { incidents, absorbedIds } = arrivedIncidents.value;
  const fresh = incidents.filter(({ incident, isAcknowledged }) =>
    known.has(incident.id) ||
    fitsQuery({ incident, isAcknowledged: isAcknowledged ?? false }, query)
  );
  if (fresh.length === 0 && absorbedIds.size === 0) return items;
  return [...mergeIncidents(items, { incidents: fresh, absorbedIds }, muteView(zone))]
    .sort(query.order === "severity" ? bySeverity : byTime);
}

function Nothing({ isFiltered, since, notLookedAt }: Props) {
  return (
    <div class="state">
      <h2>{isFiltered ? "No incident fits" : notLookedAt || "No incident so far"}</h2>
      <p>
        {isFiltered && "Fewer filters may show more. "}tapwatch has been looking {since}.{" "}
        {isFiltered && notLookedAt}
      </p>
      {!isFiltered && (
        <p>
          What one host does, to whom and how far it got is told as one incident; the{" "}
          <a href="/scans">scans</a> and <a href="/anomalies">anomalies</a>{" "}
          behind it are its evidence.
        </p>
      )}
    </div>
  );
}
