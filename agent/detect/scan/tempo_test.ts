import { equal } from "node:assert/strict";
import { Tempo } from "./tempo.ts";

Deno.test("Tempo names nmap's template by the median gap", () => {
  const cases: [number, string][] = [
    [300, "T0"],
    [15, "T1"],
    [1, "T2"],
    [0.4, "T2"],
    [0.05, "T3"],
    [0.005, "T4"],
    [0.0001, "T5"],
  ];
  for (const [gapS, name] of cases) {
    const tempo = new Tempo();
    for (let index = 0; index < 9; index++) tempo.add(index * gapS * 1e6);
    equal(tempo.name(), name);
  }
});

Deno.test("Tempo is not moved by a few pauses, and silent on few probes", () => {
  const tempo = new Tempo();
  for (let index = 0; index < 3; index++) tempo.add(index * 400_000);
  equal(tempo.name(), "");
  for (let index = 3; index < 20; index++) tempo.add(index * 400_000 + (index > 15 ? 1e9 : 0));
  equal(tempo.name(), "T2");
});
