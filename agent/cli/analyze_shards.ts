/**
 * Spreads the work of `analyze` over two threads when the files are large: each reads and decodes all of them and keeps
 * the flows of its half of the address pairs, so that the sums are exactly those of one thread.
 */
import type { Config } from "../config.ts";
import { RunError } from "../errors.ts";
import { type FlowTotals, Pipeline, type PipelineShard } from "../pipeline/pipeline.ts";
import { sumFlowTotals } from "../pipeline/shard_totals.ts";
import { flowCountMax } from "./supervisor.ts";

/** What the worker is told, and what it answers with. */
export interface ShardOrder {
  readonly paths: readonly string[];
  readonly shard: PipelineShard;
}

/** Smaller inputs are read before a second thread has started. */
const largeBytes = 48e6;
const hostsShown = 10;
/** A host that is among the busiest of all is among the busiest of one thread. */
const hostsListed = 500;

/** Starts the other threads; none when it would not pay, or when lines must come in the order of one pipeline. */
export function startShards(config: Config): Promise<FlowTotals>[] {
  const isOrdered = config.flowsFile !== null || config.eveFile !== null;
  if (isOrdered || navigator.hardwareConcurrency < 2) return [];
  if (totalBytes(config.operands) < largeBytes) return [];
  return [runShard({ paths: config.operands, shard: { index: 1, count: 2 } })];
}

/** The pipeline of a shard. */
export function shardPipeline(shard: PipelineShard): Pipeline {
  return new Pipeline({
    flowCountMax: Math.ceil(flowCountMax / shard.count),
    rowPolicy: "none",
    shard,
  });
}

/** What a shard hands over. */
export function shardTotals(pipeline: Pipeline): FlowTotals {
  return pipeline.flowTotals(hostsListed);
}

/** The totals of `pipeline` and the other shards together. Rejects with RunError when one of them failed. */
export async function addShards(
  pipeline: Pipeline,
  shards: readonly Promise<FlowTotals>[],
): Promise<FlowTotals> {
  if (shards.length === 0) return pipeline.flowTotals(hostsShown);
  return sumFlowTotals([shardTotals(pipeline), ...await Promise.all(shards)], hostsShown);
}

function runShard(order: ShardOrder): Promise<FlowTotals> {
  const worker = new Worker(new URL("./analyze_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<FlowTotals>();
  worker.onmessage = (event: MessageEvent<FlowTotals>) => {
    worker.terminate();
    resolve(event.data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new RunError(`A thread of the analysis crashed: ${event.message}.`));
  };
  worker.postMessage(order);
  promise.catch(() => {}); // raised where it is awaited; the first thread may fail before
  return promise;
}

/** 0 when one of the inputs is no plain file, which two threads cannot both read, or is slow to unpack. */
function totalBytes(paths: readonly string[]): number {
  let sum = 0;
  for (const path of paths) {
    const bytes = path.endsWith(".gz") ? 0 : plainFileBytes(path);
    if (bytes === 0) return 0;
    sum += bytes;
  }
  return sum;
}

function plainFileBytes(path: string): number {
  try {
    const { isFile, size } = Deno.statSync(path);
    return isFile ? size : 0;
  } catch {
    return 0; // the reader says what is wrong
  }
}
