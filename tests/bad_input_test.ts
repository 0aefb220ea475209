/** What users give it by mistake, through the real program: each case has its exit status and a sentence that helps. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { pcapFile } from "../agent/capture/sample_captures.ts";
import {
  type ChildOptions,
  demoCapture,
  freePort,
  missingForRoot,
  type Output,
  runProgram,
  testWith,
  withFolder,
  withoutLibpcap,
} from "./program.ts";

const loopback = Deno.build.os === "linux" ? "lo" : "lo0";
const frame = new Uint8Array(60);

/** Runs tapwatch, which must fail with `code` and words that fit, nothing on stdout and no stack trace. */
async function refused(
  args: readonly string[],
  expected: { code: number; message: RegExp },
  options: ChildOptions = {},
): Promise<Output> {
  const output = await runProgram(args, options);
  strictEqual(output.code, expected.code, output.stderr);
  match(output.stderr, expected.message);
  match(output.stderr, /^tapwatch: /m);
  ok(!/^\s+at /m.test(output.stderr), output.stderr);
  strictEqual(output.stdout, "");
  return output;
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

const usage: readonly (readonly [readonly string[], RegExp])[] = [
  [["run", "--snaplenn", "5"], /Unknown option --snaplenn\. Did you mean --snaplen\?/],
  [["--port", "eighty"], /--port must be a whole number from 1 to 65535, got "eighty"/],
  [["run", "--log-packets", "most"], /must be one of all, sampled, anomalous, none, got "most"/],
  [["analyse", "x"], /Unknown command "analyse"\. Did you mean analyze\?/],
  [["analyze"], /takes at least one capture file \(or - for stdin\), got none/],
  [["analyze", "x", "-f", "port 80"], /Option -f belongs to run, doctor and export/],
  [["run", "--host", "0.0.0.0"], /needs a password/],
  [["run", "--env-file", "nowhere"], /Cannot read nowhere \(--env-file\)/],
  [["export", "rows"], /Kinds: packets, flows, anomalies, scans, incidents, alerts, hosts, pcap/],
  [["help", "me"], /Unknown command "me"/],
];
for (const [args, message] of usage) {
  Deno.test(`tapwatch ${args.join(" ")} is refused with status 2`, () =>
    withFolder(async (cwd) => {
      await refused(args, { code: 2, message }, { cwd });
      deepStrictEqual(namesIn(cwd), []);
    }));
}

Deno.test("a bad variable is refused by its name and place", () =>
  withFolder(async (cwd) => {
    const message = /TAPWATCH_PORT must be .* got "high"/;
    await refused(["run"], { code: 2, message }, { cwd, env: { TAPWATCH_PORT: "high" } });
    await Deno.writeTextFile(`${cwd}/.env`, "TAPWATCH_PORT=low\n");
    await refused(["run"], { code: 2, message: /TAPWATCH_PORT in \.env must be .* "low"/ }, {
      cwd,
    });
  }));

const commands = ["analyze", "decode", "replay"];
const files: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ["a missing file", () => {}, /no such file/],
  ["a folder", (path) => Deno.mkdirSync(path), /it is a folder/],
  ["an empty file", (path) => Deno.writeFileSync(path, new Uint8Array()), /it is empty/],
  ["a text", (path) => Deno.writeTextFileSync(path, "hello, world\n".repeat(9)), /looks like text/],
  [
    "a capture cut off in its header",
    (path) => Deno.writeFileSync(path, pcapFile([]).subarray(0, 20)),
    /header is cut off at byte 20/,
  ],
];
for (const [what, make, message] of files) {
  Deno.test(`${what} is no capture: status 4 and nothing written`, () =>
    withFolder(async (cwd) => {
      make(`${cwd}/input`);
      const before = namesIn(cwd);
      for (const command of commands) {
        const { stderr } = await refused([command, "input"], { code: 4, message }, { cwd });
        match(stderr, /Cannot read input/);
      }
      await refused(["analyze", "input", "--flows", "flows"], { code: 4, message }, { cwd });
      deepStrictEqual(namesIn(cwd), before);
    }));
}

testWith(
  missingForRoot("setpriv"),
  "a file that may not be read is named with the reason",
  () =>
    withFolder(async (cwd) => {
      await Deno.writeFile(`${cwd}/secret.pcap`, pcapFile([]), { mode: 0o000 });
      const prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
      const expected = { code: 4, message: /Cannot read secret\.pcap: permission denied/ };
      await refused(["analyze", "secret.pcap"], expected, { cwd, prefix });
    }),
);

