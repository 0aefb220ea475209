/** What is captured, how it goes, and what each place lost. */
import type { CaptureSourceState } from "../agent/records.ts";
import type { RunMode } from "../agent/live_state.ts";
import { formatCount } from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";
import { copiesText, waitingBuffers } from "../components/verdict.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly loopbackNote: string;
}

export default function InterfaceTable({ initial, loopbackNote }: Props) {
  const message = latest.value ?? initial;
  const { health } = message;
  const copies = copiesText(message);
  return (
    <section class="panel c12">
      <header>
        <h2>{health.mode === "replay" ? "Files" : "Interfaces"}</h2>
        <p>counts since the start</p>
      </header>
      {health.sources.length === 0
        ? <p class="body dim">None is open yet.</p>
        : (
          <div class="scroll">
            <table class="tbl cards name-state">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">State</th>
                  <th scope="col" class="num">Packets</th>
                  <th scope="col" class="num">Lost in kernel</th>
                  <th scope="col" class="num">By the card</th>
                  <th scope="col" class="num">By tapwatch</th>
                  <th scope="col" class="num">Queue</th>
                </tr>
              </thead>
              <tbody>
                {health.sources.map((source) => (
                  <SourceRow key={source.interfaceId} source={source} mode={health.mode} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      {copies !== "" && <p class="note">{copies}</p>}
      {loopbackNote !== "" && <p class="note">{loopbackNote}</p>}
    </section>
  );
}

interface RowProps {
  readonly source: CaptureSourceState;
  readonly mode: RunMode;
}

function SourceRow({ source, mode }: RowProps) {
  const isBad = source.state === "failed" || source.state === "retrying";
  return (
    <tr>
      <td class="mono clip" title={source.name}>{source.name}</td>
      <td class={`grow ${isBad ? "sev-high" : ""}`} title={source.detail}>
        {isBad ? <b>{source.state}</b> : stateText(source, mode)}
        {isBad && source.detail !== "" && <span class="sub">{source.detail}</span>}
      </td>
      <td class="num" data-l="packets">{formatCount(source.packets)}</td>
      <DropCell label="kernel" count={source.kernelDrops} />
      <DropCell label="card" count={source.interfaceDrops} />
      <DropCell label="tapwatch" count={source.queueDrops} />
      <td class="num opt">{waitingBuffers([source])} of {source.queueMax}</td>
    </tr>
  );
}

function DropCell({ label, count }: { label: string; count: number }) {
  return (
    <td class={`num ${count > 0 ? "sev-high" : "dim opt"}`} data-l={`lost, ${label}`}>
      {formatCount(count)}
    </td>
  );
}

/** The detail usually begins with the state's own word. */
function stateText({ state, detail }: CaptureSourceState, mode: RunMode): string {
  if (state === "finished") return state;
  if (mode === "replay" && state === "capturing") return `reading, ${detail}`;
  if (detail === "" || detail.startsWith(state)) return detail || state;
  return `${state}, ${detail}`;
}
