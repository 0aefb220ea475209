/** The small commands and the manners of the command line, through the real program. */
import { EXPORT_KINDS } from "../agent/cli/export.ts";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { VERSION } from "../agent/version.ts";
import {
  demoCapture,
  freePort,
  missingCommands,
  missingForRoot,
  Program,
  programCommand,
  runCommand,
  runProgram,
  testWith,
  withFolder,
} from "./program.ts";

/** Standard output of a command that must succeed without a word on stderr. */
async function outputOf(args: readonly string[], cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(args, cwd === undefined ? {} : { cwd });
  deepStrictEqual([code, stderr], [0, ""]);
  return stdout;
}

Deno.test("--version and --help answer everywhere, on stdout", async () => {
  const version = `tapwatch ${VERSION}\n`;
  strictEqual(await outputOf(["version"]), version);
  strictEqual(await outputOf(["--version"]), version);
  strictEqual(await outputOf(["analyze", "--version"]), version);
  deepStrictEqual(JSON.parse(await outputOf(["version", "--json"])), {
    name: "tapwatch",
    version: VERSION,
  });
  const help = await outputOf(["help"]);
  match(help, /^tapwatch watches the network/);
  strictEqual(await outputOf(["--help"]), await outputOf(["help", "run"]));
  strictEqual(await outputOf(["replay", "-h"]), await outputOf(["help", "replay"]));
});

