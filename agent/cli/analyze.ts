/**
 * `tapwatch analyze FILE...`: offline, as fast as the machine allows; a report for people or one JSON object. A file that
 * cannot be read does not stand in the way of the others: the report says so, and the exit status is 4 in the end.
 */
import { resolve } from "node:path";
import { CaptureFileReader, captureMemoryBytes } from "../capture/file_reader.ts";
import { checkBlocklists } from "../blocklist_files.ts";
import type { Config } from "../config.ts";
import { CaptureFormatError, UsageError } from "../errors.ts";
import { eveFinding, eveIncident } from "../eve/lines.ts";
import { TrafficLines } from "../eve/traffic_lines.ts";
import type { Log } from "../log.ts";
import { flowRow } from "../flow/flow_row.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { Flow } from "../records.ts";
import { AnalyzeDetection } from "./analyze_detection.ts";
import type { Judgement } from "./analyze_incidents.ts";
import {
  type AnalyzeReport,
  coverageOf,
  type FileReport,
  formatReport,
  makeReport,
  type ReportExtras,
  type UnreadableFile,
} from "./analyze_report.ts";
import { flowCountMax } from "./common_settings.ts";
import { isoTime } from "../text/time.ts";
import { LineWriter } from "./line_writer.ts";
import { ProgressBar } from "./progress.ts";
import { isSameFile } from "./same_file.ts";

const hostsShown = 10;
/** The detectors' thread is started after so many, if it has not been needed before. */
const packetsBeforeDetection = 16_384;

/** Reads the files in the order given, as one stretch of traffic. Throws TapwatchError. */
export async function runAnalyze(config: Config, log: Log): Promise<void> {
  checkOutputs(config);
  checkBlocklists(config.blocklists);
  const detection = new AnalyzeDetection(config, log);
  try {
    await analyze(config, log, detection);
  } finally {
    detection.terminate();
  }
}

async function analyze(config: Config, log: Log, detection: AnalyzeDetection): Promise<void> {
  const startedMs = performance.now();
  const eveLines = config.eveFile === null ? null : new LineWriter(config.eveFile);
  const outputs = {
    flowLines: config.flowsFile === null ? null : new LineWriter(config.flowsFile),
    eveLines,
    eve: eveLines && new TrafficLines((line) => eveLines.write(line)),
  };
  const pipeline = makePipeline(config, outputs, detection);
  const files: FileReport[] = [];
  const unreadable: UnreadableFile[] = [];
  for (const path of config.operands) {
    try {
      files.push(await readFile(path, { pipeline, detection, log, ...outputs }));
    } catch (error) {
      if (!(error instanceof CaptureFormatError) || config.operands.length === 1) throw error;
      log.error(error.message);
      unreadable.push({ path, reason: error.message });
    }
  }
  if (files.length === 0) throw new CaptureFormatError("None of the files could be read.");
  pipeline.finish();
  const finding = detection.finish();
  const totals = pipeline.flowTotals(hostsShown);
  const { joinFindings } = await import("./analyze_incidents.ts");
  const result = await finding;
  const incidents = joinFindings(
    result.findings,
    (address) =>
      totals.busiestHosts.find((host) => host.address === address)?.name ||
      pipeline.hostName(address),
  );
  const found = { ...result, incidents };
  outputs.eve?.finish();
  if (eveLines !== null) writeFound(found, eveLines);
  outputs.flowLines?.close();
  eveLines?.close();
  const wallS = (performance.now() - startedMs) / 1000;
  if (config.flowsFile !== "-" && config.eveFile !== "-") {
    const read = { totals, found, files, unreadable };
    const coverage = coverageOf(pipeline, read);
    const report = makeReport(pipeline, { ...read, coverage, wallS });
    print(config, report, { hosts: totals.busiestHosts, found, coverage });
  }
  if (unreadable.length === 0) return;
  throw new CaptureFormatError(
    `${unreadable.length} of ${config.operands.length} files could not be read; the report is of the others.`,
  );
}

function writeFound({ findings, incidents }: Judgement, lines: LineWriter): void {
  const incidentOf = new Map<number, number>();
  for (const { incident, roles } of incidents) {
    for (const findingId of roles.keys()) incidentOf.set(findingId, incident.id);
  }
  for (const finding of findings) {
    lines.write(eveFinding(finding, incidentOf.get(finding.id) ?? null));
  }
  for (const { incident } of incidents) lines.write(eveIncident(incident));
}

