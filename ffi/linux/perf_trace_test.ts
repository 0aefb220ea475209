import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { enablePerfTrace, onlineProcessors, openPerfTrace, ringBytes } from "./perf_trace.ts";
import { PerfRing } from "./perf_ring.ts";
import { missingTrace } from "./testing/missing_trace.ts";

Deno.test("onlineProcessors() reads the kernel's list", () => {
  deepStrictEqual(onlineProcessors("0\n"), [0]);
  deepStrictEqual(onlineProcessors("0-3,8,10-11\n"), [0, 1, 2, 3, 8, 10, 11]);
  throws(() => onlineProcessors(""), /no list of processors/);
});

Deno.test("ringBytes() is a power of two, less for each of many processors", () => {
  deepStrictEqual([1, 32, 33, 64, 65, 1024].map(ringBytes), [
    262_144,
    262_144,
    131_072,
    131_072,
    65_536,
    65_536,
  ]);
});

const missing = missingTrace();
const test = (name: string, fn: () => void | Promise<void>) =>
  Deno.test({
    name: missing === "" ? name : `${name} (SKIPPED: ${missing})`,
    ignore: missing !== "",
    sanitizeResources: false, // the C library stays loaded, and the rings mapped
    fn,
  });

test("openPerfTrace() brings what this process does, filtered by the kernel, until it is turned off", async () => {
  const trace = openPerfTrace("sock/inet_sock_set_state", `protocol == 6 && newstate == 2`);
  strictEqual(trace.handles.length, trace.rings.length);
  ok(/field:const void \* skaddr;/.test(trace.format));
  const rings = trace.rings.map(({ address, byteLength }) => PerfRing.at(address, byteLength));
  const ownSamples = () => {
    let count = 0;
    for (const ring of rings) {
      ring.drain((type, record) => {
        if (type === 9 && record.getInt32(8, true) === Deno.pid) count++;
      });
    }
    return count;
  };
  await refusedConnect();
  strictEqual(ownSamples(), 0, "not on yet");
  enablePerfTrace(trace, true);
  await refusedConnect();
  await refusedConnect();
  strictEqual(ownSamples(), 2);
  enablePerfTrace(trace, false);
  await refusedConnect();
  strictEqual(ownSamples(), 0);
});

test("openPerfTrace() fails for a tracepoint or a filter that the kernel does not know", () => {
  throws(() => openPerfTrace("sock/no_such_thing", ""), /no_such_thing/);
  throws(() => openPerfTrace("sock/inet_sock_set_state", "no_such_field == 1"), /ioctl/);
});

async function refusedConnect(): Promise<void> {
  // A port that was free a moment ago.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await Deno.connect({ hostname: "127.0.0.1", port }).then(
    (connection) => connection.close(),
    () => {},
  );
}
