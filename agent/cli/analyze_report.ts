/** The report of `analyze`: as the JSON object of the contract, and as text for people. */
import { formatCount } from "../text/amounts.ts";
import type { FlowTotals, Pipeline } from "../pipeline/pipeline.ts";
import type {
  ApplicationTotals,
  DecodeStop,
  HostTotals,
  PipelineSnapshot,
  ProtocolTotals,
} from "../records.ts";
import {
  copiesNote,
  type Coverage,
  type CoverageVerdict,
  judgeCoverage,
  verdictOn,
} from "../coverage.ts";
import { VERSION } from "../version.ts";
import type { Judgement } from "./analyze_incidents.ts";
import {
  findingBlock,
  type FindingReport,
  foundText,
  makeFindingReport,
} from "./analyze_findings.ts";

/** One file of the report; times are ISO 8601, null without a packet. */
export interface FileReport {
  readonly path: string;
  readonly format: "pcap" | "pcapng";
  readonly linktypes: readonly number[];
  readonly packets: number;
  readonly bytes: number;
  readonly captured_bytes: number;
  readonly first_ts: string | null;
  readonly last_ts: string | null;
  readonly truncated: boolean;
  readonly warnings: readonly string[];
}

/** A file that was named and could not be read; `reason` is a sentence. */
export interface UnreadableFile {
  readonly path: string;
  readonly reason: string;
}

/** The object of `analyze --json`; names are the contract's. */
export interface AnalyzeReport extends FindingReport {
  readonly tool: { readonly name: string; readonly version: string };
  /** What the text says first. */
  readonly verdict: CoverageVerdict;
  /** What was not looked at, and so what "nothing found" does not mean. */
  readonly coverage: {
    readonly state: Coverage["state"];
    readonly packets: number;
    readonly packets_read: number;
    readonly gaps: readonly object[];
  };
  readonly files: readonly FileReport[];
  readonly unreadable: readonly UnreadableFile[];
  readonly packets: number;
  readonly bytes: number;
  readonly duration_s: number;
  readonly protocols: Readonly<Record<string, ProtocolTotals>>;
  readonly applications: Readonly<Record<string, ApplicationTotals>>;
  readonly decode_stops: PipelineSnapshot["decodeStops"];
  /** Packets not decoded to the end, by place and reason; `packets` are those of which nothing was seen, see DecodeStop. */
  readonly unread: { readonly packets: number; readonly stops: readonly DecodeStop[] };
  readonly flows: Readonly<Record<string, number>>;
  /** Ended early because the flow table was full. */
  readonly flows_evicted: number;
  /** Packets that were copies of others, which a bridge, `any` or a mirror port gave twice. */
  readonly copies: number;
  readonly timing: { readonly wall_s: number; readonly packets_per_s: number };
}

/** Always in the report, so that scripts need not ask whether they are there. */
const protocolsListed = ["tcp", "udp", "icmp", "icmpv6", "arp", "igmp", "sctp", "other"];
const applicationsListed = ["dns", "tls", "http", "quic", "ssh"];

/** What was read, and what was found in it. */
export interface Read {
  readonly totals: FlowTotals;
  readonly found: Judgement;
  readonly files: readonly FileReport[];
  readonly unreadable: readonly UnreadableFile[];
}

/** The report of all that went through the pipeline. */
export function makeReport(
  pipeline: Pipeline,
  { totals, found, files, unreadable, coverage, wallS }: Read & {
    readonly coverage: Coverage;
    readonly wallS: number;
  },
): AnalyzeReport {
  const { span } = pipeline;
  return {
    tool: { name: "tapwatch", version: VERSION },
    verdict: verdictOn(coverage, foundText(found)),
    coverage: {
      state: coverage.state,
      packets: coverage.packets,
      packets_read: coverage.packetsRead,
      gaps: coverage.gaps.map(({ isGrave, ...gap }) => ({ ...gap, is_grave: isGrave })),
    },
    files,
    unreadable,
    packets: pipeline.packets,
    bytes: pipeline.bytes,
    duration_s: span === null ? 0 : (span.newestUs - span.oldestUs) / 1e6,
    protocols: {
      ...same(protocolsListed, { packets: 0, bytes: 0 }),
      ...pipeline.protocolTotals(),
    },
    applications: {
      ...same(applicationsListed, { packets: 0, bytes: 0, flows: 0 }),
      ...totals.applications,
    },
    decode_stops: pipeline.decodeStops(),
    unread: { packets: pipeline.unreadPackets, stops: pipeline.decodeStopList() },
    flows: { total: totals.flowsTotal, tcp: 0, udp: 0, ...totals.flows },
    flows_evicted: totals.flowsEvicted,
    copies: totals.copies,
    ...makeFindingReport(found),
    timing: {
      wall_s: Math.round(wallS * 1e6) / 1e6,
      packets_per_s: wallS > 0 ? Math.round(pipeline.packets / wallS) : 0,
    },
  };
}

