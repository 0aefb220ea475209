/** Last line of the overview: what was seen, what was lost and by whom, how full the queues and the disk are. */
import { Icon } from "../components/Icon.tsx";
import {
  formatBytes,
  formatCount,
  formatCountShort,
  formatDuration,
} from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";
import type { Drops, Health } from "../agent/live_state.ts";
import { reachText } from "../agent/text/ring_reach.ts";
import {
  captureDrops,
  dropPercent,
  pageNowUs,
  sourceNames,
  waitingBuffers,
} from "../components/verdict.ts";

export default function HealthStrip({ initial }: { initial: LiveMessage }) {
  const message = latest.value ?? initial;
  const { health, snapshot } = message;
  const reach = reachText(health.recorder, pageNowUs(message));
  const isLossless = captureDrops(health) === 0;
  return (
    <footer class="health" aria-label="Capture health">
      <span>
        {isLossless && (snapshot?.packets ?? 0) > 0 && <Icon name="tick" class="st" />}
        {health.mode === "replay" ? "Replay" : "Capture"} <b>{sourceNames(health.sources)}</b>
      </span>
      <span>
        Seen <b>{formatCountShort(snapshot?.packets ?? 0)}</b> packets,{" "}
        <b>{formatBytes(snapshot?.bytes ?? 0)}</b>
      </span>
      <span>
        Dropped <b class={isLossless ? "" : "warn"}>{dropPercent(message)}&nbsp;%</b>
        {dropPlaces(health.drops)}
      </span>
      <span>
        Queue <b>{queueText(health)}</b>
      </span>
      {health.mode === "live" && (
        <span>
          Behind by <b>{formatDuration(health.behindS)}</b>
        </span>
      )}
      <span>
        Database <StoreText health={health} />
      </span>
      {reach !== "" && (
        <span>
          Packets <b>{reach}</b>
        </span>
      )}
      <span>
        Memory <b>{formatBytes(health.rssBytes)}</b>
      </span>
      <span class="faint">tapwatch {health.version}</span>
    </footer>
  );
}

const placeNames: readonly (readonly [keyof Drops, string])[] = [
  ["kernel", "kernel"],
  ["interface", "network card"],
  ["queue", "tapwatch"],
  ["recorder", "capture files"],
  ["store", "database rows"],
];

/** " by kernel 12, by tapwatch 3"; nothing when nothing was lost. */
function dropPlaces(drops: Drops): string {
  const places = placeNames.filter(([place]) => drops[place] > 0);
  if (places.length === 0) return "";
  return ` (${places.map(([place, name]) => `${name} ${formatCount(drops[place])}`).join(", ")})`;
}

function queueText({ sources }: Health): string {
  const max = sources.reduce((sum, source) => sum + source.queueMax, 0);
  return `${waitingBuffers(sources)} of ${max}`;
}

function StoreText({ health }: { health: Health }) {
  const { store } = health;
  if (store.state === "off") return <b>{store.rowsWritten > 0 ? "closed" : "off"}</b>;
  if (store.state !== "ok") return <b class="warn">{store.state}</b>;
  return <b>{formatBytes(store.sizeBytes)}</b>;
}
