import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { parseConfig } from "../config.ts";
import { hasNoEngine, TestEngine } from "../fleet/testing/engine.ts";
import { fleetChecks } from "./doctor_fleet.ts";

const sources = { env: {}, readTextFile: () => "", exists: () => false };

Deno.test("doctor says nothing of a fleet that there is not", async () => {
  deepStrictEqual(await fleetChecks(parseConfig(["doctor"], sources)), []);
});

Deno.test({
  name: "doctor says whether the engine lets this host in, and what to do when not",
  ignore: hasNoEngine,
  fn: async () => {
    await using engine = await TestEngine.start();
    const { file } = engine.enroll("web-01");
    const args = [
      "doctor",
      "--fleet",
      engine.url,
      "--fleet-credentials",
      file,
      "--results",
      engine.path,
    ];
    const look = async () => (await fleetChecks(parseConfig(args, sources)))[0]!;
    const before = await look();
    strictEqual(before.state, "failed");
    match(before.text, /does not accept the credential/);
    match(before.fix, /^Enrol this host again/);
    await engine.reload();
    match((await look()).text, /lets web-01 in; its spool is made by the next run/);
    await engine.stop();
    match((await look()).fix, /^See whether nats-server runs there/);
    Deno.writeTextFileSync(file, "{}");
    match((await look()).text, /is no credentials file of a fleet/);
  },
});