/** What was not looked at of what went through the pipeline. */
export function coverageOf(
  pipeline: Pipeline,
  { totals, found, files, unreadable }: Read,
): Coverage {
  return judgeCoverage({
    isFile: true,
    packets: pipeline.packets,
    unreadPackets: pipeline.unreadPackets,
    decodeStopList: pipeline.decodeStopList(),
    detection: found.state,
    observationsShed: 0,
    rowsShed: 0,
    flowsEvicted: totals.flowsEvicted,
    copies: totals.copies,
    isOneWay: found.state?.isOneWay ?? false,
    files: {
      named: files.length + unreadable.length,
      unreadable: unreadable.length,
      cut: files.filter(({ truncated }) => truncated).length,
    },
  });
}

/** A record with the same value under each name. */
function same<T>(names: readonly string[], value: T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

/** What the text says besides the report. */
export interface ReportExtras {
  readonly found: Judgement;
  readonly hosts: readonly HostTotals[];
  readonly coverage: Coverage;
}

/** The report for people: what was read and found, what it is made of, who talked most, what went wrong. */
export function formatReport(
  report: AnalyzeReport,
  { hosts, found, coverage }: ReportExtras,
): string {
  const blocks = [
    ...report.files.map(fileBlock),
    findingBlock(found, coverage),
    summary(report),
    shareTable("Protocol", report.protocols, report.bytes),
    shareTable("Application", report.applications, report.bytes),
    talkers(hosts),
    stops(report),
    evictions(report),
    copiesNote(coverage),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function fileBlock(file: FileReport): string {
  const when = file.first_ts === null ? "no packets" : `${file.first_ts} to ${file.last_ts}`;
  const lines = [`${file.path}: ${file.format}, ${formatCount(file.packets)} packets, ${when}`];
  if (file.truncated) lines.push("  The end of the file is cut off; what came before is counted.");
  return lines.join("\n");
}

function summary(report: AnalyzeReport): string {
  const bitsPerS = report.duration_s > 0 ? report.bytes * 8 / report.duration_s : 0;
  const rate = bitsPerS > 0 ? `, ${scaled(bitsPerS, "bit/s")} on average` : "";
  return `${formatCount(report.packets)} packets, ${scaled(report.bytes, "B")} in ${
    duration(report.duration_s)
  }${rate}, ` +
    `${formatCount(report.flows.total)} flows. Read in ${report.timing.wall_s.toFixed(2)} s.`;
}

function shareTable(
  title: string,
  totals: Readonly<Record<string, ProtocolTotals>>,
  bytesOfAll: number,
): string {
  const rows = Object.entries(totals).filter(([, { packets }]) => packets > 0)
    .sort(([, a], [, b]) => b.bytes - a.bytes);
  if (rows.length === 0) return "";
  return table(
    [title, "Packets", "Bytes", "Share"],
    rows.map(([name, { packets, bytes }]) => [
      name,
      formatCount(packets),
      scaled(bytes, "B"),
      `${(bytesOfAll > 0 ? bytes / bytesOfAll * 100 : 0).toFixed(1)} %`,
    ]),
  );
}

function talkers(hosts: readonly HostTotals[]): string {
  if (hosts.length === 0) return "";
  return table(
    ["Busiest hosts", "Received", "Sent"],
    hosts.map((host) => [
      host.name ? `${clipped(host.name)} (${host.address})` : host.address,
      scaled(host.inBytes, "B"),
      scaled(host.outBytes, "B"),
    ]),
  );
}

/** A name may have thousands of characters. */
function clipped(name: string): string {
  return name.length > 60 ? `${name.slice(0, 59)}…` : name;
}

const stopsShown = 5;

function stops(
  { decode_stops: { truncated, malformed, unsupported }, unread }: AnalyzeReport,
): string {
  const parts = [
    truncated > 0 ? `${formatCount(truncated)} cut off by the capture` : "",
    malformed > 0 ? `${formatCount(malformed)} malformed` : "",
    unsupported > 0
      ? `${formatCount(unsupported)} with a protocol that tapwatch does not read`
      : "",
  ].filter((part) => part !== "");
  if (parts.length === 0) return "";
  const places = unread.stops.slice(0, stopsShown).map(({ name, reason, packets }) =>
    `  ${formatCount(packets)} ${reason === "unsupported" ? "not read" : reason}: ${name}`
  );
  const more = unread.stops.length - places.length;
  if (more > 0) places.push(`  and ${more} other reasons`);
  return [`Packets not decoded to the end: ${parts.join(", ")}.`, ...places].join("\n");
}

function evictions({ flows_evicted }: AnalyzeReport): string {
  return flows_evicted === 0
    ? ""
    : `Flows ended early because the table was full: ${formatCount(flows_evicted)}.`;
}

/** First column left, the others right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
    ).join("  ").trimEnd()
  ).join("\n");
}

/** Three significant digits with an SI prefix. */
function scaled(value: number, unit: string): string {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  const power = Math.min(5, value >= 1000 ? Math.floor(Math.log10(value) / 3) : 0);
  return `${Number((value / 1000 ** power).toPrecision(3))} ${prefixes[power]}${unit}`;
}

/** At most two units. */
function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const units: [number, string][] = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => seconds >= size);
  const [size, unit] = units[first];
  const whole = Math.floor(seconds / size);
  const next = units[first + 1];
  if (!next) return `${Number(seconds.toPrecision(3))} s`;
  const rest = Math.floor((seconds - whole * size) / next[0]);
  return rest > 0 ? `${whole} ${unit} ${rest} ${next[1]}` : `${whole} ${unit}`;
}
