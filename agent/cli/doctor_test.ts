import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { dirname } from "node:path";
import { parseConfig } from "../config.ts";
import {
  many,
  openWriter,
  packetRow,
  rows,
  second,
  startUs,
  withDatabasePath,
} from "../store/testing.ts";
import { failed } from "./doctor_check.ts";
import { codeCacheCheck, judgeClock, judgeRights, settingsCheck } from "./doctor_host.ts";
import { databaseChecks, judgeLosses } from "./doctor_results.ts";

const isLinux = Deno.build.os === "linux";

Deno.test("a failure's fix is what stands behind its first sentence", () => {
  strictEqual(failed("x", 1, "cannot write to a.b: no room. Make room").fix, "Make room");
  strictEqual(
    failed("x", 1, "No libpcap (tried a.so.1).\nInstall it with one of\n  apt").fix,
    "Install it with one of\n  apt",
  );
  strictEqual(failed("x", 1, "start it with --allow-ffi").fix, "start it with --allow-ffi");
});

Deno.test("judgeLosses() names the option that helps where most was lost", () => {
  const of = (kernel: number, card: number, queue: number, bufferMb = 64) =>
    judgeLosses(
      { packets: 1000 - kernel - card - queue, kernel, interface: card, queue },
      bufferMb,
    );
  deepStrictEqual([of(0, 0, 0).state, of(0, 0, 0).text], ["ok", "none of 1,000 in the last hour"]);
  strictEqual(judgeLosses(null, 64).state, "ok");
  match(
    of(20, 0, 0).text,
    /^20 of 1,000 \(2\.0 %\) in the last hour: 20 by the kernel\. Start tapwatch with --buffer-mb 128 \(it is 64\)/,
  );
  match(of(20, 1, 2).text, /20 by the kernel, 1 by the card, 2 by tapwatch/);
  match(of(20, 0, 0, 2000).fix, /--buffer-mb 2047 /);
  match(of(20, 0, 0, 2047).fix, /--log-packets none/);
  match(of(0, 5, 0).fix, /ethtool -G DEVICE rx/);
  match(of(1, 1, 5).fix, /more processor/);
});

Deno.test("judgeClock() compares packets with the wall clock, both ways, and what was recorded", () => {
  const of = (ageMs: number | null, aheadMs: number) =>
    judgeClock({ device: "eth0", ageMs, aheadMs });
  match(of(3, -50).text, /have the time of the wall clock, to 3 ms/);
  match(of(3_600_000, -50).text, /stamped 60 min behind the wall clock\. Let the host keep/);
  match(of(-86_400_000, -50).text, /stamped 24 h ahead of the wall clock/);
  match(of(null, 90_000).text, /newest recorded second lies 90 s in the future/);
  strictEqual(of(null, 0).state, "ok");
  strictEqual(judgeClock({ device: null, ageMs: null, aheadMs: 0 }).state, "ok");
});

Deno.test("judgeRights() warns of root", () => {
  const rights = { user: "root", isRoot: true, capabilities: null, hasNoNewPrivileges: false };
  match(
    judgeRights("tapwatch", rights).text,
    /runs as root; it may do everything\. Give root up with --user NAME/,
  );
  const ours = {
    ...rights,
    user: "tapwatch",
    isRoot: false,
    capabilities: ["cap_net_raw"],
    hasNoNewPrivileges: true,
  };
  deepStrictEqual(judgeRights("tapwatch (pid 7)", ours), {
    name: "privileges",
    state: "ok",
    text:
      "tapwatch (pid 7) runs as tapwatch; it may open devices for capture (cap_net_raw), and what that user may; " +
      "it can gain no further rights",
    fix: "",
    exitCode: 0,
  });
});

Deno.test("settingsCheck() warns of secrets in a file that others may read", async () => {
  const path = await Deno.makeTempFile();
  try {
    const judged = (text: string, mode: number) => {
      Deno.writeTextFileSync(path, text);
      Deno.chmodSync(path, mode);
      const sources = { env: {}, readTextFile: Deno.readTextFileSync, exists: () => true };
      return settingsCheck(parseConfig(["--env-file", path], sources));
    };
    match(
      judged("TAPWATCH_PASSWORD=long-enough", 0o644).text,
      /has TAPWATCH_PASSWORD\. Close it: chmod 600/,
    );
    strictEqual(judged("TAPWATCH_PASSWORD=long-enough", 0o600).state, "ok");
    strictEqual(judged("TAPWATCH_PORT=81", 0o644).state, "ok");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test({
  name: "codeCacheCheck() warns of a cache that another user has written",
  ignore: !isLinux || Deno.uid() !== 0,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      deepStrictEqual(codeCacheCheck("/x/tapwatch", folder), []);
      const path = `${folder}/deno-compile-tapwatch.cache`;
      await Deno.writeTextFile(path, "");
      deepStrictEqual(codeCacheCheck("/x/tapwatch", folder), []);
      await Deno.chown(path, 12_345, 12_345);
      match(
        codeCacheCheck("/x/tapwatch", folder)[0]!.text,
        /uid 12345\), and this executable takes code from it/,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

function databaseText(path: string, nowUs: number, args: readonly string[] = []): string {
  const config = parseConfig(["doctor", "--results", dirname(path), ...args], {
    env: {},
    readTextFile: () => "",
    exists: () => false,
  });
  return databaseChecks(config, nowUs).checks.map(({ state, name, text }) =>
    `${state} ${name}: ${text}`
  )
    .join("\n");
}

Deno.test("databaseChecks() reads what was dropped in the last hour, and no other", () =>
  withDatabasePath((path) => {
    strictEqual(databaseText(path, startUs), "ok database: none yet");
    const writer = openWriter(path);
    const drops = { packets: 90, kernelDrops: 10 };
    writer.write(
      rows({
        seconds: [
          second(0, { packets: 1, queueDrops: 7 }),
          second(5000, drops),
          second(5001, { packets: 100 }),
        ],
      }),
    );
    writer.close();
    const nowUs = startUs + 5002e6;
    const text = databaseText(path, nowUs, ["--buffer-mb", "100"]);
    match(text, /^ok database: .*packet_logs\.db, .* sound$/m);
    match(
      text,
      /^warning dropped packets: 10 of 200 \(5\.0 %\) in the last hour: 10 by the kernel\. .*--buffer-mb 200 \(it is 100\)/m,
    );
    match(
      databaseText(path, nowUs + 3600e6),
      /^ok dropped packets: nothing was captured in the last hour$/m,
    );
  }));

Deno.test("databaseChecks() finds damaged pages, and what is no database", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path);
    writer.write(rows({ packets: many(5000, packetRow) }));
    writer.close();
    match(databaseText(path, startUs), /^ok database/);
    const bytes = Deno.readFileSync(path);
    // A few pages of rows in the middle.
    bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 3 * 4096);
    Deno.writeFileSync(path, bytes);
    match(databaseText(path, startUs), /^failed database: .*damaged.*\.recover/);
    Deno.writeTextFileSync(path, "no database ".repeat(1000));
    match(databaseText(path, startUs), /^failed database: /);
  }));
