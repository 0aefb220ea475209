/** A flood that nothing answers, from as many sources as packets: what it leaves in the database, what is lost, how long nothing is told. */
import { DatabaseSync } from "node:sqlite";
import { pcapFile } from "../agent/capture/sample_captures.ts";
import { Prng } from "../agent/detect/common/prng.ts";
import { FLOODS, setSource } from "../tests/faults/floods.ts";
import { formatCount, formatMb, isQuick, type Section, size, table } from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { executableNote, tapwatchVariants } from "./programs.ts";
import { allDropsOf, countedOf, delay, sumOf, withTapwatch } from "./running.ts";

const seconds = size(30, 5);
/** More than the flow table holds, so that sources come anew. */
const sources = size(1_000_000, 50_000);
/** That of decision 0024, flow rows alone; and what blinded the program once. */
const loads = [
  { rate: 20_000, options: ["--log-packets", "none"] },
  { rate: 142_000, options: [] },
];
/** Flows end after a minute without a packet, or when the table is full. */
const afterMs = size(70_000, 5_000);
const pollMs = 250;
const title = "run: a flood that nothing answers";
const promises = [
  "20,000 SYN/s leave at most 30 rows of flows for each second (20,000 when each flow had one)",
  "142,000 SYN/s: counters never stand still for 3 s, and each packet counted or a drop",
];

interface Run {
  readonly rate: number;
  readonly sent: number;
  readonly counted: number;
  readonly drops: number;
  readonly shed: number;
  readonly flows: number;
  readonly rows: number;
  readonly databaseBytes: number;
  /** Longest that the counter of packets stayed as it was while packets came. */
  readonly silentMs: number;
  readonly behindS: number;
}

await printLive({ title, promises }, benchFlood);

async function benchFlood(sender: Sender): Promise<Section> {
  const path = await Deno.makeTempFile({ prefix: "tapwatch-bench-", suffix: ".pcap" });
  try {
    await writeFlood(path);
    const runs: Run[] = [];
    for (const load of loads) runs.push(await flood(sender, path, load));
    return sectionOf(runs);
  } finally {
    await Deno.remove(path);
  }
}

async function writeFlood(path: string): Promise<void> {
  const prng = new Prng(7);
  const kind = FLOODS["SYN over IPv4"]!;
  const packets = Array.from({ length: sources }, () => {
    const data = kind.make(prng);
    setSource(data, kind, prng);
    return { seconds: 1_700_000_000, nanosecond: 0, data };
  });
  await Deno.writeFile(path, pcapFile(packets));
}

async function flood(
  sender: Sender,
  path: string,
  { rate, options }: typeof loads[number],
): Promise<Run> {
  const [tapwatch] = tapwatchVariants();
  return await withTapwatch(tapwatch!, options, async (running, results) => {
    await running.untilCapturing();
    const sending = sender.sendFor(path, rate, seconds);
    let [counted, changedMs, silentMs, behindS] = [0, performance.now(), 0, 0];
    let isSending = true;
    const sent = sending.finally(() => isSending = false);
    while (isSending) {
      const metrics = await running.metrics();
      const now = performance.now();
      // tcpreplay reads the whole file before it begins.
      if (counted === 0 || countedOf(metrics) !== counted) changedMs = now;
      counted = countedOf(metrics);
      silentMs = Math.max(silentMs, now - changedMs);
      behindS = Math.max(behindS, metrics.get("tapwatch_behind_seconds") ?? 0);
      await delay(pollMs);
    }
    const { packets } = await sent;
    await delay(afterMs);
    const metrics = await running.metrics();
    return {
      rate,
      sent: packets,
      counted: countedOf(metrics),
      drops: allDropsOf(metrics),
      shed: sumOf(metrics, /^tapwatch_rows_shed_total/),
      ...stored(`${results}/packet_logs.db`),
      silentMs,
      behindS,
    };
  });
}

/** Rows of flows, the flows that they are, and bytes of the database with its log. */
function stored(path: string): Pick<Run, "rows" | "flows" | "databaseBytes"> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const { rows, flows } = database.prepare(
      "SELECT count(*) AS rows, ifnull(sum(ifnull(summed_flows, 1)), 0) AS flows FROM flows",
    ).get()!;
    const databaseBytes = [path, `${path}-wal`].reduce(
      (sum, file) => sum + Deno.statSync(file).size,
      0,
    );
    return { rows: Number(rows), flows: Number(flows), databaseBytes };
  } finally {
    database.close();
  }
}

function sectionOf(runs: readonly Run[]): Section {
  const [usual, fast] = runs as [Run, Run];
  const rowsPerSecond = usual.rows / seconds;
  const isWhole = fast.counted + fast.drops >= fast.sent;
  const isTold = fast.silentMs < 3000;
  return {
    title,
    blocks: [
      `SYN packets to one port, each of ${
        formatCount(sources)
      } sources in turn, sent by tcpreplay for ${seconds} s over a veth pair ` +
      "to tapwatch with its defaults, at 20,000/s without packet rows. Rows are counted when all flows have ended; the database, with its log of up to 16 MB, has " +
      "65,536 hosts at the most.",
      table(
        ["packets/s", "sent", "counted", "drops", "rows shed", "flows", "rows of flows", "database"]
          .concat("longest silence", "behind at most"),
        runs.map((run) => [
          formatCount(run.rate),
          ...[run.sent, run.counted, run.drops, run.shed, run.flows, run.rows].map(formatCount),
          formatMb(run.databaseBytes),
          `${Math.round(run.silentMs)} ms`,
          `${run.behindS.toFixed(1)} s`,
        ]),
      ),
      ...executableNote(),
    ],
    targets: [
      {
        promise: promises[0]!,
        measured: `${Math.round(rowsPerSecond)} rows`,
        isMet: isQuick ? null : rowsPerSecond <= 30,
      },
      {
        promise: promises[1]!,
        measured: `${Math.round(fast.silentMs)} ms; ${
          formatCount(fast.sent - fast.counted - fast.drops)
        } unaccounted for`,
        isMet: isQuick ? null : isWhole && isTold,
      },
    ],
  };
}
