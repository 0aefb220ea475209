/** The list of alerts: new ones go on top, and what channels do with them changes in its row. Still under pointer or focus. */
import { useRef, useState } from "preact/hooks";
import type { Alert } from "../agent/records.ts";
import { AlertTable } from "../components/AlertTable.tsx";
import { Held } from "../components/HeldRows.tsx";
import { latest } from "../components/live.ts";
import {
  type AlertQuery,
  fitsAlertQuery,
  mergeAlerts,
  newAlerts,
} from "../components/live_alerts.ts";

interface Props {
  /** Newest first. */
  readonly alerts: readonly Alert[];
  /** What the page asks for; null on a page of older rows, which takes no new ones. */
  readonly query: AlertQuery | null;
  readonly isFiltered: boolean;
  readonly hasChannels: boolean;
  readonly nowUs: number;
  readonly zone: string;
}

export default function AlertRows(props: Props) {
  const { alerts, query, isFiltered, hasChannels, zone } = props;
  const [isHeld, setHeld] = useState(false);
  const shown = useRef(alerts);
  const known = new Set(alerts.map(({ id }) => id));
  const arrived = newAlerts.value.filter((alert) =>
    known.has(alert.id) || query !== null && fitsAlertQuery(alert, query)
  );
  const merged = mergeAlerts(alerts, arrived);
  const before = new Set(shown.current.map(({ id }) => id));
  // States change under the pointer too; only new rows wait.
  shown.current = isHeld ? merged.filter(({ id }) => before.has(id)) : merged;
  const waiting = merged.length - shown.current.length;
  // Times of alerts are the wall clock's, also while a file is replayed.
  const nowUs = latest.value?.nowUs ?? props.nowUs;
  if (merged.length === 0) return <Nothing {...{ isFiltered, hasChannels }} />;
  return (
    <Held waiting={waiting} setHeld={setHeld}>
      <AlertTable alerts={shown.current} nowUs={nowUs} zone={zone} />
    </Held>
  );
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
