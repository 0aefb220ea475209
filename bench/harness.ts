/**
 * What all benches share: contestants take turns, so that a slow minute of the machine meets all of them; each keeps
 * its times; the minimum, the median and the spread are told. A bench is one program that prints one section of
 * RESULTS.md; `tools/bench.ts` runs them all and puts the sections together.
 */

/** What is measured against what. */
export interface Contestant {
  readonly name: string;
  /** Operations (packets, rows …) that one run does. */
  readonly operations: number;
  /** Does one run and returns how long it took. */
  readonly run: () => Promise<number> | number;
  /** Runs of this one; as many as rounds unless it is too slow for that. */
  readonly runsMax?: number;
  /** Further cells of its row, asked after the last run. */
  readonly cells?: () => readonly string[];
}

/** Times in seconds, in the order of the runs. */
export interface Result {
  readonly contestant: Contestant;
  readonly seconds: readonly number[];
}

/** A figure that the project has promised. */
export interface Target {
  /** What was promised, as "packets/s at least nfpcapd's". */
  readonly promise: string;
  /** What was measured, for people. */
  readonly measured: string;
  /** Null when it could not be measured. */
  readonly isMet: boolean | null;
}

export interface Section {
  readonly title: string;
  /** Paragraphs and tables. */
  readonly blocks: readonly string[];
  readonly targets: readonly Target[];
}

/** True when the sizes are to be small: for whoever works on a bench, not for results. */
export const isQuick = Deno.args.includes("--quick");

/** `full`, or `quick` under `--quick`. */
export function size(full: number, quick: number): number {
  return isQuick ? quick : full;
}

/** Runs every contestant once a round, in turn. Tells on stderr where it stands. */
export async function takeTurns(
  contestants: readonly Contestant[],
  rounds: number,
): Promise<Result[]> {
  const seconds = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      if (round >= (contestant.runsMax ?? rounds)) continue;
      const taken = await contestant.run();
      seconds[index].push(taken);
      console.error(`${round + 1}/${rounds} ${contestant.name}: ${formatSeconds(taken)}`);
    }
  }
  return contestants.map((contestant, index) => ({ contestant, seconds: seconds[index] }));
}

/** As `takeTurns`, after rounds that do not count, so that the compiler has seen the code. */
export async function takeTurnsWarm(
  contestants: readonly Contestant[],
  rounds: number,
  warmUpRounds = 2,
): Promise<Result[]> {
  for (let round = 0; round < warmUpRounds; round++) {
    for (const { run } of contestants) await run();
  }
  return await takeTurns(contestants, rounds);
}

let sink = 0;

/** Seconds that `work` takes. Its result is used, so that nothing of it may be left out. */
export function time(work: () => number): number {
  const startedMs = performance.now();
  sink += work();
  return (performance.now() - startedMs) / 1000;
}

/** As `time`, for work that waits. */
export async function timeAsync(work: () => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  sink += await work();
  return (performance.now() - startedMs) / 1000;
}

export function minimum(values: readonly number[]): number {
  return Math.min(...values);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that so large a share of `values` does not exceed; Infinity without any. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Infinity;
}

/** Operations a second of the fastest run. */
export function bestRate({ contestant, seconds }: Result): number {
  return contestant.operations / minimum(seconds);
}

/** One row a contestant: times, and operations a second of the fastest run. */
export function timesTable(
  results: readonly Result[],
  { unit, headings = [] }: { readonly unit: string; readonly headings?: readonly string[] },
): string {
  return table(
    ["", "runs", "fastest", "median", "spread", `${unit}/s`, ...headings],
    results.map((result) => [
      result.contestant.name,
      String(result.seconds.length),
      formatSeconds(minimum(result.seconds)),
      formatSeconds(median(result.seconds)),
      formatSpread(result.seconds),
      formatRate(bestRate(result)),
      ...result.contestant.cells?.() ?? [],
    ]),
  );
}

/** A Markdown table whose first column is text and the others figures. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = headings.map((_, index) => index === 0 ? "---" : "---:");
  return [line(headings), line(rule), ...rows.map(line)].join("\n");
}

export function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toFixed(2)} s`;
}

/** How much longer than the fastest run the slowest took. */
export function formatSpread(values: readonly number[]): string {
  return `+${Math.round((Math.max(...values) / minimum(values) - 1) * 100)} %`;
}

/** As "2.31 M", "870 k", "12.4"; a dash where the time was too short to tell. */
export function formatRate(rate: number): string {
  if (!Number.isFinite(rate)) return "–";
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(2)} M`;
  return rate >= 1000 ? `${Math.round(rate / 1000)} k` : rate.toPrecision(3);
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

export function formatMb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

/** Prints the section: as JSON for `tools/bench.ts`, else as it will stand in RESULTS.md. */
export function printSection(section: Section): void {
  if (!Number.isFinite(sink)) {
    throw new RangeError("A bench has returned a result that is no number");
  }
  console.log(Deno.args.includes("--json") ? JSON.stringify(section) : sectionText(section));
}

export function sectionText({ title, blocks, targets }: Section): string {
  const parts = [`## ${title}`, ...blocks];
  if (targets.length > 0) parts.push(targetTable(targets));
  return parts.join("\n\n") + "\n";
}

export function targetTable(targets: readonly Target[]): string {
  return table(
    ["target", "measured", ""],
    targets.map(({ promise, measured, isMet }) => [
      promise,
      measured,
      isMet === null ? "not measured" : isMet ? "met" : "**not met**",
    ]),
  );
}
