/** What pipelines that share the traffic of a link tell each other. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Hearsay } from "../records.ts";
import { Pipeline } from "./pipeline.ts";
import { batchOf } from "./testing.ts";
import { arpRequest, type LinkEnd, segment } from "./testing/link_frames.ts";

/** Public addresses, local only by what ARP says. */
const host: LinkEnd = { mac: "02:00:00:00:00:50", ip: "198.51.100.50" };
const other: LinkEnd = { mac: "02:00:00:00:00:60", ip: "198.51.100.60" };

function makePart(index: number, onHearsay: (one: Hearsay) => void): Pipeline {
  return new Pipeline({
    flowCountMax: 100,
    rowPolicy: "none",
    part: { index, count: 2 },
    onFlow: () => {},
    onHearsay,
  });
}

function take(pipeline: Pipeline, frames: readonly Uint8Array[]): void {
  pipeline.process(batchOf(frames.map((bytes, n) => ({ timestampUs: 1.7e15 + n, bytes }))));
}

Deno.test("what ARP says to one pipeline is known to the other, which counts no packet of it", () => {
  const told: Hearsay[] = [];
  const first = makePart(0, (one) => told.push(one));
  const second = makePart(
    1,
    () => told.push({ kind: "frame", linktype: -1, frame: new Uint8Array() }),
  );
  const alone = makePart(1, () => {});
  take(first, [arpRequest(host, other.ip), arpRequest(other, host.ip)]);
  deepStrictEqual(told.map(({ kind }) => kind), ["frame", "frame"]);
  for (const one of [...told]) second.hear(structuredClone(one));
  strictEqual(told.length, 2);
  strictEqual(second.packets, 0);
  const traffic = [segment(host, other, { ports: [40_000, 443] })];
  const isLocal = (pipeline: Pipeline) => {
    take(pipeline, traffic);
    return pipeline.takeChangedHosts(10).filter(({ address }) => address === host.ip)[0].isLocal;
  };
  strictEqual(isLocal(second), true);
  strictEqual(isLocal(alone), false);
});
