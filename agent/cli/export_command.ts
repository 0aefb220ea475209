/** `tapwatch export KIND`: rows of the database, or a slice of the capture ring, to stdout. */
import type { Config } from "../config.ts";
import { RunError, UsageError } from "../errors.ts";
import { SearchError } from "../search/search_error.ts";
import { GeoHost } from "./geo_host.ts";
import { StoreQueries } from "../store/queries.ts";
import { readHere } from "../store/reader.ts";
import { EXPORT_KINDS, type ExportKind, runExport, searchRefusal } from "./export.ts";
import { databasePath, reasonOf } from "./results_folder.ts";
import { NothingFoundError, openRingSlice, readRingSearch } from "./ring_export.ts";
import { writeToStdout } from "./stdout.ts";

/** Throws UsageError and RunError. */
export async function runExportCommand(config: Config): Promise<void> {
  const [kind] = config.operands;
  await readGeoFiles(config);
  if (kind === "pcap") return await exportRing(config);
  if (!EXPORT_KINDS.includes(kind as ExportKind)) {
    throw new UsageError(
      `Cannot export ${JSON.stringify(kind)}. Kinds: ${EXPORT_KINDS.join(", ")}, pcap.`,
    );
  }
  const encoder = new TextEncoder();
  // The header waits for the database's first answer: a failed export has no output at all.
  let held = "";
  await runExport(
    kind as ExportKind,
    {
      format: config.exportFormat,
      resultsDir: config.resultsFolder,
      q: config.filter,
      ...range(config),
    },
    (text) => {
      if (held !== "") writeToStdout(encoder.encode(held));
      held = text;
    },
  );
  writeToStdout(encoder.encode(held));
}

/** Where the search needs them, or they were given. */
async function readGeoFiles({ geoFiles, filter }: Config): Promise<void> {
  if (geoFiles.length === 0 && !/\b(country|asn)\b/i.test(filter)) return;
  await new GeoHost({ paths: geoFiles, onWarning: (text) => console.error(text) }).start();
}

async function exportRing(config: Config): Promise<void> {
  if (Deno.stdout.isTerminal()) {
    throw new UsageError(
      "export pcap writes a capture file to stdout: add > slice.pcap, or pipe it on.",
    );
  }
  const slice = await openSlice(config);
  for await (const piece of slice) writeToStdout(piece);
}

async function openSlice(config: Config) {
  const { resultsFolder, filter, fromUs, toUs, vxlanPorts } = config;
  const queries = new StoreQueries(databasePath(resultsFolder));
  try {
    return openRingSlice({
      folder: resultsFolder,
      fromUs,
      toUs,
      filter: await readRingSearch(readHere(queries), filter, range(config)),
      vxlanPorts,
    });
  } catch (error) {
    if (error instanceof SearchError) throw searchRefusal(error, filter);
    if (error instanceof UsageError) throw error;
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    if (error instanceof NothingFoundError) throw new RunError(error.message, { cause: error });
    throw new RunError(
      `Cannot read the capture files in ${resultsFolder}: ${reasonOf(error)}.`,
      { cause: error },
    );
  } finally {
    queries.close();
  }
}

function range({ fromUs, toUs }: Config) {
  return { ...(fromUs !== null && { fromUs }), ...(toUs !== null && { toUs }) };
}
