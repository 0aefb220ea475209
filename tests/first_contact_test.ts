/** First contacts as findings, by the whole program: off by default, each once, a few in a minute, alerted to nobody. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { pcapFile, type SamplePacket } from "../agent/capture/sample_captures.ts";
import { findingsPerMinuteMax } from "../agent/cli/first_contact_findings.ts";
import type { LinkEnd } from "../agent/pipeline/testing/link_frames.ts";
import { until } from "./faults/lab.ts";
import { segment } from "./hostile_capture.ts";
import { metricOf, Program, withFolder } from "./program.ts";

const startS = Date.UTC(2026, 5, 1) / 1000;
const hourS = 3600;
/** All are known for a day by then. */
const lateS = startS + 26 * hourS;
const [syn, ack, push, fin] = [2, 16, 24, 17];

const device = (byte: number): LinkEnd => ({
  mac: `02:00:00:00:07:${byte.toString(16).padStart(2, "0")}`,
  ip: `192.168.7.${byte}`,
});
const [laptop, camera, newcomer] = [device(20), device(57), device(99)];
const elsewhere = (ip: string): LinkEnd => ({ mac: "02:00:00:00:07:01", ip });
const cloud = elsewhere("203.0.113.10");
const stranger = elsewhere("198.51.100.200");
const other = elsewhere("192.0.2.77");

class Capture {
  readonly #packets: SamplePacket[] = [];
  #port = 40_000;

  talk(atS: number, from: LinkEnd, to: LinkEnd, port: number): this {
    const own = ++this.#port;
    const data = new TextEncoder().encode("hello");
    const steps: [boolean, number, number, number, Uint8Array?][] = [
      [true, syn, 100, 0],
      [false, syn | ack, 900, 101],
      [true, push, 101, 901, data],
      [false, push, 901, 106, data],
      [true, fin, 106, 906],
      [false, fin, 906, 107],
      [true, ack, 107, 907],
    ];
    steps.forEach(([isUp, flags, seq, acked, data = new Uint8Array(0)], index) => {
      const ends = isUp ? [from, to] as const : [to, from] as const;
      const ports = isUp ? [own, port] as const : [port, own] as const;
      const bytes = segment(...ends, ports, { seq, ack: acked, flags, data });
      const nanosecond = index * 1_000_000;
      this.#packets.push({ seconds: atS, nanosecond, wireLength: bytes.length, data: bytes });
    });
    return this;
  }

  write(path: string): void {
    Deno.writeFileSync(path, pcapFile(this.#packets));
  }
}

/** What is usual, for a day and more; too seldom for a beacon. */
function usual(): Capture {
  const capture = new Capture();
  for (const hour of [0, 2, 9, 20]) {
    capture.talk(startS + hour * hourS, camera, cloud, 443);
    capture.talk(startS + hour * hourS + 60, laptop, camera, 80);
  }
  return capture;
}

async function replay(cwd: string, file: string, args: readonly string[] = []) {
  const program = await Program.start(
    ["replay", file, "--speed", "max", "--results", "r", ...args],
    { cwd },
  );
  await program.logged(/file is at its end/);
  return program;
}

function query(cwd: string, sql: string): unknown[][] {
  const database = new DatabaseSync(`${cwd}/r/packet_logs.db`, { readOnly: true });
  try {
    return database.prepare(sql).all().map((row) => Object.values(row));
  } finally {
    database.close();
  }
}

/** Whom nobody answers: without anybody to tell there are no alerts. */
const asked = ["--first-contact-findings", "--webhook", "http://127.0.0.1:9/"];
const alerts = "SELECT severity FROM alerts WHERE incident_id IS NOT NULL";
const findings =
  "SELECT severity, sources, targets, ports, is_open FROM anomalies WHERE kind = 'first_contact' ORDER BY ts_us";

Deno.test("with --first-contact-findings each first contact is a finding, once, and alerts nobody", () =>
  withFolder(async (cwd) => {
    usual()
      .talk(lateS, newcomer, cloud, 443)
      .talk(lateS + 60, laptop, camera, 23)
      .talk(lateS + 120, camera, stranger, 443)
      .write(`${cwd}/one.pcap`);
    new Capture()
      .talk(lateS + 600, camera, stranger, 443)
      .talk(lateS + 660, laptop, camera, 23)
      .talk(lateS + 720, camera, other, 443)
      .write(`${cwd}/two.pcap`);
    const expected = [
      ["low", `["${newcomer.ip}"]`, "[]", "", 0],
      ["low", `["${camera.ip}"]`, "[]", "23", 0],
      ["info", `["${camera.ip}"]`, `["${stranger.ip}"]`, "", 0],
    ];
    {
      await using program = await replay(cwd, "one.pcap", asked);
      deepStrictEqual(query(cwd, findings), expected);
      const metrics = await program.get("/metrics");
      strictEqual(metricOf(metrics, 'tapwatch_findings_total{kind="first_contact"}'), 3);
      const [[id]] = query(cwd, "SELECT id FROM anomalies WHERE ports = '23'") as [[number]];
      const page = await program.get(`/anomalies/${id}`);
      match(page, /First contact/);
      match(page, /answered as a server for the first time/);
      const headlines = query(cwd, "SELECT actor, severity, headline FROM incidents ORDER BY 1");
      deepStrictEqual(headlines.map(([actor, severity]) => [actor, severity]), [
        [camera.ip, "low"],
        [newcomer.ip, "low"],
      ]);
      match(
        String(headlines[0]![2]),
        /first answered on port 23 and first talked to 198\.51\.100\.200$/,
      );
      deepStrictEqual(query(cwd, alerts), []);
      const joined = query(
        cwd,
        "SELECT count(*) FROM incident_findings JOIN anomalies ON finding_id = anomalies.id WHERE kind = 'first_contact'",
      );
      deepStrictEqual(joined, [[3]]);
    }
    for (const [file, more] of [["one.pcap", []], ["two.pcap", [other.ip]]] as const) {
      await using _program = await replay(cwd, file, asked);
      deepStrictEqual(query(cwd, findings), [
        ...expected,
        ...more.map((ip) => ["info", `["${camera.ip}"]`, `["${ip}"]`, "", 0]),
      ]);
    }
  }));

Deno.test("without the option first contacts are no findings; with it a crowd is a few", () =>
  withFolder(async (cwd) => {
    const capture = usual();
    for (let byte = 100; byte < 140; byte++) capture.talk(lateS, device(byte), cloud, 443);
    capture.write(`${cwd}/crowd.pcap`);
    {
      await using _program = await replay(cwd, "crowd.pcap");
      deepStrictEqual(query(cwd, findings), []);
      deepStrictEqual(query(cwd, "SELECT count(*) FROM first_contacts"), [[40]]);
    }
    Deno.removeSync(`${cwd}/r`, { recursive: true });
    const args = [...asked, "--alert-severity", "low"];
    await using _program = await replay(cwd, "crowd.pcap", args);
    strictEqual(query(cwd, findings).length, findingsPerMinuteMax);
    await until("an alert", () => query(cwd, alerts).length > 0);
    deepStrictEqual(query(cwd, alerts)[0], ["low"]);
    deepStrictEqual(query(cwd, "SELECT count(*) FROM first_contacts"), [[40]]);
  }));