/** Refuses outputs that would overwrite an input, or each other. */
function checkOutputs({ operands, flowsFile, eveFile, isJson }: Config): void {
  const onStdout = [flowsFile === "-" && "--flows", eveFile === "-" && "--eve", isJson && "--json"]
    .filter((name) => name !== false);
  if (onStdout.length > 1) {
    throw new UsageError(`Only one of ${onStdout.join(" and ")} can go to standard output.`);
  }
  if (flowsFile !== null && eveFile !== null && isSamePath(flowsFile, eveFile)) {
    throw new UsageError(`--flows and --eve must be two files, got ${flowsFile} for both.`);
  }
  for (const [option, output] of [["--flows", flowsFile], ["--eve", eveFile]]) {
    if (output === null || !operands.some((path) => isSameFile(path, output!))) continue;
    throw new UsageError(`${option} ${output} would overwrite the capture that is read.`);
  }
}

function isSamePath(a: string, b: string): boolean {
  return resolve(a) === resolve(b) || isSameFile(a, b);
}

function print(
  config: Config,
  report: AnalyzeReport,
  more: ReportExtras,
): void {
  const stdout = new LineWriter("-");
  stdout.write(config.isJson ? JSON.stringify(report, null, 2) : formatReport(report, more));
  stdout.close();
}

interface Outputs {
  readonly flowLines: LineWriter | null;
  readonly eveLines: LineWriter | null;
  readonly eve: TrafficLines | null;
}

function makePipeline(
  { homeNets, vxlanPorts, blocklists }: Config,
  { flowLines, eve }: Outputs,
  { outlet }: AnalyzeDetection,
): Pipeline {
  const wantsFlows = flowLines !== null || eve !== null;
  return new Pipeline({
    flowCountMax,
    captureBytes: captureMemoryBytes,
    rowPolicy: "none",
    homeNets,
    vxlanPorts,
    observesNames: blocklists.length > 0,
    observations: outlet,
    ...(wantsFlows && {
      onFlow: (flow: Flow) => {
        flowLines?.write(flowLine(flow));
        eve?.flow(flow);
      },
    }),
    ...(eve !== null && {
      onSecond: (second) => eve.second(second),
      onDetails: (details, timestampUs, flow) => eve.details(details, timestampUs, flow),
    }),
  });
}

interface Reading extends Outputs {
  readonly pipeline: Pipeline;
  readonly detection: AnalyzeDetection;
  readonly log: Log;
}

async function readFile(
  path: string,
  { pipeline, detection, log, flowLines, eveLines }: Reading,
): Promise<FileReport> {
  const reader = await CaptureFileReader.open(path, {
    memory: pipeline.captureMemory,
    isBlocking: true,
  });
  // Not before there is something to read: a mistyped name costs no file of an earlier analysis.
  flowLines?.open();
  eveLines?.open();
  const progress = new ProgressBar(path);
  const before = {
    packets: pipeline.packets,
    bytes: pipeline.bytes,
    captured: pipeline.capturedBytes,
  };
  const newestBeforeUs = pipeline.span?.newestUs ?? -Infinity;
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      pipeline.process(batch);
      if (pipeline.packets >= packetsBeforeDetection) detection.start();
      if (!detection.outlet.hasRoom) await detection.room();
      progress.update(() => reader.info);
    }
  } finally {
    progress.clear();
    reader.close();
  }
  const { info } = reader;
  for (const warning of info.warnings) log.warning(`${path}: ${warning}`);
  const span = pipeline.takeSpan();
  if (span !== null && span.oldestUs < newestBeforeUs) {
    log.warning(
      `${path} begins before the file read before it has ended: flows and unusual windows may be mixed up. Name files in order of time, or analyze them one by one.`,
    );
  }
  const packets = pipeline.packets - before.packets;
  return {
    path,
    format: info.format,
    linktypes: info.linktypes,
    packets,
    bytes: pipeline.bytes - before.bytes,
    captured_bytes: pipeline.capturedBytes - before.captured,
    first_ts: span === null ? null : isoTime(span.oldestUs),
    last_ts: span === null ? null : isoTime(span.newestUs),
    truncated: info.isTruncated,
    warnings: info.warnings,
  };
}

/** A flow as one JSON line, with the names and values of the `flows` table. */
function flowLine(flow: Flow): string {
  return JSON.stringify(flowRow(flow));
}