Deno.test("a capture that ends inside a packet is read with a warning", () =>
  withFolder(async (cwd) => {
    const whole = gunzipSync(await Deno.readFile(demoCapture));
    await Deno.writeFile(`${cwd}/cut.pcapng`, whole.subarray(0, 1_000_000));
    await Deno.writeFile(`${cwd}/cut.gz`, (await Deno.readFile(demoCapture)).subarray(0, 1e6));
    for (const name of ["cut.pcapng", "cut.gz"]) {
      const { code, stdout, stderr } = await runProgram(["analyze", "--json", name], { cwd });
      strictEqual(code, 0, stderr);
      match(stderr, /cut off/);
      const [file] = JSON.parse(stdout).files;
      deepStrictEqual([file.truncated, file.packets > 5000, file.warnings.length > 0], [
        true,
        true,
        true,
      ]);
    }
  }));

Deno.test("packets of an unknown link type are counted, and a warning says so", () =>
  withFolder(async (cwd) => {
    const records = [1, 2, 3].map((seconds) => ({ seconds, nanosecond: 0, data: frame }));
    await Deno.writeFile(`${cwd}/odd.pcap`, pcapFile(records, { linktype: 147 }));
    const { code, stdout, stderr } = await runProgram(["analyze", "--json", "odd.pcap"], { cwd });
    strictEqual(code, 0, stderr);
    match(stderr, /Link type 147.* is not decoded/);
    const report = JSON.parse(stdout);
    deepStrictEqual(report.files[0].linktypes, [147]);
    deepStrictEqual([report.packets, report.protocols.other.packets], [3, 3]);
  }));

Deno.test("analyze reads on after a file that it cannot read, and ends with status 4", () =>
  withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/text`, "no capture");
    const { code, stdout, stderr } = await runProgram(
      ["analyze", "--json", "text", demoCapture, "nowhere"],
      { cwd },
    );
    strictEqual(code, 4);
    match(stderr, /Cannot read text.*\n.*Cannot read nowhere.*\ntapwatch: 2 of 3 files could not/);
    const report = JSON.parse(stdout);
    strictEqual(report.packets, 25_208);
    const unreadable = report.unreadable.map(({ path }: { path: string }) => path);
    deepStrictEqual(unreadable, ["text", "nowhere"]);
    const none = { code: 4, message: /None of the files could be read/ };
    await refused(["analyze", "text", "nowhere"], none, { cwd });
  }));

Deno.test("analyze does not overwrite what it reads", () =>
  withFolder(async (cwd) => {
    await Deno.copyFile(demoCapture, `${cwd}/mine.gz`);
    const message = /would overwrite the capture/;
    await refused(["analyze", "mine.gz", "--flows", "./mine.gz"], { code: 2, message }, { cwd });
    deepStrictEqual(await Deno.readFile(`${cwd}/mine.gz`), await Deno.readFile(demoCapture));
  }));

Deno.test("an output that cannot be written ends analyze with status 1", () =>
  withFolder(async (cwd) => {
    const message = /Cannot write no\/such\/folder: no such file or directory/;
    const args = ["analyze", demoCapture, "--eve", "no/such/folder"];
    await refused(args, { code: 1, message }, { cwd });
  }));

Deno.test("a results folder with a file in its place is refused", () =>
  withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/taken`, "mine");
    const args = ["replay", demoCapture, "--results", "taken", "--port", String(freePort())];
    const message = /Cannot write to the results folder taken: a file .* --results DIR/;
    await refused(args, { code: 1, message }, { cwd });
    strictEqual(await Deno.readTextFile(`${cwd}/taken`), "mine");
  }));

testWith(
  missingForRoot("setpriv"),
  "a results folder without permission to write is refused",
  () =>
    withFolder(async (cwd) => {
      await Deno.mkdir(`${cwd}/locked`, { mode: 0o555 });
      const prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
      const args = ["replay", demoCapture, "--results", "locked", "--port", String(freePort())];
      const message = /Cannot write to the results folder locked: permission denied/;
      await refused(args, { code: 1, message }, { cwd, prefix });
      deepStrictEqual(namesIn(`${cwd}/locked`), []);
    }),
);

