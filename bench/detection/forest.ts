/**
 * The Isolation Forest on public data sets beside scikit-learn's, whose figures stand in the corpus
 * (iforest_reference.tsv: version, parameters and seeds in its first line): the area under the ROC curve must not differ
 * by more than max(0.01, 2 sd). Our mean is of 20 seeds (5 for the large tables), so that chance has little part in it.
 */
import { readCorpusText } from "../../agent/capture/corpus.ts";
import { fitForest } from "../../agent/detect/forest/fit_forest.ts";
import { type Section, table } from "../harness.ts";

const largeRowCount = 20_000;

interface Table {
  readonly rows: Float64Array;
  readonly featureCount: number;
  readonly labels: readonly number[];
}

interface TableJudgement {
  readonly name: string;
  readonly auc: number;
  /** scikit-learn's mean, and by how much ours may differ. */
  readonly reference: number;
  readonly tolerance: number;
  readonly isWithin: boolean;
}

export async function judgeTables(): Promise<TableJudgement[]> {
  const references = (await readCorpusText("iforest_reference.tsv")).trim().split("\n").slice(2);
  const judged = [];
  for (const line of references) {
    const [, name, , , , , mean, deviation] = line.split("\t");
    const reference = Number(mean);
    const tolerance = Math.max(0.01, 2 * Number(deviation));
    const auc = meanAuc(await readTable(name));
    judged.push({
      name,
      auc,
      reference,
      tolerance,
      isWithin: Math.abs(auc - reference) <= tolerance,
    });
  }
  return judged;
}

export async function forestSection(): Promise<Section> {
  const judged = await judgeTables();
  const within = judged.filter(({ isWithin }) => isWithin).length;
  return {
    title: "Isolation Forest",
    blocks: [
      "Area under the ROC curve on public tables, each fitted on and scored as a whole, beside scikit-learn's (mean of its five " +
      "seeds).",
      table(
        ["table", "tapwatch", "scikit-learn", "may differ by", "differs by"],
        judged.map(({ name, auc, reference, tolerance }) => [
          name,
          ...[auc, reference, tolerance, Math.abs(auc - reference)].map((value) =>
            value.toFixed(4)
          ),
        ]),
      ),
    ],
    targets: [{
      promise: "ROC-AUC within max(0.01, 2 sd) of scikit-learn's on every table",
      measured: `${within} of ${judged.length}`,
      isMet: within === judged.length,
    }],
  };
}

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
