/** The stat strip of the overview: the newest second, and the highest of the last quarter of an hour. */
import { latest, liveSeconds } from "../components/live.ts";
import { Stat } from "../components/Stat.tsx";
import { bitRateQuantity, formatBitRate, formatCount } from "../components/format.ts";
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
        label="New flows"
        quantity={count(second?.newFlows, "/s")}
        hint={hint(`up to ${formatCount(highest.newFlows)} /s`)}
        hintTitle={of15}
      />
      <Stat
        label="Open flows"
        quantity={count(snapshot?.flowsActive)}
        hint={hint(`${formatCount(snapshot?.flowsTotal ?? 0)} since the start`)}
      />
      <Stat
        label="Hosts active"
        quantity={count(
          snapshot?.hostsActive,
          `of ${formatCount(snapshot?.hostsTotal ?? 0)}`,
        )}
        hint={hint("in the last minutes")}
      />
    </section>
  );
}
