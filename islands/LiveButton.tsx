/** Live, paused or stale, with the sensor's time; pressing it (or space) pauses the page. */
import { useEffect } from "preact/hooks";
import type { Mute } from "../agent/records.ts";
import { connection, connectLive, latest, togglePaused } from "../components/live.ts";
import { formatClock } from "../components/format.ts";
import type { LiveMessage, SensorInfo } from "../components/live_message.ts";
import { pageNowUs } from "../components/verdict.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly sensor: SensorInfo;
  /** In force. */
  readonly mutes: readonly Mute[];
}

/** When nothing is captured any more: the end of a file is no trouble, nor is the silence after it. */
const overStates = {
  live: { word: "Not capturing", shape: "stale" },
  replay: { word: "Finished", shape: "paused" },
  hub: { word: "Live", shape: "live" },
} as const;
const words = { live: "Live", paused: "Paused", stale: "No news" } as const;

export default function LiveButton({ initial, sensor, mutes }: Props) {
  useEffect(() => {
    connectLive(initial.seconds.at(-1)?.tsUs ?? 0, mutes);
    const onKey = (event: KeyboardEvent) => {
      const { target } = event;
      if (event.key !== " " || !(target instanceof HTMLElement)) return;
      if (target.closest("a, button, input, select, textarea, summary, [tabindex]")) return;
      event.preventDefault();
      togglePaused();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const message = latest.value ?? initial;
  const state = connection.value;
  const isOver = message.health.sources.length > 0 &&
    message.health.sources.every((source) => !isRunning(source.state));
  const time = formatClock(pageNowUs(message), sensor.zone);
  const over = state !== "paused" && isOver ? overStates[message.health.mode] : null;
  return (
    <button
      type="button"
      class="live"
      data-state={over?.shape ?? state}
      title={state === "paused"
        ? "Paused. Press to go on."
        : "Updates every second. Press to pause."}
      onClick={togglePaused}
    >
      <i />
      <b>{over?.word ?? words[state]}</b>
      <span class="wide">{state === "live" || over ? time : `since ${time}`}</span>
    </button>
  );
}

function isRunning(state: string): boolean {
  return state === "capturing" || state === "starting";
}
