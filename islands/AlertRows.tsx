/** The list of alerts: new ones go on top, and what channels do with them changes in its row. Still under pointer or focus. */
import { useRef, useState } from "preact/hooks";
import type { Alert } from "../agent/records.ts";
import type { AlertOrder } from "../agent/store/filters.ts";
import { AlertTable } from "../components/AlertTable.tsx";
import { Held } from "../components/HeldRows.tsx";
import { latest } from "../components/live.ts";
import type { Sort } from "../components/SortHead.tsx";
import {
  type AlertQuery,
  fitsAlertQuery,
  mergeAlerts,
  newAlerts,
} from "../components/live_alerts.ts";

interface Props {
  readonly sort: Sort<AlertOrder>;
  /** As they are sorted. */
  readonly alerts: readonly Alert[];
  /** What the page asks for; null on a page of older rows or in another order, which takes no new ones. */
  readonly query: AlertQuery | null;
  readonly isFiltered: boolean;
  readonly hasChannels: boolean;
  readonly nowUs: number;
  readonly zone: string;
}

export default function AlertRows(props: Props) {
  const { alerts, query, sort, isFiltered, hasChannels, zone } = props;
  const [isHeld, setHeld] = useState(false);
  const shown = useRef(alerts);
  const merged = query === null ? inNewestState(alerts) : withArrived(alerts, query);
  const before = new Set(shown.current.map(({ id }) => id));
  // States change under the pointer too; only new rows wait.
  shown.current = isHeld ? merged.filter(({ id }) => before.has(id)) : merged;
  const waiting = merged.length - shown.current.length;
  // Times of alerts are the wall clock's, also while a file is replayed.
  const nowUs = latest.value?.nowUs ?? props.nowUs;
  if (merged.length === 0) return <Nothing {...{ isFiltered, hasChannels }} />;
  return (
    <Held waiting={waiting} setHeld={setHeld}>
      <AlertTable alerts={shown.current} sort={sort} nowUs={nowUs} zone={zone} />
    </Held>
  );
}

function inNewestState(alerts: readonly Alert[]): readonly Alert[] {
  const byId = new Map(newAlerts.value.map((alert) => [alert.id, alert]));
  return alerts.map((alert) => byId.get(alert.id) ?? alert);
}

/** A known alert keeps its row in its new state, even where the filter would not take it any more. */
function withArrived(alerts: readonly Alert[], query: AlertQuery): readonly Alert[] {
  const known = new Set(alerts.map(({ id }) => id));
  const arrived = newAlerts.value.filter((alert) =>
    known.has(alert.id) || fitsAlertQuery(alert, query)
  );
  return mergeAlerts(alerts, arrived);
}

function Nothing({ isFiltered, hasChannels }: Pick<Props, "isFiltered" | "hasChannels">) {
  return (
    <div class="state">
      <h2>{isFiltered ? "No alert fits" : "No alert so far"}</h2>
      <p>
        {isFiltered
          ? "Fewer filters may show more."
          : hasChannels
          ? "What is told, held back or muted will stand here, with what each channel answered."
          : (
            <>
              Alerts begin when a channel is set up. What was found stands on the{" "}
              <a href="/" aria-current="false">overview</a>.
            </>
          )}
      </p>
    </div>
  );
}
