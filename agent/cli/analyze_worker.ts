/** A further thread of `analyze`: reads the same files and answers with the totals of its flows. */
import { CaptureFormatError } from "../errors.ts";
import { type ShardOrder, shardPipeline, shardTotals } from "./analyze_shards.ts";
import { feedFile } from "./feed_file.ts";

self.onmessage = async (event: MessageEvent<ShardOrder>) => {
  const pipeline = shardPipeline(event.data.shard);
  for (const path of event.data.paths) {
    try {
      await feedFile(path, pipeline);
    } catch (error) {
      if (!(error instanceof CaptureFormatError)) throw error; // else the first thread reports it
    }
  }
  pipeline.finish();
  self.postMessage(shardTotals(pipeline));
};
