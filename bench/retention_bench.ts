/** How long what makes room in the database holds its writer up: rows that are too old, too many bytes, pages given back, roll-ups. */
import { DatabaseSync } from "node:sqlite";
import { Retention } from "../agent/store/retention.ts";
import { flow, many, openWriter, rows, startUs } from "../agent/store/testing.ts";
import { formatCount, formatMb, percentile, printSection, size, table } from "./harness.ts";

const dayUs = 86_400_000_000;
const batchRows = 2000;
const batches = size(250, 10);
const promise = "retention and vacuum hold a writer up for 100 ms at most";

interface Calls {
  readonly what: string;
  readonly ms: readonly number[];
  readonly rowsDeleted: number;
}

const folder = await Deno.makeTempDir({ prefix: "tapwatch-bench-" });
try {
  const path = `${folder}/packet_logs.db`;
  fill(path);
  const fileBytes = Deno.statSync(path).size;
  const calls = [
    repeat(
      path,
      "too many roll-ups",
      { retentionBytes: 4e6 },
      (retention) => {
        retention.beginTrim();
        retention.trimRollups();
      },
    ),
    repeat(path, "too many bytes, and pages given back", {
      retentionBytes: Math.floor(fileBytes / 2),
    }, (retention) => retention.makeRoom(2000)),
    repeat(
      path,
      "rows that are too old",
      { retentionDays: 1 },
      (retention) => retention.deleteOld(startUs + 3 * dayUs),
    ),
  ];
  const longestMs = Math.max(...calls.flatMap(({ ms }) => ms));
  printSection({
    title: "retention: how long it holds a writer up",
    blocks: [
      `A database of ${formatMb(fileBytes)} with ${
        formatCount(batches * batchRows)
      } flows of as many ` +
      "hosts and their roll-ups, asked again and again to make room, as between two batches.",
      table(
        ["", "calls", "rows deleted", "p50", "p99", "longest"],
        calls.map(({ what, ms, rowsDeleted }) => [
          what,
          formatCount(ms.length),
          formatCount(rowsDeleted),
          ...[percentile(ms, 0.5), percentile(ms, 0.99), Math.max(...ms)].map((one) =>
            `${one.toFixed(1)} ms`
          ),
        ]),
      ),
    ],
    targets: [{ promise, measured: `${longestMs.toFixed(0)} ms`, isMet: longestMs <= 100 }],
  });
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Flows of twenty a second, each of a source of its own. */
function fill(path: string): void {
  const writer = openWriter(path, { retentionBytes: 1e11 });
  for (let batch = 0; batch < batches; batch++) {
    const flows = many(batchRows, (index) => {
      const id = batch * batchRows + index + 1;
      const atUs = startUs + id * 50_000;
      const origH = `10.${id >> 16 & 255}.${id >> 8 & 255}.${id & 255}`;
      return flow(id, { startUs: atUs, endUs: atUs, origH });
    });
    writer.write(rows({ flows }));
  }
  writer.close();
}

/** Calls until some in a row delete nothing: roll-ups are counted first. */
function repeat(
  path: string,
  what: string,
  options: { readonly retentionDays?: number; readonly retentionBytes?: number },
  call: (retention: Retention) => void,
): Calls {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000");
  let rowsDeleted = 0;
  const retention = new Retention(
    database,
    { retentionDays: 1e5, retentionBytes: 1e11, ...options },
    (_, rows) => rowsDeleted += rows,
  );
  const ms: number[] = [];
  for (let idle = 0; idle < 6 && ms.length < size(500, 20);) {
    const before = rowsDeleted;
    const beganMs = performance.now();
    call(retention);
    ms.push(performance.now() - beganMs);
    idle = rowsDeleted === before ? idle + 1 : 0;
  }
  database.close();
  return { what, ms, rowsDeleted };
}
