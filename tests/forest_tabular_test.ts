/**
 * The Isolation Forest on public data sets beside scikit-learn's, whose figures stand in the corpus
 * (iforest_reference.tsv: version, parameters and seeds in its first line): the area under the ROC curve must not differ
 * by more than max(0.01, 2 sd). Our mean is of 20 seeds (5 for the large tables), so that chance has little part in it.
 */
import { ok } from "node:assert/strict";
import { doesCorpusExist, readCorpusText } from "../agent/capture/corpus.ts";
import { fitForest } from "../agent/detect/forest/fit_forest.ts";

const note = doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)";
const largeRowCount = 20_000;

interface Table {
  readonly rows: Float64Array;
  readonly featureCount: number;
  readonly labels: readonly number[];
}

Deno.test({
  name: `the forest ranks the anomalies of 14 tables as well as scikit-learn does${note}`,
  ignore: !doesCorpusExist,
  async fn() {
    const references = (await readCorpusText("iforest_reference.tsv")).trim().split("\n").slice(2);
    for (const line of references) {
      const [, name, , , , , meanText, deviationText] = line.split("\t");
      const reference = Number(meanText);
      const tolerance = Math.max(0.01, 2 * Number(deviationText));
      const mean = meanAuc(await readTable(name));
      console.log(
        `${name}: ${mean.toFixed(4)}, scikit-learn ${meanText} +- ${tolerance.toFixed(4)}`,
      );
      ok(Math.abs(mean - reference) <= tolerance, `${name}: ${mean} is not ${reference}`);
    }
    ok(references.length === 14, `${references.length} tables`);
  },
});

async function readTable(name: string): Promise<Table> {
  const lines = (await readCorpusText(`tabular/${name}.csv`)).trim().split("\n").slice(1);
  const cells = lines.map((line) => line.split(",").map(Number));
  const featureCount = cells[0].length - 1;
  const rows = new Float64Array(lines.length * featureCount);
  cells.forEach((row, index) => rows.set(row.slice(0, featureCount), index * featureCount));
  return { rows, featureCount, labels: cells.map((row) => row[featureCount]) };
}

function meanAuc({ rows, featureCount, labels }: Table): number {
  const seedCount = labels.length > largeRowCount ? 5 : 20;
  let sum = 0;
  for (let seed = 0; seed < seedCount; seed++) {
    const { forest } = fitForest(rows, featureCount, { seed });
    sum += rocAuc(forest.scoreMany(rows), labels);
  }
  return sum / seedCount;
}

/** By the rank sum of the anomalies (Mann and Whitney 1947); equal scores share their mean rank. */
function rocAuc(scores: Float64Array, labels: readonly number[]): number {
  const order = [...scores.keys()].sort((a, b) => scores[a] - scores[b]);
  let rankSum = 0;
  let anomalies = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && scores[order[to]] === scores[order[from]]) to++;
    const tied = order.slice(from, to).filter((row) => labels[row] === 1).length;
    rankSum += tied * (from + to + 1) / 2;
    anomalies += tied;
    from = to;
  }
  const pairs = anomalies * (order.length - anomalies);
  return (rankSum - anomalies * (anomalies + 1) / 2) / pairs;
}
