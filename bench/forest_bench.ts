/**
 * The Isolation Forest alone, beside scikit-learn (from python3, if it is installed there) and ml-isolation-forest (npm):
 * growing 100 trees of 256 rows, and scoring rows one at a time.
 */
import { IsolationForest } from "ml-isolation-forest";
import { fitForest } from "../agent/detect/forest/fit_forest.ts";
import {
  bestRate,
  type Contestant,
  formatCount,
  formatRate,
  formatSeconds,
  median,
  minimum,
  printSection,
  size,
  takeTurnsWarm,
  time,
  timesTable,
} from "./harness.ts";
import { seededRandom } from "./packet_data.ts";
import { startScikitLearn } from "./scikit_learn.ts";

const rowCount = size(20_000, 2_000);
/** Of scikit-learn, which takes milliseconds a call. */
const callCount = size(200, 20);
const rounds = size(9, 3);
const featureCount = 18;
const fitRowCount = 256;
const seed = 5;
const random = seededRandom(seed);

const rows = makeRows(rowCount);
const arrays = Array.from({ length: rowCount }, (_, row) => [...rowAt(row)]);
const fitRows = rows.subarray(0, fitRowCount * featureCount);
const { forest } = fitForest(fitRows, featureCount, { seed });
const peerForest = fitPeer();
const python = await startScikitLearn(rows, { rowCount, fitRowCount });

const fits: Contestant[] = [
  { name: "tapwatch", operations: 1, run: () => time(fitOurs) },
  { name: "ml-isolation-forest", operations: 1, run: () => time(() => fitPeer().forest.length) },
  ...python === null ? [] : [
    { name: "scikit-learn", operations: 1, run: () => python.run("fit", 1) },
  ],
];
const scores: Contestant[] = [
  { name: "tapwatch, a row at a time", operations: rowCount, run: () => time(scoreOurs) },
  {
    name: "ml-isolation-forest, a row at a time",
    operations: rowCount,
    run: () => time(scorePeer),
  },
  ...python === null ? [] : [
    {
      name: "scikit-learn, a row at a time",
      operations: callCount,
      run: () => python.run("each", callCount),
      runsMax: 3,
    },
    {
      name: "scikit-learn, all rows in one call",
      operations: rowCount,
      run: () => python.run("all", rowCount),
    },
  ],
];
const fitResults = await takeTurnsWarm(fits, rounds);
const scoreResults = await takeTurnsWarm(scores, rounds, 1);
await python?.stop();

const fitSeconds = fitResults[0].seconds;
const rowsPerSecond = bestRate(scoreResults[0]);
printSection({
  title: "forest: the Isolation Forest alone",
  blocks: [
    `100 trees of ${
      formatCount(fitRowCount)
    } rows of ${featureCount} features (seed ${seed}), and the scores of ${
      formatCount(rowCount)
    } rows; one thread each. ${python?.version ?? "scikit-learn is not installed here."}`,
    timesTable(fitResults, { unit: "fits" }),
    timesTable(scoreResults, { unit: "rows" }),
  ],
  targets: [
    {
      promise: "a row at a time, 100,000 rows/s or more",
      measured: `${formatRate(rowsPerSecond)} rows/s`,
      isMet: rowsPerSecond >= 100_000,
    },
    {
      promise: "fit of 100 x 256 within 30 ms",
      measured: `${formatSeconds(median(fitSeconds))} in the median, ${
        formatSeconds(minimum(fitSeconds))
      } at best`,
      isMet: median(fitSeconds) <= 0.03,
    },
  ],
});

/** Two clusters and a few rows far off. */
function makeRows(count: number): Float64Array {
  return Float64Array.from({ length: count * featureCount }, (_, index) => {
    const row = Math.floor(index / featureCount);
    const center = row % 100 === 99 ? 6 : row % 2;
    return center + (random(1000) + random(1000) + random(1000)) / 3000;
  });
}

function rowAt(row: number): Float64Array {
  return rows.subarray(row * featureCount, (row + 1) * featureCount);
}

function fitOurs(): number {
  return fitForest(fitRows, featureCount, { seed }).forest.treeCount;
}

function scoreOurs(): number {
  let sum = 0;
  for (let at = 0; at < rows.length; at += featureCount) sum += forest.score(rows, at);
  return sum;
}

function fitPeer(): IsolationForest {
  const peer = new IsolationForest({ nEstimators: 100 });
  peer.train(arrays.slice(0, fitRowCount));
  return peer;
}

function scorePeer(): number {
  let sum = 0;
  for (const row of arrays) sum += peerForest.predict([row])[0];
  return sum;
}
