import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Finding, FlowProcess } from "../records.ts";
import { processName, processRow, processText, readProcess, withProcess } from "./processes.ts";

const nmap: FlowProcess = {
  pid: 4711,
  name: "nmap",
  executable: "/usr/bin/nmap",
  command: "nmap",
  user: "bob",
  unit: "session-3.scope",
};
const unseen: FlowProcess = { ...nmap, pid: 0, name: "", executable: "", command: "", unit: "" };

Deno.test("a process comes out of a row as it went in", () => {
  deepStrictEqual(readProcess(processRow(nmap)), nmap);
  deepStrictEqual(readProcess(processRow(unseen)), unseen);
  strictEqual(readProcess(processRow(undefined)), undefined);
  strictEqual(readProcess({}), undefined);
});

Deno.test("processText() tells a process as far as it is known", () => {
  strictEqual(
    processText(nmap),
    "nmap (bob), process 4711 in session-3.scope, /usr/bin/nmap",
  );
  strictEqual(
    processText({ ...nmap, command: "nmap -sT 10.0.0.2", unit: "" }).slice(-19),
    ", nmap -sT 10.0.0.2",
  );
  strictEqual(processText(unseen), "a process of bob");
  strictEqual(processName({ ...nmap, user: "" }), "nmap");
});

const reasons = [
  ["10.0.0.1 scanned 10.0.0.2", "nmap (bob) on 10.0.0.1 scanned 10.0.0.2"],
  ["This host scanned itself: 10.0.0.1", "nmap (bob) on this host scanned itself: 10.0.0.1"],
  ["Names of tunnel.example", "Names of tunnel.example; on this host it was nmap (bob)"],
  ["10.0.0.10 scanned 10.0.0.2", "10.0.0.10 scanned 10.0.0.2; on this host it was nmap (bob)"],
] as const;

for (const [reason, told] of reasons) {
  Deno.test(`withProcess() makes of "${reason}" "${told}"`, () => {
    const finding = { reason, sources: ["10.0.0.1"] } as unknown as Finding;
    const named = withProcess(finding, nmap);
    deepStrictEqual([named.reason, named.process], [told, nmap]);
  });
}
