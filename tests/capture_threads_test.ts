/**
 * --capture-threads: two programs watch the same traffic at the same time, one with one thread and one with two, and have the
 * same flows, packets, bytes, hosts, names and findings in their databases.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { ask, until } from "./faults/lab.ts";
import { withVeth, writePcap } from "./live_veth.ts";
import {
  demoCapture,
  missingForRoot,
  missingNamespaces,
  mustRun,
  Program,
  runProgram,
  testWith,
  withFolder,
} from "./program.ts";

const packetsPerSecond = 5000;

testWith(
  missingForRoot("ip", "tcpreplay") || await missingNamespaces(),
  "two capture threads count and find what one does, and each flow is in one of them",
  () =>
    withVeth((veth) =>
      withFolder(async (folder) => {
        const replay = async (path: string) =>
          await mustRun(
            ...["ip", "netns", "exec", veth.namespace, "tcpreplay", "--quiet"],
            ...["--intf1", veth.far, "--pps", `${packetsPerSecond}`, path],
          );
        const demo = `${folder}/demo.pcapng`;
        await unpack(demoCapture, demo);
        const frames = await writePcap(conversations());
        const folders = [1, 2].map((threads) => `${folder}/${threads}`);
        const programs = await Promise.all(folders.map((results, index) =>
          Program.start([
            ...[
              "run",
              "-i",
              veth.device,
              "--capture",
              "afpacket",
              "--capture-threads",
              `${index + 1}`,
            ],
            ...["--results", results, "--log-packets", "all", "--allow-ffi", "--no-processes"],
          ])
        ));
        for (const program of programs) {
          await program.untilMetrics((text) => /^tapwatch_capture_up\{.*\} 1$/m.test(text));
        }
        await replay(demo);
        await replay(frames);
        const sent = 25_208 + conversations().length;
        for (const program of programs) {
          await program.untilMetrics((text) => packetsOf(text) >= sent);
        }
        // On a busy machine the database is seconds behind, and an end does not wait for so long.
        for (const results of folders) {
          const count = () => Number(ask(results, "SELECT count(*) FROM packets")[0]);
          await until("a row of each packet", () => count() >= sent);
        }
        const shared = await programs[1].metric("tapwatch_packets_total");
        for (const program of programs) equal(await program.stop(), 0, program.log);
        await Deno.remove(frames);
        const [one, two] = folders.map(readResults);
        equal(shared, sent);
        deepEqual(differences(one.totals, two.totals), []);
        deepEqual(differences(one.flows, two.flows), []);
        deepEqual(differences(one.hosts, two.hosts), []);
        deepEqual(differences(one.findings, two.findings), []);
        ok(one.findings.length > 0 && one.flows.length > 2000);
        equal(new Set(two.ids).size, two.ids.length);
        // Both took part: their flows have odd and even numbers.
        const odd = two.ids.filter((id) => id % 2 === 1).length;
        ok(
          odd > two.ids.length / 10 && odd < two.ids.length * 9 / 10,
          `${odd} of ${two.ids.length}`,
        );
      })
    ),
);

testWith(
  missingForRoot(),
  "libpcap is not asked to share packets out, and that is said",
  async () => {
    const { code, stderr } = await runProgram([
      "run",
      "--capture",
      "pcap",
      "--capture-threads",
      "2",
    ]);
    equal(code, 2);
    ok(/Give --capture afpacket/.test(stderr), stderr);
  },
);

/** What only one of two lists has, each line as often. */
function differences(one: readonly string[], other: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of one) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of other) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts].filter(([, count]) => count !== 0).map(([line, count]) => `${count} ${line}`);
}

async function unpack(from: string, to: string): Promise<void> {
  const packed = await Deno.open(from);
  const unpacked = packed.readable.pipeThrough(new DecompressionStream("gzip"));
  await Deno.writeFile(to, unpacked);
}

function packetsOf(metrics: string): number {
  return Number(/^tapwatch_packets_total (\d+)/m.exec(metrics)?.[1] ?? NaN);
}

/** What must be the same, without times, which are each program's. */
function readResults(folder: string) {
  const database = new DatabaseSync(`${folder}/packet_logs.db`, { readOnly: true });
  const rows = (sql: string) =>
    database.prepare(sql).all().map((row) => Object.values(row).join(" "));
  const flows = rows(
    `SELECT proto, orig_h, orig_p, resp_h, resp_p, vlan_id, service, conn_state, history, name, ja4,
       orig_pkts, resp_pkts, orig_bytes, resp_bytes, orig_wire_bytes, resp_wire_bytes, community_id,
       local_orig, local_resp, orig_retransmissions, resp_retransmissions
     FROM flows ORDER BY 1, 2, 3, 4, 5, 6, start_us`,
  );
  const counters = "sum(packets), sum(bytes), sum(new_flows), sum(tcp_packets), sum(udp_packets)";
  const host = "address, mac, name, is_local, in_packets, in_bytes, out_packets, out_bytes";
  const result = {
    flows,
    ids: database.prepare("SELECT id FROM flows").all().map(({ id }) => Number(id)),
    totals: [...rows(`SELECT ${counters} FROM stats`), ...rows("SELECT count(*) FROM packets")],
    hosts: rows(`SELECT ${host} FROM hosts ORDER BY 1`),
    findings: [
      ...rows("SELECT kind, probe, sources, targets, ports FROM scans ORDER BY 1, 2, 3"),
      ...rows("SELECT kind, entity, sources FROM anomalies ORDER BY 1, 2"),
    ],
  };
  database.close();
  return result;
}

/** Both directions of some flows, each pair of hosts with its cards: with fragments, tagged once and twice, IPv6. */
function conversations(): string[] {
  return Array.from({ length: 24 }, (_, n) => [...turns(n, false), ...turns(n, true)]).flat();
}

function turns(n: number, isAnswer: boolean): string[] {
  const ends = [`0a5a00${hex(n + 1, 2)}`, `0a5a01${hex(7 * n + 3, 2)}`];
  const ends6 = ends.map((end) => `20010db8${"0".repeat(16)}${end}`);
  const macs = ends.map((end) => `0200${end}`);
  const there = isAnswer ? 0 : 1;
  const link = macs[there] + macs[1 - there];
  const ip = (fragment: number, payload: string) =>
    `4500${hex(20 + payload.length / 2, 4)}${hex(n + 1, 4)}${hex(fragment, 4)}40110000` +
    ends[1 - there] + ends[there] + payload;
  const tag = hex(n + 2, 4);
  const whole = udp(isAnswer, 28);
  return [
    // A datagram of 36 bytes in two.
    `${link}0800${ip(0x2000, whole.slice(0, 48))}`,
    `${link}0800${ip(0x0003, whole.slice(48))}`,
    `${link}8100${tag}0800${ip(0, udp(isAnswer, 30))}`,
    `${link}88a8${tag}8100${tag}0800${ip(0, udp(isAnswer, 31))}`,
    `${link}86dd60000000001c1140${ends6[1 - there]}${ends6[there]}${udp(isAnswer, 20)}`,
  ];
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function udp(isAnswer: boolean, payloadBytes: number): string {
  const ports = isAnswer ? "1f909c40" : "9c401f90";
  return `${ports}${hex(8 + payloadBytes, 4)}0000${"ab".repeat(payloadBytes)}`;
}
