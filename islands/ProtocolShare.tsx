/** Bytes by protocol since the start: a ring, and the same as a table that needs no script. */
import { formatBytes, sharePercent } from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";
import { groupProtocols, type ProtocolGroup } from "../components/protocol_groups.ts";
import { type LiveChart, useLiveChart } from "../components/use_live_chart.ts";

const ring: LiveChart = {
  draw: (charts, element, data) => charts.drawRing(element, { height: 150, data }),
  everyMs: 5000,
};

export default function ProtocolShare({ initial }: { initial: LiveMessage }) {
  const groups = groupProtocols((latest.value ?? initial).snapshot);
  const total = groups.reduce((sum, { bytes }) => sum + bytes, 0);
  const shown = groups.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
  const { host } = useLiveChart(total > 0 ? ringData(groups) : null, ring);
  const first = shown[0];
  const sentence = first
    ? `${first.name} has the most bytes, ${sharePercent(first.bytes, total)}.`
    : "No packet yet.";
  return (
    <section class="panel c5">
      <header>
        <h2>Protocols</h2>
        <p>share of bytes since the start</p>
      </header>
      <div class={`body ${first ? "ring" : ""}`}>
        <div
          class={`tw-chart pal-proto ${first ? "" : "none"}`}
          role="img"
          aria-label={sentence}
        >
          <div class="tw-chart-draw" ref={host} />
        </div>
        {shown.length === 0 ? <p class="dim">No packet yet.</p> : (
          <table class="tbl tight static">
            <tbody>
              {shown.map((group) => (
                <tr>
                  <td class="grow">
                    <i class={`sw p${group.colour}`} />
                    {group.name}
                  </td>
                  <td class="num dim">{formatBytes(group.bytes)}</td>
                  <td class="num">{sharePercent(group.bytes, total)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </section>
  );
}

function ringData(groups: readonly ProtocolGroup[]) {
  return {
    labels: groups.map(({ name }) => name),
    datasets: [{ name: "Bytes", values: groups.map(({ bytes }) => bytes) }],
    ticks: [],
  };
}
