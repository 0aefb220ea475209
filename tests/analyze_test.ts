/** `tapwatch analyze` through the real program: its report against tshark's, its schema, its files, its memory. */
import { fileURLToPath } from "node:url";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import {
  corpusPath,
  doesCorpusExist,
  readCorpusText,
  readManifest,
} from "../agent/capture/corpus.ts";
import { pcapFile, samplePackets } from "../agent/capture/sample_captures.ts";
import { parseEveLine } from "../agent/eve/testing/suricata_schema.ts";
import { FLOW_COLUMNS } from "../agent/store/schema.ts";
import { writeLargeCapture } from "./large_capture.ts";
import {
  demoCapture,
  missingCommands,
  programCommand,
  runCommand,
  runProgram,
  spawn,
  testWith,
  withFolder,
} from "./program.ts";

const rssMax = 300e6;

interface Totals {
  packets: number;
  bytes: number;
}
type Report = Record<string, never> & {
  readonly files: readonly (Totals & { readonly captured_bytes: number })[];
  readonly protocols: Readonly<Record<string, Totals>>;
  readonly flows: Readonly<Record<string, number>>;
};

async function analyze(args: readonly string[], stdin?: Uint8Array<ArrayBuffer>): Promise<Report> {
  const options = stdin === undefined ? {} : { stdin };
  const { code, stdout, stderr } = await runProgram(["analyze", "--json", ...args], options);
  strictEqual(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Protocols with packets, as the report counts them, of rows of tshark's: length, EtherType, IP protocol. */
function countProtocols(
  rows: readonly { readonly length: number; readonly etherType: string; readonly ip: string }[],
): Record<string, Totals> {
  const names: Readonly<Record<string, string>> = {
    "6": "tcp",
    "17": "udp",
    "1": "icmp",
    "58": "icmpv6",
    "2": "igmp",
    "132": "sctp",
  };
  const totals: Record<string, Totals> = {};
  for (const { length, etherType, ip } of rows) {
    const name = names[ip] ?? (/^0x0+806$/.test(etherType) ? "arp" : "other");
    const total = totals[name] ??= { packets: 0, bytes: 0 };
    total.packets++;
    total.bytes += length;
  }
  return totals;
}

function withPackets(protocols: Readonly<Record<string, Totals>>): Record<string, Totals> {
  return Object.fromEntries(Object.entries(protocols).filter(([, { packets }]) => packets > 0));
}

testWith(missingCommands("tshark"), "analyze counts the demo as tshark does", async () => {
  const fields = ["frame.len", "eth.type", "ip.proto", "ipv6.nxt"];
  const { stdout } = await runCommand([
    "tshark",
    "-nr",
    demoCapture,
    "-Tfields",
    "-Eoccurrence=f",
    ...fields.flatMap((field) => ["-e", field]),
  ]);
  const rows = stdout.trimEnd().split("\n").map((line) => line.split("\t"));
  const expected = countProtocols(rows.map(([length, etherType, ipv4, ipv6]) => ({
    length: Number(length),
    etherType: etherType!,
    // A hop-by-hop header before ICMPv6 (multicast listener reports).
    ip: ipv4 || (ipv6 === "0" ? "58" : ipv6!),
  })));
  const report = await analyze([demoCapture]);
  deepStrictEqual(withPackets(report.protocols), sorted(expected, report.protocols));
  strictEqual(report.packets, rows.length);
});

testWith(
  doesCorpusExist ? "" : "no ../shared/corpus",
  "analyze counts every benign capture of the corpus as tshark does, all in one run",
  async () => {
    const files = (await readManifest()).filter(({ file }) => file.startsWith("benign/"));
    const report = await analyze(files.map(corpusPath));
    const all: { length: number; etherType: string; ip: string }[] = [];
    for (const [index, { file }] of files.entries()) {
      const rows = (await readCorpusText(`${file}.tshark.tsv`)).trimEnd().split("\n").slice(1)
        .map((line) => line.split("\t")).filter((columns) => columns[13] !== "PCAPNG");
      const sum = (column: number) =>
        rows.reduce((total, columns) => total + Number(columns[column]), 0);
      const { packets, bytes, captured_bytes: capturedBytes } = report.files[index]!;
      deepStrictEqual([packets, bytes, capturedBytes], [rows.length, sum(2), sum(3)], file);
      all.push(...rows.map((columns) => ({
        length: Number(columns[2]),
        etherType: columns[4]!,
        ip: isTeredoBubble(columns) ? "59" : columns[9]!,
      })));
    }
    deepStrictEqual(
      withPackets(report.protocols),
      sorted(countProtocols(all), report.protocols),
    );
  },
);

/** RFC 4380 section 2.8: the innermost IP layer is an IPv6 header with nothing in it. */
function isTeredoBubble(columns: readonly string[]): boolean {
  return columns[11] === "3544" && columns[13] === "IPv6";
}

/** `record` in the order of `model`. */
function sorted<T>(record: Record<string, T>, model: object): Record<string, T> {
  const names = Object.keys(model);
  return Object.fromEntries(
    Object.entries(record).sort(([a], [b]) => names.indexOf(a) - names.indexOf(b)),
  );
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

Deno.test("analyze --json has every key of the contract", async () => {
  const report = await analyze([demoCapture]) as Record<string, unknown>;
  const { timing, files, ...rest } = report as Record<string, never>;
  const { first_ts: first, last_ts: last, ...file } = files[0] as Record<string, never>;
  match(first, time);
  match(last, time);
  deepStrictEqual(file, {
    path: demoCapture,
    format: "pcapng",
    linktypes: [1],
    packets: 25_208,
    bytes: file.bytes,
    captured_bytes: file.captured_bytes,
    truncated: false,
    warnings: [],
  });
  deepStrictEqual(Object.keys(rest).sort(), [
    "anomalies",
    "applications",
    "bytes",
    "copies",
    "coverage",
    "decode_stops",
    "duration_s",
    "findings",
    "flows",
    "flows_evicted",
    "incidents",
    "packets",
    "protocols",
    "scans",
    "tool",
    "unread",
    "unreadable",
    "verdict",
  ]);
  deepStrictEqual(rest.coverage, {
    state: "complete",
    packets: 25_208,
    packets_read: 25_208,
    gaps: [],
  });
  const { state, text } = rest.verdict as Record<string, never>;
  strictEqual(state, "found");
  match(text, /^\d+ incidents? of \d+ findings?$/);
  deepStrictEqual(Object.keys(timing).sort(), ["packets_per_s", "wall_s"]);
  deepStrictEqual(Object.keys(rest.decode_stops!).sort(), [
    "malformed",
    "truncated",
    "unsupported",
  ]);
  deepStrictEqual(Object.keys(rest.unread!).sort(), ["packets", "stops"]);
  deepStrictEqual(rest.unreadable, []);
  const { windows, flagged, rate_pct: rate, items } = rest.anomalies! as Record<string, never>;
  ok([windows, flagged, rate].every((value) => typeof value === "number") && Array.isArray(items));
  const { name, version } = rest.tool! as Record<string, string>;
  deepStrictEqual([name, /^\d+\.\d+\.\d+$/.test(version!)], ["tapwatch", true]);
});

Deno.test("analyze --json names the scan in the demo, with every key of the contract", async () => {
  const { scans, findings } = await analyze([demoCapture]) as unknown as Record<
    string,
    Record<string, unknown>[]
  >;
  const scan = scans!.find(({ sources }) => (sources as string[]).includes("192.168.10.57"))!;
  for (const key of ["first_ts", "last_ts", "detected_ts"]) match(String(scan[key]), time, key);
  for (const key of ["source_count", "target_count", "port_count", "attempts", "answered"]) {
    ok(Number.isInteger(scan[key]), key);
  }
  deepStrictEqual([scan.kind, scan.probe, scan.tool], ["vertical", "syn", "nmap"]);
  ok(Array.isArray(scan.targets) && Number(scan.confidence) > 0.5 && Number(scan.confidence) <= 1);
  match(String(scan.ports), /^\d+([-,]\d+)+$/);
  match(String(scan.reason), /^192\.168\.10\.57 .*\w/);
  for (const finding of findings!) {
    match(String(finding.kind), /^(brute_force|flood|reflection|arp_spoof|dns_tunnel|beacon)$/);
    match(String(finding.attack_id), /^T\d{4}/);
    match(String(finding.detected_ts), time);
  }
});

Deno.test("analyze counts every packet in exactly one protocol, and every flow in one transport", async () => {
  const { packets, bytes, protocols, applications, flows } = await analyze([demoCapture]);
  const sum = (of: Readonly<Record<string, Totals>>, key: keyof Totals) =>
    Object.values(of).reduce((total, each) => total + each[key], 0);
  deepStrictEqual([sum(protocols, "packets"), sum(protocols, "bytes")], [packets, bytes]);
  for (const name of ["tcp", "udp", "icmp", "icmpv6", "arp", "igmp", "sctp", "other"]) {
    ok(protocols[name], name);
  }
  for (const name of ["dns", "tls", "http", "quic", "ssh"]) {
    deepStrictEqual(Object.keys(applications[name]!), ["packets", "bytes", "flows"], name);
  }
  ok(sum(applications, "packets") < packets);
  const { total, ...byTransport } = flows;
  strictEqual(Object.values(byTransport).reduce((a, b) => a + b), total);
});

Deno.test("analyze reads plain and packed files and standard input alike", () =>
  withFolder(async (cwd) => {
    const packed = await Deno.readFile(demoCapture);
    const plain = new Uint8Array(gunzipSync(packed));
    await Deno.writeFile(`${cwd}/plain.pcapng`, plain);
    const sources: [string, Uint8Array<ArrayBuffer>?][] = [
      [demoCapture],
      [`${cwd}/plain.pcapng`],
      ["-", plain],
      ["-", packed],
    ];
    const reports: unknown[] = [];
    for (const [path, stdin] of sources) {
      const { timing: _, files, ...report } = await analyze([path], stdin) as Record<string, never>;
      const [{ path: named, ...file }] = files as [Record<string, string>];
      strictEqual(named, path);
      reports.push({ ...report, file });
    }
    for (const report of reports) deepStrictEqual(report, reports[0]);
  }));

Deno.test("analyze says how many packets the capture saw twice", async () => {
  const capture = new URL("fixtures/field/span_port_counts_twice.pcap", import.meta.url).pathname;
  const { stdout } = await runProgram(["analyze", capture]);
  match(
    stdout.replace(/\s+/g, " "),
    / 13 of 26 packets are copies that the capture saw twice \(bridge, `any` or mirror port\)\. Capture one device/,
  );
  strictEqual(stdout.match(/are copies/g)?.length, 1);
});

Deno.test("analyze warns of files that are not in order of time", async () => {
  const { code, stderr } = await runProgram(["analyze", demoCapture, demoCapture]);
  strictEqual(code, 0);
  match(stderr, /begins before the file read before it has ended.*Name files in order of time/);
});

Deno.test("analyze of two files counts both as one stretch of traffic", async () => {
  const once = await analyze([demoCapture]);
  const twice = await analyze([demoCapture, demoCapture]);
  strictEqual(twice.packets, 2 * once.packets);
  deepStrictEqual([twice.files[0], twice.files[1]], [once.files[0], once.files[0]]);
  deepStrictEqual(twice.duration_s, once.duration_s);
  strictEqual(twice.protocols.tcp!.bytes, 2 * once.protocols.tcp!.bytes);
});

Deno.test("analyze --flows writes each flow once, under the names of the flows table", () =>
  withFolder(async (cwd) => {
    const report = await analyze([demoCapture, "--flows", `${cwd}/flows.jsonl`]);
    const text = await Deno.readTextFile(`${cwd}/flows.jsonl`);
    const flows = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    strictEqual(flows.length, report.flows.total);
    strictEqual(new Set(flows.map(({ id }) => id)).size, flows.length);
    for (const flow of flows) deepStrictEqual(Object.keys(flow).sort(), [...FLOW_COLUMNS].sort());
    const tcp = flows.filter(({ proto }) => proto === "tcp");
    strictEqual(tcp.length, report.flows.tcp);
    const packets = tcp.reduce((sum, flow) => sum + flow.orig_pkts + flow.resp_pkts, 0);
    strictEqual(packets, report.protocols.tcp!.packets);
    ok(flows.every(({ vlan_id: vlanId, rtt_us: rtt }) => vlanId === null && rtt !== -1));
    // In the place of the report, for a pipe.
    const { stdout } = await runProgram(["analyze", demoCapture, "--flows", "-"]);
    strictEqual(stdout, text);
  }));

Deno.test("analyze --eve writes lines with the fields of Suricata's", () =>
  withFolder(async (cwd) => {
    const report = await analyze([demoCapture, "--eve", `${cwd}/eve.json`]);
    const lines = (await Deno.readTextFile(`${cwd}/eve.json`)).trimEnd().split("\n")
      .map(parseEveLine);
    const byType = Map.groupBy(lines, ({ event_type: type }) => type);
    deepStrictEqual([...byType.keys()].filter((type) => type !== "anomaly").sort(), [
      "alert",
      "dns",
      "flow",
      "http",
      "stats",
      "tls",
    ]);
    const scan = byType.get("alert")!.find(({ alert }) => / scan$/.test(alert.signature))!;
    deepStrictEqual(
      [scan.src_ip, scan.alert.signature, scan.alert.metadata.mitre_technique_id],
      ["192.168.10.57", "TAPWATCH vertical syn scan", ["T1046"]],
    );
    strictEqual(byType.get("flow")!.length, report.flows.total);
    const { tls } = byType.get("tls")!.find(({ tls }) => tls.sni === "wiki.example.org")!;
    match(tls.ja4, /^t1[23]d/);
    const query = byType.get("dns")!.find(({ dns }) => dns.type === "query")!;
    deepStrictEqual([query.dest_port, query.proto], [53, "UDP"]);
    strictEqual(byType.get("stats")!.at(-1)!.stats.decoder.pkts, report.packets);
    // deno-lint-ignore no-explicit-any
    const { scans, findings, anomalies, incidents } = report as Record<string, any>;
    strictEqual(byType.get("alert")!.length, scans.length + findings.length + incidents.length);
    strictEqual(byType.get("anomaly")!.length, anomalies.items.length);
  }));

Deno.test("analyze prints a report for people", async () => {
  const { code, stdout, stderr } = await runProgram(["analyze", demoCapture]);
  deepStrictEqual([code, stderr], [0, ""]);
  match(stdout, /demo\.pcapng\.gz: pcapng, 25,208 packets, 2026-\S+ to 2026-\S+\n/);
  match(
    stdout,
    /\n\n\d+ incidents? of \d+ findings? \(times are UTC\):\n {2}critical +2026-\S+ \S+ {2}192\.168\.10\.57 /,
  );
  match(stdout, /\n25,208 packets, 6\.85 MB in 7 min 7 s, .* flows\. Read in [\d.]+ s\.\n/);
  match(stdout, /\nProtocol +Packets +Bytes +Share\ntcp +22,981 +6\.67 MB +97\.4 %\n/);
  match(stdout, /\nBusiest hosts +Received +Sent\n/);
  ok(!/sctp|NaN|undefined/.test(stdout), stdout);
  ok(stdout.split("\n").every((line) => line.length <= 140 && line === line.trimEnd()));
});

Deno.test("analyze says first what it could not look at, and gives no all-clear", () =>
  withFolder(async (cwd) => {
    const cases: readonly (readonly [string, number, number, string, RegExp])[] = [
      ["usb.pcap", 189, 60, "unknown", /^None of the 60 packets could be read \(link type 189 /],
      ["empty.pcap", 1, 0, "unknown", /^The capture holds no packet, so there was nothing to look/],
    ];
    for (const [name, linktype, count, state, sentence] of cases) {
      await Deno.writeFile(`${cwd}/${name}`, pcapFile(samplePackets(count), { linktype }));
      const { stdout } = await runProgram(["analyze", name], { cwd });
      const [, first] = stdout.split("\n\n");
      match(first!, sentence);
      ok(!/[Nn]othing suspicious/.test(stdout), stdout);
      const report = JSON.parse((await runProgram(["analyze", "--json", name], { cwd })).stdout);
      strictEqual(report.verdict.state, state);
      match(report.verdict.text, sentence);
      strictEqual(report.coverage.state, "none");
    }
  }));

Deno.test("a reader that goes away ends analyze and decode quietly", async () => {
  for (const args of [["analyze", demoCapture, "--flows", "-"], ["decode", demoCapture]]) {
    const child = spawn(programCommand(args), {});
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const stderr = await new Response(child.stderr).text();
    deepStrictEqual([(await child.status).code, stderr], [0, ""]);
  }
});

testWith(
  Deno.build.os === "linux" ? "" : "needs /proc",
  "analyze holds less than 300 MB on 400,000 packets",
  () =>
    withFolder(async (cwd) => {
      const packets = await writeLargeCapture(`${cwd}/large.pcap`, 16);
      const here = import.meta.url;
      const code = `import { runAnalyze } from "${new URL("../agent/cli/analyze.ts", here)}";
        import { parseConfig } from "${new URL("../agent/config.ts", here)}";
        import { Log } from "${new URL("../agent/log.ts", here)}";
        const sources = { env: {}, readTextFile: Deno.readTextFileSync, exists: () => false };
        const args = ["analyze", "--json", "large.pcap"];
        await runAnalyze(parseConfig(args, sources), new Log({ level: "info", format: "text" }));
        console.error(/VmHWM:\\s+(\\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))[1]);`;
      const { code: status, stdout, stderr } = await runCommand(
        [
          Deno.execPath(),
          "eval",
          "--no-lock",
          "--config",
          fileURLToPath(new URL("../deno.json", here)),
          code,
        ],
        { cwd },
      );
      strictEqual(status, 0, stderr);
      strictEqual(JSON.parse(stdout).packets, packets);
      ok(Number(stderr) * 1024 < rssMax, `${stderr} kB were held`);
    }),
);
