import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readKernelFile } from "./kernel_file.ts";
import { cleanMappings, letGo, programMappings } from "./program_pages.ts";

const smaps = `1000-3000 r--p 00000000 fe:00 12   /opt/with blank/tapwatch
Rss:                   8 kB
Anonymous:             0 kB
3000-7000 r-xp 00002000 fe:00 12   /opt/with blank/tapwatch
Rss:                  16 kB
Anonymous:             0 kB
7000-8000 r--p 00006000 fe:00 12   /opt/with blank/tapwatch
Rss:                   4 kB
Anonymous:             4 kB
8000-9000 rw-p 00007000 fe:00 12   /opt/with blank/tapwatch
Anonymous:             0 kB
9000-a000 r-xp 00000000 fe:00 13   /usr/lib/libc.so.6
Anonymous:             0 kB
b000-c000 rw-p 00000000 00:00 0 
Anonymous:             0 kB
`;

Deno.test("Of the executable what is read-only and was never written can be let go", () => {
  deepStrictEqual(cleanMappings(smaps, "/opt/with blank/tapwatch"), [
    { address: 0x1000n, bytes: 0x2000n },
    { address: 0x3000n, bytes: 0x4000n },
  ]);
  deepStrictEqual(cleanMappings(smaps, "/opt/tapwatch"), []);
});

Deno.test({
  name: "The executable's pages go, and it runs on",
  ignore: Deno.build.os !== "linux",
  // The C library stays loaded.
  sanitizeResources: false,
  fn() {
    const resident = () =>
      Number(/RssFile:\s+(\d+) kB/.exec(readKernelFile("/proc/self/status")!)![1]);
    const mappings = programMappings();
    ok(mappings.length >= 2, `${mappings.length} mappings`);
    const before = resident();
    letGo(mappings);
    ok(resident() < before, `${before} kB, then ${resident()} kB`);
    strictEqual(JSON.stringify(new Array(1000).fill({ a: 1 }).map(({ a }) => a)).length, 2001);
  },
});
