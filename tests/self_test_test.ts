/** `tapwatch self-test`: what each stage says when it is well and when it is not, and that nothing is left behind. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { pcapFile, samplePackets } from "../agent/capture/sample_captures.ts";
import { parseConfig } from "../agent/config.ts";
import { resultLine, selfTest, type StageResult } from "../agent/cli/self_test.ts";
import { Log } from "../agent/log.ts";
import { hasMailServer, startMailServer } from "./mail_server.ts";
import { runProgram, testWith, withFolder } from "./program.ts";

/** Answers every post with `status`. */
function startHook(status: number) {
  const posts: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      posts.push(await request.text());
      return new Response("by order of the test", { status });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/hook`;
  return { url, posts, stop: () => server.shutdown() };
}

Deno.test("self-test tells each stage and each channel, marks what it sends, and leaves nothing", () =>
  withFolder(async (cwd) => {
    const [good, bad] = [startHook(200), startHook(403)];
    await Deno.mkdir(`${cwd}/tmp`);
    const args = ["self-test", "--webhook", good.url, "--webhook", bad.url];
    const options = { cwd, env: { TMPDIR: `${cwd}/tmp`, TAPWATCH_ALERT_SEVERITY: "critical" } };
    const { code, stdout, stderr } = await runProgram(args, options);
    await Promise.all([good.stop(), bad.stop()]);
    strictEqual(code, 1, stderr);
    match(stdout, /^ok +detected +\d+\.\d\d s +192\.0\.2\.66 probed/m);
    match(stdout, /^ok +stored +\d+\.\d\d s +incident 1/m);
    match(stdout, /^ok +shown +\d+\.\d\d s /m);
    match(stdout, /^ok +sent +\d+\.\d\d s +webhook \S+: 200/m);
    match(stdout, /^FAILED +sent +\d+\.\d\d s +webhook \S+: 403/m);
    ok(!stdout.includes("\x1b"));
    strictEqual(stderr, "tapwatch: 1 of 5 stages failed.\n");
    strictEqual(good.posts.length, 1);
    const post = JSON.parse(good.posts[0]!);
    match(JSON.stringify(post), /Self-test: 192\.0\.2\.66 scanned/);
    match(JSON.stringify(post), /Somebody has run tapwatch self-test/);
    deepStrictEqual([...Deno.readDirSync(`${cwd}/tmp`)], []);
    deepStrictEqual([...Deno.readDirSync(cwd)].map(({ name }) => name), ["tmp"]);
  }));

testWith(
  hasMailServer ? "" : "needs python3-aiosmtpd",
  "self-test sends a mail that says it is a test",
  async () => {
    const server = await startMailServer([]);
    try {
      const url = `smtp://127.0.0.1:${server.port}?security=none`;
      const { code, stdout, stderr } = await runProgram([
        ...["self-test", "--smtp-url", url, "--mail-to", "noc@example.org"],
      ]);
      strictEqual(code, 0, stdout);
      strictEqual(stderr, "");
      match(stdout, /^ok +sent +\d+\.\d\d s +mail to noc@example\.org: 250/m);
      const { taken } = await server.next();
      const subject = taken!.headers.find(([name]) => name === "Subject")![1];
      match(subject, /^\[tapwatch [^\]]+\] Self-test: 192\.0\.2\.66 scanned/);
    } finally {
      await server.stop();
    }
  },
);

Deno.test("self-test without a scan says so, and what was not reached; without a channel it sends nothing", async () => {
  const run = async (capture: Uint8Array) => {
    const results: StageResult[] = [];
    await selfTest({
      config: parseConfig(["self-test"], { env: {}, readTextFile: () => "", exists: () => false }),
      log: new Log({ level: "error", format: "text" }),
      capture,
      patienceMs: 2000,
      onResult: (result) => results.push(result),
    });
    return results;
  };
  const blind = await run(pcapFile(samplePackets(20)));
  deepStrictEqual(blind.map(({ name, isOk }) => [name, isOk]), [
    ["detected", false],
    ["stored", null],
    ["shown", null],
    ["sent", null],
  ]);
  strictEqual(blind[0]!.text, "no scan was found within 2 s");
});

Deno.test("lines are green and red only where that is wanted", () => {
  const result: StageResult = { name: "stored", isOk: true, text: "there", tookMs: 62 };
  strictEqual(resultLine(result, false), "ok      stored     0.06 s  there");
  ok(resultLine(result, true).startsWith("\x1b[32mok    \x1b[0m  stored"));
  ok(resultLine({ ...result, isOk: false }, true).startsWith("\x1b[31mFAILED\x1b[0m"));
  ok(!resultLine({ ...result, isOk: null, tookMs: null }, true).includes("\x1b"));
});
