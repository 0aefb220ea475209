/** Floods from made-up sources: few findings, and memory that does not grow with their number. */
import { deepEqual, ok } from "node:assert/strict";
import { formatAddressWords } from "../../agent/decode/addresses.ts";
import { Prng } from "../../agent/detect/common/prng.ts";
import { Detection } from "../../agent/detect/detection.ts";
import { Pipeline } from "../../agent/pipeline/pipeline.ts";
import { batchOf } from "../../agent/pipeline/testing.ts";
import type { Finding } from "../../agent/records.ts";
import { byForm } from "./lab.ts";
import { FLOODS, setSource } from "./floods.ts";

const packets = byForm(100_000, 6_000_000);
const batchPackets = 5000;
const perSecond = 50_000;

for (const [title, flood] of Object.entries(FLOODS)) {
  Deno.test(`a flood of ${title} from as many sources as packets`, () => {
    const prng = new Prng(1);
    const findings = new Map<number, Finding>();
    const detection = new Detection({
      isLive: true,
      formatAddress: formatAddressWords,
      model: null,
      anomalyQuantile: 0.995,
      seed: 1,
      note: () => {},
      onFinding: (finding) => findings.set(finding.id, finding),
    });
    const pipeline = new Pipeline({
      flowCountMax: 20_000,
      rowPolicy: "sampled",
      onRow: () => {},
      onFlow: () => {},
      observations: {
        wordsMin: 0,
        exchange: (words, length) => {
          detection.take(words, length);
          return words;
        },
      },
    });
    const memory: number[] = [];
    const frames = Array.from({ length: batchPackets }, () => flood.make(prng));
    for (let sent = 0; sent < packets; sent += batchPackets) {
      const batch = batchOf(frames.map((bytes, index) => {
        setSource(bytes, flood, prng);
        return { timestampUs: 1_700_000_000e6 + (sent + index) / perSecond * 1e6, bytes };
      }));
      pipeline.process(batch);
      if (sent % (packets / 10) < batchPackets) memory.push(Deno.memoryUsage().external);
    }
    while (pipeline.finish(1000));
    detection.finish();
    const totals = Object.values(pipeline.protocolTotals());
    deepEqual(totals.reduce((sum, total) => sum + total.packets, 0), packets);
    ok(findings.size > 0 && findings.size < 100, `${findings.size} findings`);
    ok(detection.state().stateBytes < 120e6, `${detection.state().stateBytes}`);
    const [early, late] = [memory[2], memory.at(-1)!];
    ok(late < early + 30e6, memory.join());
  });
}
