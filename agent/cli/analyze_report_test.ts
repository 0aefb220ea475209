import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { ethernet, filler, ipv4, udp } from "../decode/packet_builder.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { batchOf } from "../pipeline/testing.ts";
import { formatReport, makeReport } from "./analyze_report.ts";

/** The report, and its text, of `flowCount` flows that a table with room for three has taken. */
function reportOf(flowCount: number) {
  const pipeline = new Pipeline({ flowCountMax: 3, rowPolicy: "none" });
  for (let port = 0; port < flowCount; port++) {
    const datagram = udp({ source: 4000 + port, destination: 5000 }, filler(20));
    const bytes = ethernet(0x0800, ipv4({ protocol: 17 }, datagram));
    pipeline.process(batchOf([{ timestampUs: 1e15 + port, bytes }]));
  }
  pipeline.finish();
  const found = { findings: [], leftOutCount: 0, state: null, incidents: [] };
  const totals = pipeline.flowTotals(10);
  const report = makeReport(pipeline, { totals, found, files: [], unreadable: [], wallS: 1 });
  return { report, text: formatReport(report, { hosts: totals.busiestHosts, found }) };
}

Deno.test("the report of analyze says when the flow table was too small for the file", () => {
  const few = reportOf(3);
  strictEqual(few.report.flows_evicted, 0);
  doesNotMatch(few.text, /ended early/);
  const many = reportOf(5);
  strictEqual(many.report.flows_evicted, 2);
  match(many.text, /Flows ended early because the table was full: 2\./);
});
