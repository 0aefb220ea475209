import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { libc } from "../../ffi/linux/libc.ts";
import { runProgram } from "../../ffi/linux/spawn.ts";
import { parseConfig } from "../config.ts";
import { UsageError } from "../errors.ts";
import { install, settingsOf, uninstall } from "./install_service.ts";
import { SERVICE, unitText } from "./service_unit.ts";

const isLinux = Deno.build.os === "linux";
// Stays loaded for the life of the process.
if (isLinux) libc();

function configOf(args: readonly string[], env: Record<string, string> = {}) {
  return parseConfig(["install-service", ...args], {
    env,
    readTextFile: () => "",
    exists: () => false,
  });
}

async function systemdAnalyze(...args: string[]): Promise<{ code: number; text: string } | null> {
  try {
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch {
    return null;
  }
}
const hasAnalyze = await systemdAnalyze("--version") !== null;

Deno.test({
  name: hasAnalyze
    ? "systemd takes the unit, and finds its exposure at most 3.0"
    : "systemd takes the unit (SKIPPED: needs systemd-analyze)",
  ignore: !hasAnalyze,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (const port of [8055, 443]) {
        const path = `${folder}/tapwatch.service`;
        // The command is not installed here.
        Deno.writeTextFileSync(path, unitText({ port, executable: "/bin/true" }));
        const verified = (await systemdAnalyze("verify", path))!;
        deepStrictEqual(verified, { code: 0, text: "" });
        const judged = (await systemdAnalyze("security", "--offline=yes", "--threshold=30", path))!;
        strictEqual(judged.code, 0, judged.text);
        match(judged.text, /Overall exposure level for tapwatch.service: [012]\.\d/);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("the unit lets code be compiled, and bind low ports only when the dashboard has one", () => {
  strictEqual(/^MemoryDenyWriteExecute/m.test(unitText({ port: 8055 })), false);
  strictEqual(unitText({ port: 8055 }).includes("CAP_NET_BIND_SERVICE"), false);
  match(unitText({ port: 443 }), /^AmbientCapabilities=CAP_NET_RAW CAP_NET_BIND_SERVICE$/m);
});

Deno.test("settingsOf() makes variables of what was given, and refuses what the service cannot have", () => {
  const given = configOf(["-i", "eth0", "-i", "eth1", "--no-promiscuous"], {
    TAPWATCH_PASSWORD: "long enough",
  });
  deepStrictEqual(settingsOf(given), {
    TAPWATCH_RESULTS: SERVICE.data,
    TAPWATCH_ALLOW_FFI: "1",
    TAPWATCH_INTERFACE: "eth0,eth1",
    TAPWATCH_PROMISCUOUS: "0",
    TAPWATCH_PASSWORD: "long enough",
  });
  const refused = (args: readonly string[], expected: RegExp) =>
    throws(
      () => settingsOf(configOf(args)),
      (error) => error instanceof UsageError && expected.test(error.message),
    );
  refused(["--results", "/x"], /keeps its results in \/var\/lib\/tapwatch/);
  refused(["--user", "me"], /has a user of its own/);
  refused(
    ["--blocklist", "lists/bad.txt"],
    /needs a whole path for the service, got lists\/bad\.txt/,
  );
  throws(() => configOf(["--host", "0.0.0.0"]), /needs a password/);
  throws(() => configOf(["--speed", "10"]), /belongs to replay/);
});

Deno.test({
  name:
    "install() writes below DESTDIR with the rights that each part has; uninstall() leaves what was recorded",
  ignore: !isLinux || Deno.uid() !== 0,
  fn: async () => {
    const prefix = await Deno.makeTempDir();
    const mode = (path: string) => (Deno.statSync(prefix + path).mode! & 0o777).toString(8);
    try {
      const executable = `${prefix}/executable`;
      Deno.writeTextFileSync(executable, "#!/bin/true\n");
      const config = configOf(["--port", "81"]);
      const options = { config, settings: settingsOf(config), prefix, executable };
      install(options);
      deepStrictEqual(
        [SERVICE.executable, SERVICE.settingsFolder, SERVICE.settings, SERVICE.data, SERVICE.unit]
          .map(mode),
        ["755", "750", "600", "700", "644"],
      );
      deepStrictEqual(mode("/var/lib"), mode("/etc"), "folders above are anybody's to pass");
      const text = Deno.readTextFileSync(prefix + SERVICE.settings);
      const read = parseConfig(["--env-file", "x"], {
        env: {},
        readTextFile: () => text,
        exists: () => true,
      });
      deepStrictEqual([read.port, read.resultsFolder, read.isFfiAllowed], [81, SERVICE.data, true]);
      throws(() => install(options), /is there already and stays as it is/);
      const unit = Deno.readTextFileSync(prefix + SERVICE.unit);
      match(unit, /CAP_NET_BIND_SERVICE/);
      const plain = configOf([]);
      install({ ...options, config: plain, settings: settingsOf(plain) });
      strictEqual(Deno.readTextFileSync(prefix + SERVICE.unit), unit);
      strictEqual(Deno.readTextFileSync(prefix + SERVICE.settings), text);
      Deno.writeTextFileSync(`${prefix}${SERVICE.data}/packet_logs.db`, "rows");
      uninstall(prefix);
      for (const path of [SERVICE.executable, SERVICE.settingsFolder, SERVICE.unit]) {
        throws(() => Deno.statSync(prefix + path), Deno.errors.NotFound);
      }
      ok(Deno.statSync(`${prefix}${SERVICE.data}/packet_logs.db`).isFile);
      uninstall(prefix);
    } finally {
      await Deno.remove(prefix, { recursive: true });
    }
  },
});

Deno.test({
  name: "runProgram() waits, and tells how the program ended",
  ignore: !isLinux,
  fn: () => {
    const shell = (script: string) => runProgram("/bin/sh", ["-c", script]);
    strictEqual(shell("exit 7"), 7);
    strictEqual(shell('test "$HOME" = ""'), 0);
    strictEqual(shell("kill -9 $$"), 137);
    throws(() => runProgram("/no/such/program", []), /No such file or directory/);
  },
});