Deno.test("a port in use is refused with its holder, before anything is written", () =>
  withFolder(async (cwd) => {
    using holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = holder.addr;
    const named = Deno.build.os === "linux" ? `by deno \\(pid ${Deno.pid}\\)` : "";
    const message = new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is in use ${named}.*--port N`);
    await refused(["replay", demoCapture, "--port", String(port)], { code: 1, message }, { cwd });
    deepStrictEqual(namesIn(cwd), []);
  }));

Deno.test("a database of a newer version is refused and left as it is", () =>
  withFolder(async (cwd) => {
    const path = `${cwd}/results/packet_logs.db`;
    await Deno.mkdir(`${cwd}/results`);
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version = 99; PRAGMA application_id = 0x74617077;
      CREATE TABLE meta(key, value); INSERT INTO meta VALUES ('tool_version', '9.9.9')`);
    database.close();
    await Deno.writeFile(`${cwd}/results/captured_traffic.pcap`, pcapFile([]));
    const before = await Deno.readFile(path);
    const args = ["replay", demoCapture, "--port", String(freePort())];
    const message = /has schema version 99, written by tapwatch 9\.9\.9/;
    await refused(args, { code: 2, message }, { cwd });
    deepStrictEqual(await Deno.readFile(path), before);
    ok(namesIn(`${cwd}/results`).includes("captured_traffic.pcap"));
    await refused(["export", "flows"], { code: 2, message }, { cwd });
    deepStrictEqual(await Deno.readFile(path), before);
  }));

Deno.test("a replay of the file that it would write is refused", () =>
  withFolder(async (cwd) => {
    await Deno.mkdir(`${cwd}/results`);
    await Deno.writeFile(`${cwd}/results/captured_traffic.pcap`, pcapFile([]));
    const message = /is the capture file that this replay would write/;
    await refused(["replay", "results/captured_traffic.pcap"], { code: 2, message }, { cwd });
  }));

testWith(
  missingForRoot("unshare", "mount"),
  "without libpcap what insists on it names the package to install, the rest goes without",
  () =>
    withFolder(async (cwd) => {
      const prefix = await withoutLibpcap();
      const expected = { code: 3, message: /needs libpcap[\s\S]*apt install libpcap0\.8/ };
      const byPcap = ["--capture", "pcap", "--results", "r"];
      await refused(["run", ...byPcap], expected, { cwd, prefix });
      await refused(["run", "-i", "lo", ...byPcap], expected, { cwd, prefix });
      await refused(["interfaces", "--capture", "pcap"], expected, { cwd, prefix });
      deepStrictEqual(namesIn(cwd), []);
      const interfaces = await runProgram(["interfaces"], { cwd, prefix });
      match(interfaces.stdout, /^lo +up, running, loopback, 1 \(Ethernet\) +127\.0\.0\.1/m);
      const doctor = await runProgram(["doctor", "-i", "lo", "--port", String(freePort())], {
        cwd,
        prefix,
      });
      match(doctor.stdout, /^ok {7}libpcap: cannot be loaded, and is not needed: AF_PACKET /m);
      match(doctor.stdout, /^ok {7}capture on lo: permitted$/m);
      const { code, stdout } = await runProgram(["analyze", demoCapture], { cwd, prefix });
      strictEqual(code, 0);
      match(stdout, /25,208 packets/);
    }),
);

testWith(
  missingForRoot("setpriv"),
  "without permission to capture run prints the setcap line with the real path",
  () =>
    withFolder(async (cwd) => {
      const prefix = ["setpriv", "--bounding-set=-net_raw,-net_admin"];
      const { stderr } = await refused(
        ["run", "-i", "lo", "--results", "r"],
        { code: 3, message: /No permission to capture on lo[\s\S]*or run tapwatch with sudo/ },
        { cwd, prefix },
      );
      const path = await Deno.realPath(Deno.execPath());
      ok(stderr.includes(`\n    sudo setcap cap_net_raw=ep ${path}\n`), stderr);
      deepStrictEqual(namesIn(cwd), []);
    }),
);

testWith(
  missingForRoot(),
  "an unknown device is refused with the nearest name first",
  () =>
    withFolder(async (cwd) => {
      const message = /no capture device l0o\. Did you mean lo\? Devices: lo, /;
      await refused(["run", "-i", "l0o", "--results", "r"], { code: 2, message }, { cwd });
      deepStrictEqual(namesIn(cwd), []);
    }),
);

testWith(
  missingForRoot(),
  "a bad filter is refused in libpcap's own words",
  () =>
    withFolder(async (cwd) => {
      const message = /unknown port 'http80' in the filter "port http80"/;
      const args = ["run", "-i", loopback, "-f", "port http80", "--results", "r"];
      await refused(args, { code: 2, message }, { cwd });
      deepStrictEqual(namesIn(cwd), []);
    }),
);
