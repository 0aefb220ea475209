/** The stat strip of the overview: the newest second, and the highest of the last quarter of an hour. */
import { latest, liveSeconds } from "../components/live.ts";
import { Stat } from "../components/Stat.tsx";
import {
  bitRateQuantity,
  formatBitRate,
  formatCount,
  type Quantity,
} from "../components/format.ts";
import { anomalyPercent, learningText } from "../components/incident_verdict.ts";
import type { LiveMessage } from "../components/live_message.ts";
import { currentSecond } from "../components/verdict.ts";
import { highestOf, type Peaks } from "../components/peaks.ts";

interface Props {
  readonly initial: LiveMessage;
  /** Of the quarter of an hour before the page was made. */
  readonly peaks: Peaks;
}

export default function TrafficNumbers({ initial, peaks }: Props) {
  const message = latest.value ?? initial;
  const { snapshot } = message;
  const newest = liveSeconds.value.at(-1) ?? initial.seconds.at(-1) ?? null;
  const second = currentSecond(newest, message);
  const isYoung = message.nowUs - initial.nowUs < 900e6;
  const highest = highestOf(liveSeconds.value, isYoung ? peaks : null);
  const hasData = snapshot !== null && snapshot.packets > 0;
  const of15 = "in the last 15 min";
  const rate = (bytes: number | undefined) => hasData ? bitRateQuantity((bytes ?? 0) * 8) : null;
  const count = (value: number | undefined, unit = "") =>
    hasData ? { value: formatCount(value ?? 0), unit } : null;
  const hint = (text: string) => hasData ? text : "no data yet";
  return (
    <section class="stats" aria-label="Now">
      <Stat
        label="In"
        direction="in"
        quantity={rate(second?.inBytes)}
        hint={hint(`up to ${formatBitRate(highest.inBytes * 8)}`)}
        hintTitle={of15}
      />
      <Stat
        label="Out"
        direction="out"
        quantity={rate(second?.outBytes)}
        hint={hint(`up to ${formatBitRate(highest.outBytes * 8)}`)}
        hintTitle={of15}
      />
      <Stat
        label="Packets"
        quantity={count(second?.packets, "/s")}
        hint={hint(`up to ${formatCount(highest.packets)} /s`)}
        hintTitle={of15}
      />
      <Stat
        label="Open flows"
        quantity={count(snapshot?.flowsActive)}
        hint={hint(`${formatCount(second?.newFlows ?? 0)} new /s`)}
        hintTitle={`${formatCount(snapshot?.flowsTotal ?? 0)} since the start`}
      />
      <Stat
        label="Hosts active"
        quantity={count(
          snapshot?.hostsActive,
          `of ${formatCount(snapshot?.hostsTotal ?? 0)}`,
        )}
        hint={hint("in the last minute")}
        hintTitle="Addresses, those of groups and broadcasts among them"
      />
      <Stat
        label="Anomaly rate"
        quantity={anomalyRate(message)}
        hint={anomalyHint(message)}
        hintTitle="Packets in unusual windows, of all packets of the last 5 minutes"
      />
    </section>
  );
}

/** Null until there is something to compare with. */
function anomalyRate({ health: { detection } }: LiveMessage): Quantity | null {
  const isKnown = detection.state === "ready" && detection.windows > 0;
  return isKnown ? { value: anomalyPercent(detection), unit: "%" } : null;
}

function anomalyHint({ health: { detection } }: LiveMessage): string {
  if (detection.state === "off") return "no data yet";
  if (detection.state === "learning") return learningText(detection);
  const { windows, windowsFlagged } = detection;
  return `${formatCount(windowsFlagged)} of ${formatCount(windows)} windows in 5\u00a0min`;
}
