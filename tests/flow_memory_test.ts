import { deepStrictEqual, strictEqual } from "node:assert/strict";

const script = new URL("fill_flow_table.ts", import.meta.url).pathname;

Deno.test("a flow table of 1,000,000 flows stays under 400 MB and evicts what comes beyond", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script],
    stderr: "inherit",
  }).output();
  const { active, evicted, growthBytes } = JSON.parse(new TextDecoder().decode(stdout));
  deepStrictEqual([active, evicted], [1_000_000, 1000]);
  strictEqual(growthBytes < 400e6, true, `grew by ${growthBytes} bytes`);
});
