import { strictEqual } from "node:assert/strict";
import { RowSampler, sampledRowsPerSecond } from "./packet_rows.ts";

/** Rows taken of `rate` packets in the second `second`. */
function rowsOf(sampler: RowSampler, second: number, rate: number): number {
  let rows = 0;
  for (let packet = 0; packet < rate; packet++) {
    if (sampler.takes(second * 1e6 + packet * 1e6 / rate)) rows++;
  }
  return rows;
}

Deno.test("RowSampler takes every packet of a quiet link", () => {
  const sampler = new RowSampler("sampled");
  for (let second = 0; second < 5; second++) strictEqual(rowsOf(sampler, second, 1500), 1500);
  strictEqual(sampler.sampleK, 1);
});

Deno.test("RowSampler takes 1 in k of a busy link and k tells the true rate", () => {
  const sampler = new RowSampler("sampled");
  const rate = sampledRowsPerSecond * 50;
  const first = rowsOf(sampler, 0, rate);
  strictEqual(first < 20 * sampledRowsPerSecond, true);
  strictEqual(rowsOf(sampler, 1, rate), sampledRowsPerSecond);
  strictEqual(sampler.sampleK, 50);
});

Deno.test("RowSampler takes all or none when told so", () => {
  strictEqual(rowsOf(new RowSampler("all"), 0, 100_000), 100_000);
  strictEqual(rowsOf(new RowSampler("none"), 0, 10), 0);
});
