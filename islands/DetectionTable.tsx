/** How detection itself goes: what it has learnt, looked at, found, and had to leave out. */
import type { DetectionState } from "../agent/records.ts";
import { anomalyPercent, learningText } from "../components/incident_verdict.ts";
import {
  formatBytes,
  formatCount,
  formatCountShort,
  formatDuration,
  formatWhen,
  unknown,
} from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";
import { pageNowUs } from "../components/verdict.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly zone: string;
}

export default function DetectionTable({ initial, zone }: Props) {
  const message = latest.value ?? initial;
  const { detection } = message.health;
  const { state, modelFittedUs, windows, blocklists } = detection;
  const nowUs = pageNowUs(message);
  return (
    <section class="panel c12" id="detection">
      <header>
        <h2>Detection</h2>
        <p>{stateTexts[state]}</p>
      </header>
      <div class="body">
        {state === "learning" && <Progress detection={detection} />}
        <dl class="facts many">
          <div>
            <dt>Findings since the start</dt>
            <dd>
              {formatCount(detection.findings)}
              {detection.findingsOpen > 0 && `, ${formatCount(detection.findingsOpen)} open`}
            </dd>
          </div>
          <div>
            <dt title="Of all packets of the last 5 minutes">In unusual windows, 5 min</dt>
            <dd>{windows === 0 ? unknown : `${anomalyPercent(detection)}\u00a0% of packets`}</dd>
          </div>
          <div>
            <dt>Unusual windows, 5 min</dt>
            <dd>{formatCount(detection.windowsFlagged)} of {formatCount(windows)}</dd>
          </div>
          <div>
            <dt>Windows learnt from</dt>
            <dd>{formatCount(detection.windowsLearnt)}</dd>
          </div>
          <div>
            <dt>Model made</dt>
            <dd>{modelFittedUs === null ? "not yet" : modelText(modelFittedUs, nowUs, zone)}</dd>
          </div>
          {blocklists.lists > 0 && (
            <div>
              <dt>{blocklists.lists === 1 ? "Block list" : "Block lists"}</dt>
              <dd>
                {formatCount(blocklists.entries)}{" "}
                entries{blocklists.badLines > 0 && (
                  <span class="sev-high">, {formatCount(blocklists.badLines)} bad lines</span>
                )}
              </dd>
            </div>
          )}
          <div>
            <dt>Observations</dt>
            <dd>{formatCountShort(detection.observations)}</dd>
          </div>
          <div>
            <dt title="Observations that detection had no time for">Observations left out</dt>
            <dd class={detection.observationsShed > 0 ? "sev-high" : ""}>
              {formatCountShort(detection.observationsShed)}
            </dd>
          </div>
          <div>
            <dt>Memory of the detectors</dt>
            <dd>{formatBytes(detection.stateBytes)}</dd>
          </div>
          <div>
            <dt title="Oldest entries that made room in a full table">Entries forgotten</dt>
            <dd>{formatCountShort(detection.forgotten)}</dd>
          </div>
        </dl>
      </div>
    </section>
  );
}

const stateTexts: Readonly<Record<DetectionState["state"], string>> = {
  off: "not looking yet",
  learning: "scans are looked for; what is usual for hosts is still being learnt",
  ready: "looking for scans and for hosts that behave unlike what was learnt",
};

function Progress({ detection }: { detection: DetectionState }) {
  const { windowsLearnt, windowsNeeded } = detection;
  const percent = windowsNeeded > 0 ? Math.min(100, 100 * windowsLearnt / windowsNeeded) : 0;
  return (
    <div class="learning">
      <p>
        Still {learningText(detection)}. Anomalies are told when it has seen enough.
      </p>
      <svg
        class="prog"
        role="progressbar"
        aria-label="Learning"
        aria-valuemin={0}
        aria-valuemax={windowsNeeded}
        aria-valuenow={windowsLearnt}
      >
        <rect class="tr" width="100%" height="100%" />
        <rect class="f" width={`${percent.toFixed(1)}%`} height="100%" />
      </svg>
    </div>
  );
}

function modelText(fittedUs: number, nowUs: number, zone: string): string {
  const age = Math.floor((nowUs - fittedUs) / 1e6);
  const when = formatWhen(fittedUs, nowUs, zone);
  return age < 60 ? when : `${when}, ${formatDuration(Math.floor(age / 60) * 60)} ago`;
}
