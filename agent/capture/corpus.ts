/** The corpus of captures beside the repository, for tests; they skip themselves where it is not there. */

const corpusUrl = new URL("../../../shared/corpus/", import.meta.url);

export interface CorpusFile {
  /** Path of the unpacked capture in the corpus. */
  readonly file: string;
  readonly isPacked: boolean;
  readonly packets: number;
  readonly contains: string;
}

export const doesCorpusExist = isThere("manifest.tsv");

export async function readManifest(): Promise<CorpusFile[]> {
  const lines = (await readCorpusText("manifest.tsv")).trim().split("\n").slice(1);
  return lines.map((line) => line.split("\t")).map((columns) => ({
    file: columns[0],
    isPacked: columns[1] === "gz",
    packets: Number(columns[6]),
    contains: columns[11],
  }));
}

/** Path of the capture as it is stored, which may be gzip. */
export function corpusPath({ file, isPacked }: CorpusFile): string {
  return new URL(isPacked ? `${file}.gz` : file, corpusUrl).pathname;
}

/** Text of a file of the corpus, unpacked when it is stored packed. */
export async function readCorpusText(file: string): Promise<string> {
  if (isThere(file)) return await Deno.readTextFile(new URL(file, corpusUrl));
  const packed = await Deno.open(new URL(`${file}.gz`, corpusUrl));
  return await new Response(packed.readable.pipeThrough(new DecompressionStream("gzip"))).text();
}

function isThere(file: string): boolean {
  try {
    return Deno.statSync(new URL(file, corpusUrl)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
