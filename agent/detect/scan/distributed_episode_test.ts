import { deepEqual } from "node:assert/strict";
import { DistributedEpisode } from "./distributed_episode.ts";
import type { JudgedProbe } from "./judged_probe.ts";
import { Family } from "./probe_family.ts";

Deno.test("a shared scan says that there are more sources only where there are", () => {
  const cases = [[1024, false], [1025, true], [2000, true]] as const;
  for (const [count, areMore] of cases) {
    const probe = { family: Family.tcp, traits: 0, startUs: 1, atUs: 2, flowId: 0 } as JudgedProbe;
    const episode = new DistributedEpisode(1, "10.0.0.2", probe);
    for (let source = 0; source < count; source++) episode.take(`source ${source}`, 1, probe);
    const { sourceCount, areSourcesMore } = episode.summary(25, { text: "1", count: 1 });
    deepEqual([sourceCount, areSourcesMore], [1024, areMore]);
  }
});
