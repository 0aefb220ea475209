/** The stat strip of the status page. */
import type { PipelineSnapshot } from "../agent/records.ts";
import {
  bytesQuantity,
  formatBytes,
  formatCount,
  formatCountShort,
  formatDuration,
} from "../components/format.ts";
import { latest } from "../components/live.ts";
import type { LiveMessage } from "../components/live_message.ts";
import { Stat } from "../components/Stat.tsx";
import { captureDrops, dropPercent, waitingBuffers } from "../components/verdict.ts";

export default function StatusNumbers({ initial }: { initial: LiveMessage }) {
  const message = latest.value ?? initial;
  const { health, snapshot } = message;
  const lost = captureDrops(health);
  const seen = snapshot?.packets ?? 0;
  const depth = waitingBuffers(health.sources);
  const depthMax = health.sources.reduce((sum, source) => sum + source.queueMax, 0);
  const diskBytes = health.store.sizeBytes + health.recorder.sizeBytes +
    health.evidence.sizeBytes;
  const [behind, behindUnit] = formatDuration(health.behindS).split("\u00a0");
  return (
    <section class="stats" aria-label="Now">
      <Stat
        label="Dropped"
        quantity={{ value: dropPercent(message), unit: "%" }}
        hint={`${formatCount(lost)} of ${formatCountShort(lost + seen)} packets`}
        isBad={lost > 0}
      />
      <Stat
        label="Behind by"
        quantity={health.mode === "live" ? { value: behind!, unit: behindUnit ?? "" } : null}
        hint={health.mode === "live" ? "from capture to decoding" : "a file cannot be late"}
        isBad={health.behindS > 5}
      />
      <Stat
        label="Queue"
        quantity={depthMax > 0 ? { value: formatCount(depth), unit: `of ${depthMax}` } : null}
        hint="buffers waiting"
      />
      <Stat
        label="Processor"
        quantity={health.cpuCores < 0
          ? null
          : { value: formatCount(health.cpuCores * 100), unit: "%" }}
        hint={health.cpuCores < 0 ? "not told by this system" : "of one core"}
      />
      <Stat
        label="Memory"
        quantity={bytesQuantity(health.rssBytes)}
        hint={flowsHint(snapshot)}
        isBad={(snapshot?.flowsEvicted ?? 0) > 0}
      />
      <Stat
        label="Disk"
        quantity={bytesQuantity(diskBytes)}
        hint={`database ${formatBytes(health.store.sizeBytes)}`}
      />
    </section>
  );
}

/** How full the flow table is, or what it has cost that it was full. */
function flowsHint(snapshot: PipelineSnapshot | null): string {
  const evicted = snapshot?.flowsEvicted ?? 0;
  return evicted > 0
    ? `flow table full: ${formatCountShort(evicted)} ended early`
    : `${formatCount(snapshot?.flowsActive ?? 0)} of ${
      formatCountShort(snapshot?.flowsMax ?? 0)
    } flows`;
}
