import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { ethernet, filler, ipv4, udp } from "../decode/packet_builder.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { batchOf } from "../pipeline/testing.ts";
import { coverageOf, formatReport, makeReport } from "./analyze_report.ts";

/** The report of frames that a flow table with room for three has taken, and its text. */
function reportOf(frames: readonly Uint8Array[]) {
  const pipeline = new Pipeline({ flowCountMax: 3, rowPolicy: "none" });
  frames.forEach((bytes, index) => {
    pipeline.process(batchOf([{ timestampUs: 1e15 + index, bytes }]));
  });
  pipeline.finish();
  const found = { findings: [], leftOutCount: 0, state: null, incidents: [] };
  const totals = pipeline.flowTotals(10);
  const read = { totals, found, files: [], unreadable: [] };
  const coverage = coverageOf(pipeline, read);
  const report = makeReport(pipeline, { ...read, coverage, wallS: 1 });
  return { report, text: formatReport(report, { hosts: totals.busiestHosts, found, coverage }) };
}

/** A packet of each of so many flows. */
function flows(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const datagram = udp({ source: 4000 + index, destination: 5000 }, filler(20));
    return ethernet(0x0800, ipv4({ protocol: 17 }, datagram));
  });
}

Deno.test("the report of analyze says when the flow table was too small for the file", () => {
  const few = reportOf(flows(3));
  strictEqual(few.report.flows_evicted, 0);
  doesNotMatch(few.text, /ended early/);
  const many = reportOf(flows(5));
  strictEqual(many.report.flows_evicted, 2);
  match(many.text, /Flows ended early because the table was full: 2\./);
});

Deno.test("the report of analyze says what could not be read, and of how many packets nothing was seen", () => {
  const good = reportOf(flows(1));
  deepStrictEqual(good.report.unread, { packets: 0, stops: [] });
  doesNotMatch(good.text, /not decoded/);
  const macsec = ethernet(0x88e5, filler(60));
  const lldp = ethernet(0x88cc, filler(60));
  const eigrp = ethernet(0x0800, ipv4({ protocol: 88 }, filler(20)));
  const { report, text } = reportOf([
    ...flows(1),
    macsec,
    macsec,
    lldp,
    eigrp,
    flows(1)[0].slice(0, 20),
  ]);
  const unsupported = { layer: "ethernet", reason: "unsupported" };
  deepStrictEqual(report.unread, {
    packets: 3,
    stops: [
      { ...unsupported, name: "EtherType 0x88e5 (MACsec)", packets: 2, unread: 2 },
      { ...unsupported, name: "EtherType 0x88cc (LLDP)", packets: 1, unread: 0 },
      {
        layer: "ipv4",
        reason: "unsupported",
        name: "IP protocol 88 (EIGRP)",
        packets: 1,
        unread: 0,
      },
      { layer: "ipv4", reason: "malformed", name: "IPv4", packets: 1, unread: 1 },
    ],
  });
  match(
    text,
    /\n\nPackets not decoded to the end: 1 malformed, 4 with a protocol that tapwatch does not read\.\n {2}2 not read: EtherType 0x88e5 \(MACsec\)\n/,
  );
  match(text, /\n {2}1 malformed: IPv4$/);
});
