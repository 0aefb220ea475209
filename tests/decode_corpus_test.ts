/**
 * Compares `decode` with tshark on every capture of the corpus that has a reference table. Whatever differs stands in
 * decode_differences.tsv with its reason: a difference that does not, or one listed that is gone, fails the test.
 *
 *     file    packets (3, 7-9 or *)    column (or *)    reason
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { runDecode } from "../agent/cli/decode.ts";
import { TSV_COLUMNS } from "../agent/decode/tsv.ts";
import { CaptureFormatError } from "../agent/errors.ts";

const CORPUS = new URL("../../shared/corpus/", import.meta.url);
const FOLDERS = ["decode", "benign", "attack"];
const LIST = new URL("decode_differences.tsv", import.meta.url);
const PROTOCOL = TSV_COLUMNS.indexOf("protocol");
const NAME_COLUMNS: readonly string[] = ["dns_query", "tls_sni", "http_host"];
/** tshark counts differently (`number`) and names protocols in its own way. */
const UNCOMPARED: readonly string[] = ["number", "protocol"];

/** One cell, or a whole file ("*"), that is not as tshark has it. */
interface Difference {
  readonly file: string;
  readonly packet: string;
  readonly column: string;
  readonly values: string;
}

interface Tally {
  compared: number;
  equal: number;
}

const isCorpusThere = await Deno.stat(CORPUS).then(() => true, () => false);
const note = isCorpusThere ? "" : " (SKIPPED: no ../shared/corpus)";

Deno.test({
  name: `decode says what tshark says of every packet, but for the listed differences${note}`,
  ignore: !isCorpusThere,
  async fn() {
    const tallies = new Map<string, Tally>();
    const found: Difference[] = [];
    for (const reference of listReferences()) {
      found.push(...await compareFile(reference, tallies));
    }
    report(tallies);
    checkShares(tallies);
    checkAgainstList(found);
  },
});

function listReferences(): string[] {
  return FOLDERS.flatMap((folder) =>
    [...Deno.readDirSync(new URL(folder, CORPUS))].map((entry) => `${folder}/${entry.name}`)
  ).filter((path) => /\.tshark\.tsv(\.gz)?$/.test(path)).sort();
}

async function compareFile(
  reference: string,
  tallies: Map<string, Tally>,
): Promise<Difference[]> {
  const file = reference.replace(/\.tshark\.tsv(\.gz)?$/, "");
  const theirs = await readReference(reference);
  const ours = await decodeFile(file);
  if (typeof ours === "string") return [{ file, packet: "*", column: "*", values: ours }];
  const differences: Difference[] = [];
  if (ours.length !== theirs.length) {
    const values = `${ours.length} packets, tshark ${theirs.length}`;
    differences.push({ file, packet: "*", column: "*", values });
  }
  for (let i = 0; i < Math.min(ours.length, theirs.length); i++) {
    compareRow(ours[i], theirs[i], tallies, (column, values) => {
      differences.push({ file, packet: String(i + 1), column, values });
    });
  }
  return differences;
}

async function readReference(path: string): Promise<string[][]> {
  const file = await Deno.open(new URL(path, CORPUS));
  const bytes = path.endsWith(".gz")
    ? file.readable.pipeThrough(new DecompressionStream("gzip"))
    : file.readable;
  const rows = splitRows(await new Response(bytes).text());
  // Rows of pcapng blocks that are no packets.
  return rows.filter((cells) => cells[PROTOCOL] !== "PCAPNG");
}

/** The rows that `decode` prints, or why it refuses the file. */
async function decodeFile(file: string): Promise<string[][] | string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    await runDecode(await findCapture(file), (chunk) => {
      text += decoder.decode(chunk, { stream: true });
    });
  } catch (error) {
    if (error instanceof CaptureFormatError) return error.message;
    throw error;
  }
  return splitRows(text);
}

async function findCapture(file: string): Promise<string> {
  const plain = new URL(file, CORPUS);
  const isPlain = await Deno.stat(plain).then(() => true, () => false);
  return isPlain ? plain.pathname : `${plain.pathname}.gz`;
}

function splitRows(text: string): string[][] {
  return text.split("\n").slice(1, -1).map((line) => line.split("\t"));
}

function compareRow(
  ours: readonly string[],
  theirs: readonly string[],
  tallies: Map<string, Tally>,
  onDifference: (column: string, values: string) => void,
): void {
  TSV_COLUMNS.forEach((column, index) => {
    if (UNCOMPARED.includes(column)) return;
    const own = ours[index] ?? "";
    const their = theirs[index] ?? "";
    if (own !== their) onDifference(column, `${own} | ${their}`);
    if (NAME_COLUMNS.includes(column) && their === "") return;
    const tally = tallies.get(column) ?? { compared: 0, equal: 0 };
    tally.compared++;
    if (own === their) tally.equal++;
    tallies.set(column, tally);
  });
}

function report(tallies: Map<string, Tally>): void {
  for (const [column, { compared, equal }] of tallies) {
    console.log(`${column}: ${equal} of ${compared} equal`);
  }
}

/** The shares that are promised: 99.9 % of packets, and 98 % of those that have a name. */
function checkShares(tallies: Map<string, Tally>): void {
  for (const [column, { compared, equal }] of tallies) {
    const share = equal / compared;
    const promised = NAME_COLUMNS.includes(column) ? 0.98 : 0.999;
    ok(share >= promised, `${column}: ${equal} of ${compared} packets are equal`);
  }
}

function checkAgainstList(found: readonly Difference[]): void {
  const listed = readList();
  const keyed = new Map(found.map((difference) => [keyOf(difference), difference]));
  const unlisted = found.filter((difference) => !listed.has(keyOf(difference)));
  const vanished = [...listed].filter((key) => !keyed.has(key));
  const lines = unlisted.map(({ values, ...cell }) => `${keyOf(cell)}\t${values.slice(0, 100)}`);
  deepStrictEqual({ unlisted: lines, vanished }, { unlisted: [], vanished: [] });
}

function keyOf({ file, packet, column }: Omit<Difference, "values">): string {
  return `${file}\t${packet}\t${column}`;
}

function readList(): Set<string> {
  const keys = new Set<string>();
  for (const [file, packets, column, reason] of splitRows(Deno.readTextFileSync(LIST))) {
    ok(reason !== undefined && reason !== "", `${file}: a difference needs a reason`);
    for (const packet of expandRanges(packets)) keys.add(keyOf({ file, packet, column }));
  }
  return keys;
}

/** "3,7-9" as 3, 7, 8, 9. */
function expandRanges(text: string): string[] {
  if (text === "*") return ["*"];
  return text.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  });
}
