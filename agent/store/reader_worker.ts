/** The thread that reads the database for the dashboard, beside the one that writes it. */
import { collectGarbage } from "../collect_garbage.ts";
import { setGeoFiles } from "../geo/places.ts";
import type { MainToReader, ReaderToMain } from "../messages.ts";
import { StoreQueries } from "./queries.ts";
import { answer, toFailure } from "./reader.ts";

declare const self: DedicatedWorkerGlobalScope;

let queries: StoreQueries | null = null;

collectGarbage();

self.onmessage = ({ data }: MessageEvent<MainToReader>) => {
  if (data.type === "start") {
    queries = new StoreQueries(data.path);
    return;
  }
  if (data.type === "geo") return setGeoFiles(data.files);
  const { sequence, name, parameters } = data;
  try {
    tell({ type: "answer", sequence, value: answer(queries!, name, parameters) });
  } catch (error) {
    tell({ type: "answer", sequence, failure: toFailure(error) });
  }
};

function tell(message: ReaderToMain): void {
  self.postMessage(message);
}
