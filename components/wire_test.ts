import assert from "node:assert/strict";
import { fromWire, toWire } from "./wire.ts";

Deno.test("keys are snake_case on the wire and come back as they were", () => {
  const value = {
    nowUs: 1,
    seconds: [{ tsUs: 2, newFlows: 3 }],
    snapshot: { applications: { "ftp-data": { packets: 1 } }, sampleK: 1 },
    nothing: null,
  };
  const wire = toWire(value);
  assert.deepEqual(wire, {
    now_us: 1,
    seconds: [{ ts_us: 2, new_flows: 3 }],
    snapshot: { applications: { "ftp-data": { packets: 1 } }, sample_k: 1 },
    nothing: null,
  });
  assert.deepEqual(fromWire(wire), value);
});
