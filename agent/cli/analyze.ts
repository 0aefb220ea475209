/** `tapwatch analyze FILE...`: offline, as fast as the machine allows; a report for people or one JSON object. */
import { CaptureFileReader } from "../capture/file_reader.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { Flow, PacketBatch } from "../records.ts";
import { VERSION } from "../version.ts";
import { type AnalyzeReport, type FileReport, formatReport } from "./analyze_text.ts";
import { eveDetails, eveFlow, eveStats } from "./eve.ts";
import { LineWriter } from "./line_writer.ts";
import { ProgressBar } from "./progress.ts";
import { flowCountMax } from "./supervisor.ts";
import { isoTime } from "./time_text.ts";

/** Reads the files in the order given, as one stretch of traffic. Throws CaptureFormatError, RunError. */
export async function runAnalyze(config: Config, log: Log): Promise<void> {
  const startedMs = performance.now();
  const flowLines = config.flowsFile === null ? null : new LineWriter(config.flowsFile);
  const eveLines = config.eveFile === null ? null : new LineWriter(config.eveFile);
  const pipeline = makePipeline(flowLines, eveLines);
  const files: FileReport[] = [];
  for (const path of config.operands) files.push(await readFile(path, pipeline, log));
  pipeline.finish();
  flowLines?.close();
  eveLines?.close();
  const report = makeReport(pipeline, files, (performance.now() - startedMs) / 1000);
  const stdout = new LineWriter("-");
  stdout.write(config.isJson ? JSON.stringify(report, null, 2) : formatReport(report, pipeline));
  stdout.close();
}

function makePipeline(flowLines: LineWriter | null, eveLines: LineWriter | null): Pipeline {
  const wantsFlows = flowLines !== null || eveLines !== null;
  return new Pipeline({
    flowCountMax,
    rowPolicy: "none",
    ...(wantsFlows && {
      onFlow: (flow: Flow) => {
        flowLines?.write(flowLine(flow));
        eveLines?.write(eveFlow(flow));
      },
    }),
    ...(eveLines !== null && {
      onSecond: (second) => eveLines.write(eveStats(second)),
      onDetails: (details, timestampUs, flow) => {
        const line = eveDetails(details, timestampUs, flow());
        if (line !== null) eveLines.write(line);
      },
    }),
  });
}

async function readFile(path: string, pipeline: Pipeline, log: Log): Promise<FileReport> {
  const reader = await CaptureFileReader.open(path);
  const progress = new ProgressBar(path);
  const before = {
    packets: pipeline.packets,
    bytes: pipeline.bytes,
    captured: pipeline.capturedBytes,
  };
  const span = { firstUs: Infinity, lastUs: -Infinity };
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      pipeline.process(batch);
      widen(span, batch);
      progress.update(reader.info.bytesRead, reader.info.sizeBytes, reader.info.packets);
    }
  } finally {
    progress.clear();
    reader.close();
  }
  const { info } = reader;
  for (const warning of info.warnings) log.warning(`${path}: ${warning}`);
  const packets = pipeline.packets - before.packets;
  return {
    path,
    format: info.format,
    linktypes: info.linktypes,
    packets,
    bytes: pipeline.bytes - before.bytes,
    captured_bytes: pipeline.capturedBytes - before.captured,
    first_ts: packets > 0 ? isoTime(span.firstUs) : null,
    last_ts: packets > 0 ? isoTime(span.lastUs) : null,
    truncated: info.isTruncated,
    warnings: info.warnings,
  };
}

function widen(span: { firstUs: number; lastUs: number }, batch: PacketBatch): void {
  const { timestampsUs, count } = batch;
  for (let index = 0; index < count; index++) {
    const timestampUs = timestampsUs[index];
    if (timestampUs < span.firstUs) span.firstUs = timestampUs;
    if (timestampUs > span.lastUs) span.lastUs = timestampUs;
  }
}

function makeReport(
  pipeline: Pipeline,
  files: readonly FileReport[],
  wallS: number,
): AnalyzeReport {
  const { span } = pipeline;
  return {
    tool: { name: "tapwatch", version: VERSION },
    files,
    packets: pipeline.packets,
    bytes: pipeline.bytes,
    duration_s: span === null ? 0 : (span.newestUs - span.oldestUs) / 1e6,
    protocols: pipeline.protocolTotals(),
    applications: pipeline.applicationTotals(),
    decode_stops: pipeline.decodeStops(),
    flows: { total: pipeline.flowsTotal, ...pipeline.flowTotals() },
    scans: [],
    anomalies: { windows: 0, flagged: 0, rate_pct: 0, items: [] },
    findings: [],
    timing: {
      wall_s: Math.round(wallS * 1e6) / 1e6,
      packets_per_s: wallS > 0 ? Math.round(pipeline.packets / wallS) : 0,
    },
  };
}

const columnNames = new Map<string, string>();

/** A flow as one JSON line under the column names of the `flows` table. */
function flowLine(flow: Flow): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(flow).map(([key, value]) => [columnName(key), value])),
  );
}

function columnName(key: string): string {
  let name = columnNames.get(key);
  if (name === undefined) {
    name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    columnNames.set(key, name);
  }
  return name;
}
