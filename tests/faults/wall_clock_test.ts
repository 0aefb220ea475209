/**
 * Somebody sets the clock of the host while it captures, by a day or ten years and back (libfaketime; packets keep the kernel's
 * time, as they do until the kernel is told). Sessions, waits and pauses go by a clock that nobody sets: unit tests hold them.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { makeFrames, runInNamespace, type Veth, withVeth, writePcap } from "../live_veth.ts";
import {
  metricOf,
  missingForRoot,
  missingNamespaces,
  OutputText,
  Program,
  spawn,
  testWith,
  withFolder,
} from "../program.ts";
import { ask, byForm, checkDatabase, checkLog, until } from "./lab.ts";

const library = ["x86_64", "aarch64"]
  .map((arch) => `/usr/lib/${arch}-linux-gnu/faketime/libfaketimeMT.so.1`).find(existsSync);
const missing = missingForRoot("ip", "tcpreplay", "python3") || await missingNamespaces();
const test = testWith.bind(
  null,
  missing || (library === undefined ? "needs libfaketime" : ""),
);
const framesSent = 200;
const daySeconds = 86_400;
const offsets = [3650, -1, 1, -3650].map((days) => days * daySeconds).slice(0, byForm(2, 4));
const receiver = new URL("../notify_receiver.py", import.meta.url).pathname;

async function send(veth: Veth, program: Program, pcap: string): Promise<void> {
  const seen = await program.metric("tapwatch_packets_total");
  await runInNamespace(veth, ["tcpreplay", "--pps=2000", "-i", veth.far, pcap]).status;
  await program.untilMetrics((text) =>
    metricOf(text, "tapwatch_packets_total") >= seen + framesSent
  );
}

async function post(program: Program, path: string, fields: Record<string, string>) {
  const headers = { "sec-fetch-site": "same-origin", origin: program.url };
  const body = new URLSearchParams(fields);
  const response = await fetch(program.url + path, { method: "POST", body, headers });
  const text = await response.text();
  ok(response.status < 400, `${path}: ${response.status} ${text.slice(0, 200)}`);
}

test("the clock is set by a day and by ten years, to and fro: capture, alerts and the watchdog go on, no history is deleted", () =>
  withVeth((veth) =>
    withFolder(async (folder) => {
      const pcap = await writePcap(makeFrames(framesSent, 200));
      const clock = `${folder}/clock`;
      const setClock = (seconds: number) =>
        Deno.writeTextFileSync(clock, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}`);
      setClock(0);
      const notified = spawn(["python3", receiver, `${folder}/notify`], {});
      notified.stderr.cancel();
      const heard = new OutputText(notified.stdout);
      let told = "";
      const hook = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          told += await request.text() + "\n";
          return new Response("taken");
        },
      );
      const results = `${folder}/r`;
      try {
        await heard.waitFor(/"bound"/);
        await using program = await Program.start(
          ["run", "--allow-ffi", "-i", veth.device, "--results", results, "--log-packets", "all"]
            .concat("--webhook", `http://127.0.0.1:${hook.addr.port}/`),
          {
            env: {
              LD_PRELOAD: library!,
              FAKETIME_TIMESTAMP_FILE: clock,
              FAKETIME_NO_CACHE: "1",
              FAKETIME_DONT_FAKE_MONOTONIC: "1",
              DONT_FAKE_MONOTONIC: "1",
              FAKETIME_DONT_RESET: "1",
              NOTIFY_SOCKET: `${folder}/notify`,
              WATCHDOG_USEC: "900000",
            },
          },
        );
        const up = `tapwatch_capture_up{interface="${veth.device}"}`;
        await program.untilMetrics((text) => metricOf(text, up) === 1);
        await send(veth, program, pcap);
        const rows = () => Number(ask(results, "SELECT count(*) FROM packets")[0]);
        await until("rows", () => rows() >= framesSent);
        let sent = 1;
        for (const offset of offsets.flatMap((seconds) => [seconds, 0])) {
          const before = rows();
          const text = program.log.length;
          setClock(offset);
          await until("it is said", () =>
            /The clock of this host went (forward|back) by [\d,]+ days? at once/
              .test(program.log.slice(text)));
          await send(veth, program, pcap);
          sent++;
          const alerts = told.length;
          await post(program, "/api/alerts/test", {});
          await until("a test alert is told", () =>
            told.length > alerts);
          const barks = heard.text.split("WATCHDOG=1").length;
          await until("the watchdog hears of it", () =>
            heard.text.split("WATCHDOG=1").length > barks + 1);
          strictEqual(
            await fetch(`${program.url}/readyz`).then((answer) =>
              answer.body?.cancel().then(() =>
                answer.status
              )
            ),
            200,
          );
          match(await program.get("/status"), /capturing/);
          strictEqual(await program.metric(up), 1);
          await until("rows of it", () =>
            rows() >= before + framesSent);
        }
        ok(rows() >= sent * framesSent);
        // Nothing stands still, and nothing was taken for silence or a crash.
        strictEqual(await program.metric("tapwatch_worker_restarts_total"), 0);
        ok(!/No packet on/.test(told), told);
        strictEqual(await program.stop(), 0);
        checkLog(program.log);
        checkDatabase(results);
      } finally {
        await hook.shutdown();
        notified.kill("SIGKILL");
        await notified.status;
        await heard.ended;
        await Deno.remove(pcap);
      }
    })
  ));
