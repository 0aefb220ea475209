import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { amsdu, ethernet, filler, ipv4, tcp, udp } from "../decode/packet_builder.ts";
import { type Flow, Linktype } from "../records.ts";
import { Pipeline } from "./pipeline.ts";
import { batchOf, type Frame } from "./testing.ts";

interface Seen {
  readonly packets: number;
  readonly bytes: number;
  readonly flows: readonly Flow[];
  readonly rows: number;
}

function see(frames: readonly Frame[]): Seen {
  const flows: Flow[] = [];
  let rows = 0;
  const pipeline = new Pipeline({
    flowCountMax: 100,
    rowPolicy: "all",
    onFlow: (flow) => flows.push(flow),
    onRow: () => rows++,
  });
  pipeline.process(batchOf(frames));
  pipeline.finish();
  flows.sort((one, other) => one.id - other.id);
  return { packets: pipeline.packets, bytes: pipeline.bytes, flows, rows };
}

/** What does not depend on how packets were put into frames. */
function withoutWireBytes(flow: Flow): Partial<Flow> {
  const { origWireBytes: _, respWireBytes: _1, ...rest } = flow;
  return rest;
}

const packet = fc.tuple(fc.nat(3), fc.nat(40), fc.boolean()).map(([port, length, isTcp]) => {
  const payload = filler(length);
  const destination = 9000 + port;
  return isTcp
    ? ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 0x18 }, payload)))
    : ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination }, payload)));
});

Deno.test("packets that share a frame go to their flows as if each had its own", () => {
  const frames = fc.array(fc.array(packet, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(frames, (groups) => {
      const at = (index: number) => 1e15 + index * 1000;
      const linktype = Linktype.ieee80211;
      const shared = see(
        groups.map((group, index) => ({ timestampUs: at(index), bytes: amsdu(group), linktype })),
      );
      const apart = see(
        groups.flatMap((group, index) => group.map((bytes) => ({ timestampUs: at(index), bytes }))),
      );
      deepStrictEqual(shared.flows.map(withoutWireBytes), apart.flows.map(withoutWireBytes));
      strictEqual(shared.rows, apart.rows);
      strictEqual(shared.packets, groups.length, "what was captured");
      const wireBytes = shared.flows.map((flow) => flow.origWireBytes + flow.respWireBytes);
      strictEqual(wireBytes.reduce((sum, bytes) => sum + bytes, 0), shared.bytes);
    }),
    { numRuns: 200 },
  );
});