Deno.test("--check-config refuses what a start would end with: files, users and arguments", () =>
  withFolder(async (cwd) => {
    const check = (...args: string[]) => runProgram([...args, "--check-config"], { cwd });
    const refused: [string[], RegExp][] = [
      [["run", "extra"], /tapwatch run takes no argument, got "extra"/],
      [["replay", "a", "b"], /takes one capture file/],
      [["run", "--blocklist", "none.txt"], /Cannot read none\.txt \(--blocklist\)/],
      [["run", "--filter", "tcp port"], /The capture filter is refused: column/],
      [["run", "--geo-db", "none.mmdb"], /Cannot use --geo-db none\.mmdb: no such file/],
      [["run", "--user", "root"], /--user root gives nothing up/],
      [["run", "--user", "nobody-of-this-name"], /There is no user "nobody-of-this-name"/],
      [
        ["run", "--fleet", "tls://hub", "--fleet-credentials", "none.json"],
        /Cannot read the fleet's credentials none\.json: no such file/,
      ],
      [["hub"], /Cannot read the fleet's credentials fleet\/hub\.json: no such file/],
    ];
    for (const [args, said] of refused) {
      const { code, stdout, stderr } = await check(...args);
      deepStrictEqual([code, stdout], [2, ""], args.join(" "));
      match(stderr, said);
    }
    const absent = await check("replay", "absent.pcap");
    strictEqual(absent.code, 4);
    match(absent.stderr, /absent\.pcap/);
    await Deno.writeTextFile(`${cwd}/list.txt`, "192.0.2.7\n");
    const filter = ["--filter", "host example.org and (tcp port https or vlan 7)"];
    const good = [["run", "--blocklist", "list.txt"], ["run", "--user", "nobody"], ["replay"]]
      .concat([["run", ...filter]]);
    for (const args of good) strictEqual((await check(...args)).code, 0, args.join(" "));
    deepStrictEqual([...Deno.readDirSync(cwd)].map(({ name }) => name), ["list.txt"]);
  }));

Deno.test("doctor looks at block lists", () =>
  withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/list.txt`, "192.0.2.7\n");
    const { stdout } = await runProgram(["doctor", "--blocklist", "list.txt"], { cwd });
    match(stdout, /^ok +block lists: list\.txt can be read$/m);
    const args = ["doctor", "--blocklist", "list.txt", "--blocklist", "none.txt"];
    const { stdout: bad, code } = await runProgram(args, { cwd });
    match(bad, /^failed +block lists: Cannot read none\.txt/m);
    ok(code !== 0);
  }));

Deno.test("the options of run do nothing to a command that takes them without need", () =>
  withFolder(async (cwd) => {
    const args = ["analyze", demoCapture, "--results", "r", "--allow-ffi", "--log-level", "error"];
    match(await outputOf(args, cwd), /25,208 packets/);
    deepStrictEqual([...Deno.readDirSync(cwd)], []);
  }));

testWith(missingForRoot(), "interfaces lists devices for people and as JSON", async () => {
  const text = await outputOf(["interfaces"]);
  match(text, /^lo +up, running, loopback, 1 \(Ethernet\) +127\.0\.0\.1/m);
  const devices = JSON.parse(await outputOf(["interfaces", "--json"]));
  const loopback = devices.find(({ name }: { name: string }) => name === "lo");
  deepStrictEqual(loopback, {
    name: "lo",
    description: "",
    addresses: loopback.addresses,
    up: true,
    running: true,
    loopback: true,
    linktype: 1,
    default: loopback.default,
  });
  ok(loopback.addresses.includes("127.0.0.1"));
  ok(devices.filter((device: { default: boolean }) => device.default).length <= 1);
  strictEqual(text.trimEnd().split("\n").length, devices.length);
});

testWith(
  missingForRoot(),
  "doctor finds nothing wrong where nothing is, and leaves no trace",
  () =>
    withFolder(async (cwd) => {
      const args = ["doctor", "-i", "lo", "--port", String(freePort())];
      const text = await outputOf(args, cwd);
      match(text, /^ok {7}libpcap: libpcap version \d/);
      match(text, /^ok {7}capture on lo: permitted$/m);
      match(text, /^ok {7}results folder: results can be made$/m);
      deepStrictEqual([...Deno.readDirSync(cwd)], []);
      const checks = JSON.parse(await outputOf([...args, "--json"], cwd));
      deepStrictEqual(checks.map(({ name }: { name: string }) => name), [
        "libpcap",
        "capture on lo",
        "privileges",
        "processes",
        "settings",
        "results folder",
        "disk",
        "database",
        "clock",
        "dashboard port",
        "mail server",
        "anomaly model",
      ]);
      ok(checks.every((check: object) => Object.keys(check).join() === "name,state,text,fix"));
    }),
);

testWith(
  missingForRoot("setpriv"),
  "doctor says the fix for each thing that is wrong",
  () =>
    withFolder(async (cwd) => {
      using holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = holder.addr;
      await Deno.writeTextFile(`${cwd}/taken`, "");
      const args = ["doctor", "-i", "lo", "--port", String(port), "--results", "taken"];
      const prefix = ["setpriv", "--bounding-set=-net_raw,-net_admin"];
      const { code, stdout, stderr } = await runProgram(args, { cwd, prefix });
      strictEqual(code, 3);
      match(
        stdout,
        /^failed {3}capture on lo: No permission .*\n.*\n +sudo setcap cap_net_raw=ep /m,
      );
      match(
        stdout,
        /^failed {3}results folder: cannot write to taken: not a directory.*--results/m,
      );
      const inUse =
        `^failed   dashboard port: 127.0.0.1:${port} cannot be used: address already in use ` +
        `by deno \\(pid ${Deno.pid}\\)\\. Name another with --port N$`;
      match(stdout, new RegExp(inUse, "m"));
      match(stdout, /^ok {7}libpcap/);
      strictEqual(
        stderr,
        "tapwatch: 3 of 12 checks failed: capture on lo, results folder, dashboard port.\n",
      );
      match(stdout, /^warning {2}privileges: .*--user NAME/m);
      const { stdout: json } = await runProgram([...args, "--json"], { cwd, prefix });
      for (const { state, fix } of JSON.parse(json)) strictEqual(fix === "", state === "ok");
      const other = await runProgram(["doctor", "-i", "lo", "--port", String(port)], { cwd });
      strictEqual(other.code, 1);
    }),
);

Deno.test("alert-test says what to set up when there is nothing to test", async () => {
  const { code, stderr } = await runProgram(["alert-test"]);
  strictEqual(code, 2);
  match(stderr, /No channel is set up.*--smtp-url URL with --mail-to ADDR/);
});

Deno.test("variables of .env hold, the process's own win, and a log in JSON stays JSON to the end", () =>
  withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/.env`, "TAPWATCH_LOG_FORMAT=json\nTAPWATCH_LOG_LEVEL=error\n");
    const failed = await runProgram(["analyze", "a", "b"], { cwd });
    const lines = failed.stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    deepStrictEqual(lines.map(({ level, text }) => [level, text.slice(0, 14)]), [
      ["error", "Cannot read a:"],
      ["error", "Cannot read b:"],
      ["error", "None of the fi"],
    ]);
    const env = { TAPWATCH_LOG_FORMAT: "text" };
    const { stderr } = await runProgram(["analyze", "a"], { cwd, env });
    match(stderr, /^tapwatch: Cannot read a:/);
  }));

