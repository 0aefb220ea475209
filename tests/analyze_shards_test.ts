import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { feedFile } from "../agent/cli/feed_file.ts";
import { type FlowTotals, Pipeline } from "../agent/pipeline/pipeline.ts";
import { sumFlowTotals } from "../agent/pipeline/shard_totals.ts";
import { corpusPath, doesCorpusExist, readManifest } from "../agent/capture/corpus.ts";

const demo = new URL("fixtures/demo.pcapng.gz", import.meta.url).pathname;

function makePipeline(index: number, count: number): Pipeline {
  return new Pipeline({ flowCountMax: 100_000, rowPolicy: "none", shard: { index, count } });
}

async function totalsOf(path: string, shardCount: number): Promise<FlowTotals> {
  const shards: FlowTotals[] = [];
  for (let index = 0; index < shardCount; index++) {
    const pipeline = makePipeline(index, shardCount);
    await feedFile(path, pipeline);
    pipeline.finish();
    shards.push(pipeline.flowTotals(100_000));
  }
  return sumFlowTotals(shards, 100_000);
}

/** Times are left out: in files whose clock steps back, "first" depends on the order of reading. */
function hostCounters({ busiestHosts }: FlowTotals): Map<string, string> {
  return new Map(
    busiestHosts.map(({ firstSeenUs: _first, lastSeenUs: _last, ...host }) =>
      [host.address, JSON.stringify(host)] as const
    ).sort(([a], [b]) => a < b ? -1 : 1),
  );
}

async function checkShards(path: string): Promise<void> {
  const one = await totalsOf(path, 1);
  const two = await totalsOf(path, 2);
  strictEqual(two.flowsTotal, one.flowsTotal, path);
  deepStrictEqual(two.flows, one.flows, path);
  deepStrictEqual(two.applications, one.applications, path);
  deepStrictEqual(hostCounters(two), hostCounters(one), path);
}

Deno.test("two shards of the demo add up to what one pipeline finds", () => checkShards(demo));

Deno.test({
  name: `two shards of each capture in decode/ add up to what one pipeline finds${
    doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)"
  }`,
  ignore: !doesCorpusExist,
  async fn() {
    const captures = (await readManifest()).filter(({ file }) =>
      file.startsWith("decode/") && !file.endsWith(".snoop")
    );
    for (const capture of captures) await checkShards(corpusPath(capture));
  },
});
