/** What is written, where, and how well. */
import type { EveState, EvidenceState, RecorderState, StoreState } from "../agent/records.ts";
import { counted } from "../agent/text/amounts.ts";
import { diskSentence } from "../agent/text/disk_guard.ts";
import { reachAdvice, reachText } from "../agent/text/ring_reach.ts";
import { formatBytes, formatCount, formatDuration } from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";
import { pageNowUs } from "../components/verdict.ts";

type Part = StoreState | RecorderState | EvidenceState | EveState;
interface Props {
  readonly initial: LiveMessage;
  readonly resultsFolder: string;
}

export default function DiskTable({ initial, resultsFolder }: Props) {
  const message = latest.value ?? initial;
  const { store, recorder, evidence, eve, disk } = message.health;
  const notes = [
    ...[store, recorder, evidence, eve].map(({ detail }) => detail),
    diskSentence(disk),
    message.health.mode === "live" ? reachAdvice(recorder, pageNowUs(message)) : "",
  ];
  return (
    <section class="panel c4 lone">
      <header>
        <h2>Disk</h2>
        <p class="clip" title={resultsFolder}>
          in <span class="mono">{resultsFolder}</span>
        </p>
      </header>
      <div class="body">
        <dl class="facts disk">
          <dt>Database</dt>
          <dd>
            <State state={store.state} hasWritten={store.rowsWritten > 0} />{" "}
            {store.sizeBytes > 0 && formatBytes(store.sizeBytes)}
          </dd>
          <dt>Rows written</dt>
          <dd>{formatCount(store.rowsWritten)}</dd>
          <dt>Rows lost</dt>
          <dd class={store.rowsLost > 0 ? "sev-high" : ""}>{formatCount(store.rowsLost)}</dd>
          {store.rowsRemoved > 0 && (
            <>
              <dt title="By --retention-days and --retention-mb">Rows removed</dt>
              <dd>
                {formatCount(store.rowsRemoved)}
                {store.findingsRemoved > 0 && `, ${formatCount(store.findingsRemoved)} of findings`}
              </dd>
            </>
          )}
          {store.rowsHeldBack > 0 && (
            <>
              <dt title="Because the disk is nearly full">Rows left out</dt>
              <dd class="sev-high">{formatCount(store.rowsHeldBack)}</dd>
            </>
          )}
          <dt>Waiting</dt>
          <dd>{formatCount(store.queueDepth)} of {formatCount(store.queueMax)} batches</dd>
          <dt>History</dt>
          <dd>
            {store.oldestUs === null
              ? "none yet"
              : formatDuration(Math.max(0, pageNowUs(message) - store.oldestUs) / 1e6)}
          </dd>
          <dt>Capture files</dt>
          <dd>
            <State state={recorder.state} hasWritten={recorder.packetsWritten > 0} />{" "}
            {recorder.state !== "off" &&
              `${formatBytes(recorder.sizeBytes)} of ${formatBytes(recorder.bytesMax)} in ${
                counted(recorder.files, "file")
              }`}
          </dd>
          <dt>Packets in them</dt>
          <dd>
            {[formatCount(recorder.packetsWritten), reachText(recorder, pageNowUs(message))]
              .filter(Boolean).join(", ")}
          </dd>
          {recorder.packetsLost > 0 && (
            <>
              <dt>Packets not in them</dt>
              <dd class="sev-high">{formatCount(recorder.packetsLost)}</dd>
            </>
          )}
          <dt title="Packets of findings, kept beyond the capture files">Evidence</dt>
          <dd>
            <State state={evidence.state} hasWritten={evidence.files > 0} />{" "}
            {evidence.state !== "off" &&
              `${formatBytes(evidence.sizeBytes)} of ${formatBytes(evidence.bytesMax)}, of ${
                counted(evidence.findings, "finding")
              }`}
          </dd>
          {evidence.packetsLeftOut > 0 && (
            <>
              <dt title="Their finding had its share, or all that is kept is graver">
                Packets left out
              </dt>
              <dd>{formatCount(evidence.packetsLeftOut)}</dd>
            </>
          )}
          {disk.freeBytes !== null && (
            <>
              <dt title={`${formatBytes(disk.minFreeBytes)} are to stay free, by --min-free-mb`}>
                Free
              </dt>
              <dd class={disk.step > 0 ? "sev-high" : ""}>{formatBytes(disk.freeBytes)}</dd>
            </>
          )}
          <dt>EVE log</dt>
          <dd>
            <State state={eve.state} hasWritten={eve.linesWritten > 0} />{" "}
            {eve.files > 0 && `${formatBytes(eve.sizeBytes)} in ${counted(eve.files, "file")}`}
          </dd>
          {eve.path !== "" && (
            <>
              <dt>Lines written</dt>
              <dd>{formatCount(eve.linesWritten)}</dd>
              <dt>Lines lost</dt>
              <dd class={eve.linesLost > 0 ? "sev-high" : ""}>{formatCount(eve.linesLost)}</dd>
            </>
          )}
        </dl>
      </div>
      {notes.filter(Boolean).map((note) => (
        <p key={note} class="note">
          {note.split(/(--[a-z-]+(?: \d+)?)/).map((part) =>
            part.startsWith("--") ? <code key={part}>{part}</code> : part
          )}
        </p>
      ))}
    </section>
  );
}

/** What is off after it has written is closed: a file was replayed to its end. */
function State({ state, hasWritten }: { state: Part["state"]; hasWritten: boolean }) {
  if (state === "ok") return null;
  if (state === "off") return <b class="dim">{hasWritten ? "closed" : "off"}</b>;
  return <b class={state === "retrying" ? "sev-medium" : "sev-high"}>{state}</b>;
}
