import assert from "node:assert/strict";
import type { StoredFlow } from "../agent/store/schema.ts";
import { readFinding } from "../agent/finding_reader.ts";
import { answeredFirst, buildScanGrid, probesOf } from "./scan_grid.ts";

function flow(target: string, port: number, history: string, change: Partial<StoredFlow> = {}) {
  const row = {
    proto: "tcp",
    orig_h: "10.0.0.9",
    resp_h: target,
    resp_p: port,
    history,
    service: "",
    resp_pkts: history === "S" ? 0 : 1,
  };
  return { ...row, ...change } as StoredFlow;
}

Deno.test("neighbouring hosts with the same answers fold into one row, open ones stand alone", () => {
  const flows = [2, 3, 4, 5, 10].flatMap((host) => [
    flow(`10.0.1.${host}`, 22, host === 4 ? "ShR" : "S"),
    flow(`10.0.1.${host}`, 80, "Sr"),
  ]);
  const grid = buildScanGrid(flows, undefined);
  assert.deepEqual(grid.ports, [22, 80]);
  assert.deepEqual(
    grid.rows.map(({ first, last, hostCount }) => [first, last, hostCount]),
    [["10.0.1.2", "10.0.1.3", 2], ["10.0.1.4", "10.0.1.4", 1], ["10.0.1.5", "10.0.1.10", 2]],
  );
  assert.deepEqual(grid.rows[1]!.cells, ["open", "refused"]);
  assert.deepEqual(grid.counts, { open: 1, refused: 5, silent: 4, none: 0 });
  assert.deepEqual(grid.open, [{ address: "10.0.1.4", port: 22, service: "", isUsed: false }]);
});

Deno.test("of many ports those that answered are shown, in order", () => {
  const flows = Array.from(
    { length: 100 },
    (_, port) => flow("10.0.1.2", port, port >= 90 ? "ShR" : port >= 80 ? "Sr" : "S"),
  );
  const grid = buildScanGrid(flows, undefined);
  assert.deepEqual(
    grid.ports,
    [0, 1, 2, 3, ...Array.from({ length: 20 }, (_, index) => 80 + index)],
  );
  assert.equal(grid.portCount, 100);
});

Deno.test("a port tried twice has its most telling answer, and ports not tried are empty", () => {
  const grid = buildScanGrid([
    flow("10.0.1.2", 22, "S"),
    flow("10.0.1.2", 22, "ShAdDa", { service: "ssh" }),
    flow("10.0.1.2", 22, "S"),
    flow("10.0.1.3", 80, "Sr"),
  ], undefined);
  assert.deepEqual(grid.rows.map(({ cells }) => cells), [["open", "none"], ["none", "refused"]]);
  assert.equal(grid.open[0]!.service, "ssh");
});

Deno.test("only flows of the scan's sources to its targets and ports are probes", () => {
  const finding = readFinding("scans", {
    probe: "syn",
    kind: "vertical",
    sources: '["10.0.0.9"]',
    targets: '["10.0.1.2"]',
    target_count: 1,
    ports: "20-25,80",
  });
  const probes = [flow("10.0.1.2", 22, "S"), flow("10.0.1.2", 80, "Sr")];
  const others = [
    flow("10.0.1.2", 443, "ShR"),
    flow("10.0.1.3", 22, "S"),
    flow("10.0.1.2", 22, "S", { orig_h: "10.0.0.8" }),
    flow("10.0.1.2", 22, "D", { proto: "udp" }),
  ];
  assert.deepEqual(probesOf(finding, [...probes, ...others]), probes);
});

Deno.test("what the scan says that it found is open, with its flows or without, and nothing else is", () => {
  const flows = [
    flow("10.0.1.2", 22, "ShR", { service: "ssh" }),
    // The same client used it before: no probe.
    flow("10.0.1.2", 443, "ShADadFf"),
  ];
  const scan = {
    probe: "syn" as const,
    answered: 3,
    found: ["10.0.1.2:22", "10.0.1.3:8080", "[2001:db8::3]:80"],
    cameBack: ["10.0.1.3:8080"],
  };
  const grid = buildScanGrid(flows, scan);
  assert.deepEqual(
    grid.open.map(({ address, port, service, isUsed }) => [address, port, service, isUsed]),
    [["10.0.1.2", 22, "ssh", false], ["10.0.1.3", 8080, "", true], ["2001:db8::3", 80, "", false]],
  );
  assert.deepEqual([grid.counts.open, grid.notListed], [3, 0]);
  const bounded = buildScanGrid(flows, { ...scan, answered: 300 });
  assert.deepEqual([bounded.open.length, bounded.notListed], [4, 296]);
});

Deno.test("evidence begins with what was used, then what was found open", () => {
  const ports = (flows: readonly StoredFlow[]) => flows.map(({ resp_p }) => resp_p);
  const flows = [21, 22, 23, 80].map((port) =>
    flow("10.0.1.2", port, "S", { id: port, start_us: port })
  );
  const services = { found: ["10.0.1.2:22", "10.0.1.2:80"], cameBack: ["10.0.1.2:80"] };
  assert.deepEqual(ports(answeredFirst(flows, services, flows)), [80, 22, 21, 23]);
  assert.deepEqual(ports(answeredFirst([...flows, ...flows], services, [])), [80, 22]);
});
