/** Words for alerts: what they are about, why they were told, what became of them. Pure; the same on server and browser. */
import type { AlertDelivery, AlertKind, ChannelState } from "../agent/records.ts";
import type { TellingRules } from "../agent/dashboard_context.ts";
import { formatDuration, formatWhen } from "./format.ts";

export const alertKindLabels: Readonly<Record<AlertKind, string>> = {
  incident: "Incident",
  anomaly_rate: "Much unusual traffic",
  health: "Trouble of tapwatch itself",
  digest: "Digest",
  test: "Test",
};

/** "sent 07:25:24", "waiting, tried 3 times, again 07:26:09". */
export function deliveryText(delivery: AlertDelivery, nowUs: number, zone: string): string {
  const { state, attempts, triedUs, nextUs } = delivery;
  const when = (timeUs: number | null) => timeUs === null ? "" : formatWhen(timeUs, nowUs, zone);
  if (state === "sent") return `sent ${when(triedUs)}`.trim();
  if (state === "failed") return `failed ${when(triedUs)}`.trim();
  if (attempts === 0) return "waiting";
  const tries = attempts === 1 ? "tried once" : `tried ${attempts} times`;
  return `waiting, ${tries}, again ${when(nextUs)}`;
}

/** First line of the page: who is told, and whether that works. */
export function tellingTitle(channels: readonly ChannelState[]): string {
  const failing = channels.filter(({ isFailing }) => isFailing);
  if (channels.length === 0) return "Nobody is told";
  if (failing.length === 0) {
    return channels.length === 1
      ? `Alerts go by ${channels[0]!.channel}`
      : `Alerts go through ${channels.length} channels`;
  }
  const what = failing.length === channels.length
    ? "Alerts do not arrive"
    : "Not all alerts arrive";
  return failing.length === 1
    ? `${what}: ${failing[0]!.channel} fails`
    : `${what}: ${failing.length} of ${channels.length} channels fail`;
}

/** What is told, and by what where the title does not say it. */
export function rulesText(
  { severity, intervalS, perHourMax, quietHours }: TellingRules,
  channels: readonly ChannelState[],
): string {
  const names = channels.map(({ channel }) => channel);
  const by = channels.length > 1
    ? `They go by ${names.slice(0, -1).join(", ")} and ${names.at(-1)}. `
    : "";
  const above = severity === "critical" ? "critical severity" : `${severity} severity or above`;
  const pause = intervalS > 0
    ? `, with ${formatDuration(intervalS)} between two about one source`
    : "";
  const quiet = quietHours === ""
    ? ""
    : ` From ${quietHours.replace("-", " to ")} only critical ones are told at once.`;
  return `${by}Told are incidents of ${above} and trouble of tapwatch itself, at most ${perHourMax} an hour${pause}; ` +
    `the rest comes in a digest.${quiet}`;
}