testWith(
  missingCommands("tcpdump"),
  "what a replay wrote is exported as rows and as packets",
  () =>
    withFolder(async (cwd) => {
      const args = ["replay", demoCapture, "--speed", "max", "--results", "r"];
      {
        await using program = await Program.start(args, { cwd });
        await program.logged(/The file is at its end/);
        // Reading beside the writer.
        const csv = await outputOf(["export", "flows", "--results", "r"], cwd);
        match(csv, /^id,start_us,end_us,orig_h,/);
        await checkIncidentPackets(program.url, cwd);
        await checkScanPackets(program.url, cwd);
        strictEqual(await program.stop(), 0);
      }
      const jsonl = await outputOf(["export", "flows", "--format", "jsonl", "--results", "r"], cwd);
      const report = JSON.parse(await outputOf(["analyze", "--json", demoCapture]));
      strictEqual(jsonl.trimEnd().split("\n").length, report.flows.total);
      await checkExportedScans(cwd);

      const filter = "udp and port 53";
      const tapwatch = programCommand(["export", "pcap", "-f", filter, "--results", "r"]);
      const command = `"$@" > slice.pcap && tcpdump -nn -q -t -r slice.pcap | wc -l`;
      const slice = await runCommand(["sh", "-c", command, "sh", ...tapwatch], { cwd });
      const whole = await runCommand([
        "tcpdump",
        "-nn",
        "-q",
        "-t",
        "-r",
        "r/captured_traffic.pcap",
        filter,
      ], {
        cwd,
      });
      strictEqual(Number(slice.stdout), whole.stdout.trimEnd().split("\n").length);
    }),
);

/** The packets of the demo's scan: those of its source while it lasted. */
async function checkScanPackets(url: string, cwd: string): Promise<void> {
  const { scans } = await (await fetch(`${url}/api/scans`)).json();
  const scan = scans.find(({ sources }: { sources: string }) => /192\.168\.10\.57/.test(sources));
  const response = await fetch(`${url}/api/export/pcap?scan=${scan.id}`);
  await Deno.writeFile(`${cwd}/scan.pcap`, new Uint8Array(await response.arrayBuffer()));
  // An ARP reply to it does not print its address.
  const tcpdump = ["tcpdump", "-nn", "-q", "-t", "-r", "scan.pcap", "ip"];
  const { stdout } = await runCommand(tcpdump, { cwd });
  const lines = stdout.trimEnd().split("\n");
  ok(lines.length >= scan.attempts, `${lines.length} packets of ${scan.attempts} probes`);
  deepStrictEqual(lines.filter((line) => !line.includes("192.168.10.57")), []);
  const before = await fetch(`${url}/api/export/pcap?to=2020-01-01T00:00:00Z`);
  strictEqual(before.status, 404);
  match(
    await before.text(),
    /^There are no packets of that time: the capture files begin at 2026-/,
  );
  const missing = await fetch(`${url}/api/export/pcap?anomaly=1`);
  deepStrictEqual([missing.status, await missing.text()], [
    404,
    "There is no anomaly 1 in the database.\n",
  ]);
}

