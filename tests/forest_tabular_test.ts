/** The forest beside scikit-learn's, see bench/detection/forest.ts. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { doesCorpusExist } from "../agent/capture/corpus.ts";
import { corpusNote } from "../bench/detection/corpus.ts";
import { judgeTables } from "../bench/detection/forest.ts";

Deno.test({
  name: `the forest ranks the anomalies of 14 tables as well as scikit-learn does${corpusNote}`,
  ignore: !doesCorpusExist,
  async fn() {
    const judged = await judgeTables();
    strictEqual(judged.length, 14);
    deepStrictEqual(judged.filter(({ isWithin }) => !isWithin), []);
  },
});
