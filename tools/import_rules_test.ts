import { deepStrictEqual } from "node:assert/strict";
import { checkModules, importsOf } from "./import_rules.ts";

function check(modules: Record<string, string>): string[] {
  return checkModules(new Map(Object.entries(modules)));
}

const good: Record<string, string> = {
  "main.ts": `import { runCommand } from "./agent/cli/commands.ts";`,
  "agent/cli/commands.ts": `import { createApp } from "../../dashboard.ts";`,
  "agent/capture/live.ts": `import { Pcap } from "../../ffi/pcap/pcap.ts";`,
  "agent/capture/capture_worker.ts": `import { decode } from "../decode/decode.ts";`,
  "agent/decode/decode.ts":
    `import { Packet } from "../records.ts";\n// Date.now() is the caller's.`,
  "agent/pipeline/pipeline.ts": `import { decode } from "../decode/decode.ts";`,
  "agent/live_state.ts": `import type { Flow } from "./records.ts";`,
  "routes/index.tsx": `import Chart from "../islands/Chart.tsx";`,
  "islands/Chart.tsx": `import type { LiveEvent } from "../agent/live_state.ts";`,
};

Deno.test("checkModules() finds nothing wrong with the intended shape", () => {
  deepStrictEqual(check(good), []);
});

Deno.test("checkModules() names each import that is not allowed", () => {
  const cases: [string, string, string][] = [
    [
      "ffi/pcap/pcap.ts",
      `import { log } from "../../agent/log.ts";`,
      "values from agent/log.ts",
    ],
    [
      "agent/decode/dns.ts",
      `export { FlowTable } from "../flow/flow_table.ts";`,
      "values from agent/flow/flow_table.ts",
    ],
    [
      "agent/store/writer.ts",
      `import { Pcap } from "../../ffi/pcap/pcap.ts";`,
      "values from ffi/pcap/pcap.ts",
    ],
    [
      "agent/cli/interfaces.ts",
      `import { Pcap } from "../../ffi/pcap/pcap.ts";`,
      "values from ffi/pcap/pcap.ts",
    ],
    [
      "islands/Table.tsx",
      `import { LiveState } from "../agent/live_state.ts";`,
      "values from agent/live_state.ts",
    ],
    [
      "routes/api.ts",
      `const writer = await import("../agent/store/writer.ts");`,
      "values from agent/store/writer.ts",
    ],
    [
      "fresh/app.ts",
      `import "../agent/records.ts";`,
      "values from agent/records.ts",
    ],
    [
      "agent/flow/flow_table.ts",
      `import type {\n  Store,\n} from "../store/writer.ts";`,
      "types from agent/store/writer.ts",
    ],
  ];
  for (const [path, source, what] of cases) {
    deepStrictEqual(check({ [path]: source }), [
      `${path} may not import ${what}`,
    ]);
  }
});

Deno.test("checkModules() finds clock, randomness and Deno in the pure parts", () => {
  const source = "const a = Date.now() + Math.random(); Deno.readFileSync(path);";
  deepStrictEqual(
    check({ "agent/flow/table.ts": source, "agent/store/writer.ts": source }),
    [
      "agent/flow/table.ts must be pure, but uses Date.now",
      "agent/flow/table.ts must be pure, but uses Math.random",
      "agent/flow/table.ts must be pure, but uses Deno.readFileSync",
    ],
  );
});

Deno.test("checkModules() finds circles, of types too", () => {
  const modules = {
    "agent/decode/a.ts": `import { b } from "./b.ts";`,
    "agent/decode/b.ts": `import { c } from "./c.ts";`,
    "agent/decode/c.ts": `import type { b } from "./b.ts";`,
  };
  deepStrictEqual(check(modules), [
    "circle: agent/decode/b.ts -> agent/decode/c.ts -> agent/decode/b.ts",
  ]);
});

Deno.test("importsOf() tells types from values in every form of import", () => {
  const source = [
    `import { type A, type B } from "./types.ts";`,
    `import { type A, b } from "./mixed.ts";`,
    `import type * as c from "./all_types.ts";`,
    `export * from "./all.ts";`,
    `import "./effect.ts";`,
    `import { h } from "preact";`,
  ].join("\n");
  deepStrictEqual(importsOf("agent/x.ts", source), [
    { target: "agent/types.ts", isType: true },
    { target: "agent/mixed.ts", isType: false },
    { target: "agent/all_types.ts", isType: true },
    { target: "agent/all.ts", isType: false },
    { target: "agent/effect.ts", isType: false },
  ]);
});