/** The packets of the demo's incident: all between its actor and those it did it to, the last flow to its end. */
async function checkIncidentPackets(url: string, cwd: string): Promise<void> {
  const { incidents: [incident] } = await (await fetch(`${url}/api/incidents`)).json();
  const response = await fetch(`${url}/api/export/pcap?incident=${incident.id}`);
  await Deno.writeFile(`${cwd}/incident.pcap`, new Uint8Array(await response.arrayBuffer()));
  const linesOf = async (file: string, filter: string) => {
    const tcpdump = ["tcpdump", "-nn", "-q", "-t", "-r", file, filter];
    const { stdout } = await runCommand(tcpdump, { cwd });
    return stdout.trimEnd().split("\n");
  };
  const targets: string[] = incident.targets;
  const between = `ip and host 192.168.10.57 and (${
    targets.map((target) => `host ${target}`).join(" or ")
  })`;
  const taken = await linesOf("incident.pcap", "ip");
  deepStrictEqual(taken, await linesOf("incident.pcap", between));
  const all = await linesOf("r/captured_traffic.pcap", between);
  ok(taken.length > 0.95 * all.length, `${taken.length} packets of ${all.length}`);
  const { flows } = await (await fetch(`${url}/api/flows?q=host+192.168.10.57&limit=1000`)).json();
  const last = flows.find(({ resp_h }: { resp_h: string }) => resp_h === "203.0.113.77");
  ok(taken.filter((line) => line.includes(`.${last.orig_p} >`)).length >= last.orig_pkts);
}

/** The scan of the demo, in both formats, is over and has the same id in both. */
async function checkExportedScans(cwd: string): Promise<void> {
  const jsonl = await outputOf(["export", "scans", "--format", "jsonl", "--results", "r"], cwd);
  const scans = jsonl.trimEnd().split("\n").map((line) => JSON.parse(line));
  const scan = scans.find(({ sources }) => sources === '["192.168.10.57"]');
  deepStrictEqual([scan.kind, scan.tool, scan.is_open], ["vertical", "nmap", 0]);
  const csv = await outputOf(["export", "scans", "--results", "r"], cwd);
  ok(csv.includes(`\r\n${scan.id},`) && csv.includes('"[""192.168.10.57""]"'));
  match(await outputOf(["export", "anomalies", "--results", "r"], cwd), /^id,ts_us,.*,is_open,/);
}

Deno.test("export says where it looked when there is nothing", () =>
  withFolder(async (cwd) => {
    for (const kind of ["flows", "pcap"]) {
      const { code, stdout, stderr } = await runProgram(["export", kind, "--results", "no"], {
        cwd,
      });
      ok(code === 1 || code === 2);
      match(stderr, /^tapwatch: .*\bno\b/);
      strictEqual(stdout, "");
    }
  }));

testWith(
  missingCommands("script"),
  "long work shows its progress on a terminal, in one line",
  () =>
    withFolder(async (cwd) => {
      const command = programCommand(["analyze", demoCapture]).map((word) => `'${word}'`).join(" ");
      const { stdout } = await runCommand([
        "script",
        "-qec",
        `stty cols 60; ${command}`,
        "/dev/null",
      ], {
        cwd,
      });
      const drawn = stdout.split("\r").find((text) => text.endsWith("packets"))?.slice(3) ?? "";
      match(drawn, /[█░]{30} \d+ % [\d,]+ packets$/);
      ok(drawn.length < 60, drawn);
      match(stdout, /demo\.pcapng\.gz: pcapng, 25,208 packets/);
    }),
);

Deno.test("a replay reads standard input", () =>
  withFolder(async (cwd) => {
    const stdin = await Deno.readFile(demoCapture);
    const args = ["replay", "-", "--speed", "max", "--results", "r", "--pcap-files", "0"];
    await using program = await Program.start(args, { cwd, stdin });
    await program.logged(/The file is at its end; everything is written\. 25,208 packets seen/);
    strictEqual(await program.stop(), 0);
    deepStrictEqual(
      [...Deno.readDirSync(`${cwd}/r`)].map(({ name }) => name).filter((name) =>
        name.endsWith(".pcap")
      ),
      [],
    );
  }));

Deno.test("a search that cannot be understood ends with 2 and a caret below its place, for rows and for packets", () =>
  withFolder(async (cwd) => {
    for (const kind of [...EXPORT_KINDS, "pcap"]) {
      await Deno.mkdir(`${cwd}/r`, { recursive: true });
      const { code, stdout, stderr } = await runProgram(
        ["export", kind, "--filter", "net 10.0.0.0/8 and hots=1", "--results", "r"],
        { cwd },
      );
      deepStrictEqual([code, stdout], [2, ""], kind);
      match(stderr, /\n {2}net 10\.0\.0\.0\/8 and hots=1\n {21}\^\n$/);
    }
  }));
