/**
 * How many flows of this host get the name of their process, and what looking for it costs: real programs, short ones and
 * long ones, between two network namespaces; then 20,000 new flows/s at this host's address, with and without.
 */
import { DatabaseSync } from "node:sqlite";
import { run } from "../tools/run.ts";
import { pcapFile } from "../agent/capture/sample_captures.ts";
import { TcpFlag, tcpFrame } from "./detection/frames.ts";
import { formatMb, isQuick, type Section, size, table, type Target } from "./harness.ts";
import { device, printLive, type Sender } from "./namespaces.ts";
import {
  isInstalled,
  onOneProcessor,
  python,
  readProcess,
  tapwatchVariants,
  withHogs,
} from "./programs.ts";
import {
  allDropsOf,
  countedOf,
  delay,
  type RunningTapwatch,
  sumOf,
  withTapwatch,
} from "./running.ts";

const title = "run: processes behind flows";
const here = "10.95.0.1";
const there = "10.95.0.2";
const flowsPerSecond = 20_000;
const floodSeconds = size(20, 5);
const stormSeconds = size(10, 3);
/** Longest wait for its first packets. */
const floodMsMax = 120_000;
const second = 1e6;

/** What is started, how often, and which command: `/slow` takes two seconds. */
const workload = [
  { name: "curl, a few ms", count: size(200, 20), command: ["curl", "-s", `http://${there}/now`] },
  { name: "curl, 2 s", count: size(40, 4), command: ["curl", "-s", `http://${there}/slow`] },
  { name: "DNS by a new process", count: size(60, 6), command: [python, "-c", askDns()] },
  { name: "python3, 1.5 s", count: size(20, 2), command: [python, "-c", holdConnection()] },
  {
    name: "python3 with 20 refused ports, 10 ms apart",
    count: size(10, 2),
    command: [python, "-c", tryRefused()],
  },
] as const;
const inbound = size(40, 4);
/** Started at a time. */
const parallel = 3;

/** `named` rightly; `wrong` have another's name. */
interface Share {
  readonly flows: number;
  readonly named: number;
  readonly wrong: number;
}

interface Shares {
  readonly byKind: ReadonlyMap<string, Share>;
  /** As "nginx, port 80". */
  readonly wrongNames: readonly string[];
}

/** Only curl asks port 80 of the other side; all else is python's, the server here too. */
const isRight =
  `CASE WHEN orig_h = '${here}' AND resp_p = 80 THEN process = 'curl' ELSE process GLOB 'python3*' END`;
/** Programs that use up the one processor that tapwatch has in the starved storm. */
const hogs = 3;

const promises = [
  "processes: 95 % of this host's flows longer than 1 s have theirs",
  "processes: 60 % of all of this host's flows have theirs",
  "processes: no flow has a wrong one",
  "processes: nothing waits for them at 20,000 new flows/s, of which some are passed over",
];

const isMissing = isInstalled("curl") ? null : "Not run: curl is missing.";
await printLive({ title, promises, isMissing }, bench);

async function bench(sender: Sender): Promise<Section> {
  await run("ip", ["address", "add", `${here}/24`, "dev", device]);
  await sender.run("ip", "address", "add", `${there}/24`, "dev", sender.device);
  const servers = [
    sender.start(python, "-c", serverCode()),
    new Deno.Command(python, {
      args: ["-m", "http.server", "8000"],
      stdout: "null",
      stderr: "null",
    })
      .spawn(),
  ];
  try {
    await delay(1500);
    const shares = await measureShares(sender);
    const flood = [];
    for (const options of [["--no-processes"], [], ["--no-processes"], []].slice(0, size(4, 2))) {
      flood.push({ options, ...await measureFlood(sender, options) });
    }
    const storm = await measureStorm();
    const starved = await withHogs(hogs, () => measureStorm(onOneProcessor()));
    return section({ shares, flood, storm, starved });
  } finally {
    for (const server of servers) server.kill("SIGKILL");
    for (const server of servers) await server.status;
  }
}

async function measureShares(sender: Sender) {
  return await withTapwatch(tapwatchVariants()[0]!, [], async (running, results) => {
    await running.untilCapturing();
    await delay(1000);
    for (const { command, count } of workload) {
      await runMany(count, ([program, ...args]) => run(program!, args), command);
    }
    const fetch = ["curl", "-s", "-o", "/dev/null", `http://${here}:8000/`];
    await runMany(inbound, (command) => sender.run(...command), fetch);
    await delay(1000);
    await running.stop();
    return readShares(`${results}/packet_logs.db`);
  });
}

async function runMany(
  count: number,
  start: (command: readonly string[]) => Promise<unknown>,
  command: readonly string[],
): Promise<void> {
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      await start(command);
      await delay(20);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

function readShares(path: string): Shares {
  using database = new DatabaseSync(path, { readOnly: true });
  const flows = `FROM flows
      WHERE proto IN ('tcp', 'udp') AND (orig_h = '${here}' OR resp_h = '${here}')`;
  const share = (where: string): Share => {
    const sql = `SELECT count(*) AS flows, count(*) FILTER (WHERE ${isRight}) AS named,
      count(*) FILTER (WHERE NOT ${isRight}) AS wrong ${flows} AND ${where}`;
    return database.prepare(sql).get() as unknown as Share;
  };
  const wrong =
    `SELECT DISTINCT process || ', port ' || resp_p AS name ${flows} AND NOT ${isRight}`;
  const lasted = "end_us - start_us";
  const byKind = new Map([
    ["longer than 1 s", share(`${lasted} > ${second}`)],
    ["TCP begun here", share(`orig_h = '${here}' AND proto = 'tcp'`)],
    [
      "TCP begun here, shorter than 50 ms",
      share(`${lasted} < 50000 AND orig_h = '${here}' AND proto = 'tcp'`),
    ],
    ["TCP begun here and refused", share(`orig_h = '${here}' AND conn_state = 'REJ'`)],
    ["DNS queries", share("resp_p = 53")],
    ["TCP that came in", share(`resp_h = '${here}' AND proto = 'tcp'`)],
    ["all", share("1")],
  ]);
  const wrongNames = database.prepare(wrong).all().map(({ name }) => String(name));
  return { byKind, wrongNames };
}

/** SYNs to this host's address from ever new ports, as fast as 20,000 a second. */
async function measureFlood(sender: Sender, options: readonly string[]) {
  return await withTapwatch(tapwatchVariants()[0]!, options, async (running, results) => {
    const path = `${results}/flood.pcap`;
    await running.untilCapturing();
    await Deno.writeFile(path, pcapFile(floodPackets()));
    await delay(1000);
    const before = readProcess(running.pid);
    const flood = sender.sendSteadily(path, flowsPerSecond);
    // A busy machine takes longer than all of this to load the file.
    await untilFlooded(running);
    await delay(floodSeconds * 1000 / 2);
    const half = readProcess(running.pid);
    await delay(floodSeconds * 1000 / 2);
    const after = readProcess(running.pid);
    flood.kill("SIGKILL");
    await flood.status;
    const metrics = await running.metrics();
    const lookups = (results: string) =>
      sumOf(metrics, new RegExp(`^tapwatch_process_lookups_total\\{result="(${results})"`));
    return {
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      grownBytes: after.rssBytes - half.rssBytes,
      rssBytes: after.rssBytes,
      packets: countedOf(metrics),
      drops: allDropsOf(metrics),
      lookups: lookups("process|user|nothing"),
      passedOver: lookups("passed_over"),
    };
  });
}

/** Resolves with the first packets of it. Throws Error when none come. */
async function untilFlooded(running: RunningTapwatch): Promise<void> {
  for (const endMs = performance.now() + floodMsMax; performance.now() < endMs;) {
    if (countedOf(await running.metrics()) > flowsPerSecond / 10) return;
    await delay(50);
  }
  throw new Error("The flood did not come");
}

/** One program opens connections that are refused, as fast as it can. */
async function measureStorm(prefix: readonly string[] = []) {
  const { name, command } = tapwatchVariants()[0]!;
  const tapwatch = { name, command: [...prefix, ...command] };
  return await withTapwatch(tapwatch, [], async (running, results) => {
    await running.untilCapturing();
    await delay(1000);
    const before = readProcess(running.pid);
    await run(python, ["-c", connectFast()]);
    const half = readProcess(running.pid);
    await run(python, ["-c", connectFast()]);
    await delay(1000);
    const after = readProcess(running.pid);
    const metrics = await running.metrics();
    await running.stop();
    return {
      share: readShares(`${results}/packet_logs.db`).byKind.get("TCP begun here")!,
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      grownBytes: after.rssBytes - half.rssBytes,
      lost: metrics.get("tapwatch_process_events_lost_total") ?? 0,
      passedOver: metrics.get('tapwatch_process_lookups_total{result="passed_over"}') ?? 0,
    };
  });
}

/** Each is another flow: ports and hosts of a network change. */
function floodPackets() {
  const count = 200_000;
  return Array.from({ length: count }, (_, index) => {
    const ends = { source: `10.95.0.${3 + index % 250}`, destination: here };
    const ports = { sourcePort: 1024 + Math.floor(index / 250), destinationPort: 8000 };
    const data = tcpFrame(ends, ports, { flags: TcpFlag.ack });
    return { seconds: Math.floor(index / flowsPerSecond), nanosecond: 0, data };
  });
}

type Storm = Awaited<ReturnType<typeof measureStorm>>;
type Flood = { readonly options: readonly string[] } & Awaited<ReturnType<typeof measureFlood>>;

interface Results {
  readonly shares: Shares;
  readonly flood: readonly Flood[];
  readonly storm: Storm;
  readonly starved: Storm;
}

function section({ shares, flood, storm, starved }: Results): Section {
  const percent = ({ flows, named }: Share) => `${(100 * named / flows).toFixed(1)} %`;
  const mean = (runs: readonly Flood[]) =>
    runs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / runs.length;
  const without = flood.filter(({ options }) => options.length > 0);
  const withThem = flood.filter(({ options }) => options.length === 0);
  const started = [...workload.map(({ name, count }) => `${count} × ${name}`)];
  return {
    title,
    blocks: [
      `Programs on the capturing host, ${parallel} at a time: ${
        started.join(", ")
      }; and ${inbound} requests from outside ` +
      "to a server here. The other end is a namespace of the same machine: connections are as short as they get.",
      table(
        ["flows", "count", "with their process", "with a wrong one"],
        [...shares.byKind].map((
          [name, share],
        ) => [name, String(share.flows), percent(share), String(share.wrong)]),
      ),
      ...shares.wrongNames.length > 0 ? [`Wrong: ${shares.wrongNames.join("; ")}.`] : [],
      `Then ${flowsPerSecond} new flows/s at this host's address for ${floodSeconds} s (segments that nobody answers):`,
      table(
        [
          "run",
          "CPU",
          "peak memory",
          "grown in the second half",
          "packets",
          "drops",
          "looked up",
          "passed over",
        ],
        flood.map((run) => [
          run.options.join(" ") || "with processes",
          `${run.cpuSeconds.toFixed(1)} s`,
          formatMb(run.rssBytes),
          formatMb(run.grownBytes),
          String(run.packets),
          String(run.drops),
          String(run.lookups),
          String(run.passedOver),
        ]),
      ),
      `Looking for processes took ${
        (100 * (mean(withThem) - mean(without)) / floodSeconds).toFixed(0)
      } % of a core at that rate.`,
      `One program that opens connections which are refused, as fast as it can, for ${
        2 * stormSeconds
      } s; then again while tapwatch may use one processor, which it shares with ${hogs} busy programs. What the kernel ` +
      "found no room for is counted (`tapwatch_process_events_lost_total`):",
      table(
        [
          "run",
          "flows",
          "with their process",
          "with a wrong one",
          "passed over",
          "events lost",
          "CPU",
          "grown in the second half",
        ],
        Object.entries({ alone: storm, starved }).map(([name, run]) => [
          name,
          String(run.share.flows),
          percent(run.share),
          String(run.share.wrong),
          String(run.passedOver),
          String(run.lost),
          `${run.cpuSeconds.toFixed(1)} s`,
          formatMb(run.grownBytes),
        ]),
      ),
    ],
    targets: targets({ shares, flood: withThem, storms: [storm, starved] }),
  };
}

function targets({ shares, flood, storms }: {
  readonly shares: Shares;
  readonly flood: readonly Flood[];
  readonly storms: readonly Storm[];
}): Target[] {
  const [long, all, right, bounded] = promises as [string, string, string, string];
  const reach = (promise: string, name: string, least: number): Target => {
    const { flows, named } = shares.byKind.get(name)!;
    const share = named / flows;
    return {
      promise,
      measured: `${(100 * share).toFixed(1)} % of ${flows}`,
      isMet: isQuick ? null : share >= least,
    };
  };
  const wrong = [shares.byKind.get("all")!, ...storms.map(({ share }) => share)]
    .reduce((sum, share) => sum + share.wrong, 0);
  const drops = flood.reduce((sum, run) => sum + run.drops, 0);
  return [
    reach(long, "longer than 1 s", 0.95),
    reach(all, "all", 0.6),
    { promise: right, measured: `${wrong} wrong`, isMet: wrong === 0 },
    {
      promise: bounded,
      measured: `${drops} drops, ${
        flood.map(({ passedOver }) => passedOver).join(" and ")
      } flows passed over`,
      isMet: isQuick ? null : drops === 0 && flood.every(({ passedOver }) => passedOver > 0),
    },
  ];
}

/** HTTP on port 80, DNS on port 53: an answer with the question's number. */
function serverCode(): string {
  return `
import http.server, socket, threading, time
def dns():
  udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  udp.bind(("", 53))
  while True:
    query, sender = udp.recvfrom(512)
    udp.sendto(query[:2] + b"\\x81\\x83" + query[4:], sender)
class Handler(http.server.BaseHTTPRequestHandler):
  def do_GET(self):
    if self.path == "/slow": time.sleep(2)
    self.send_response(200)
    self.send_header("Content-Length", "2")
    self.end_headers()
    self.wfile.write(b"ok")
  def log_message(self, *args): pass
threading.Thread(target=dns, daemon=True).start()
threading.Thread(target=http.server.ThreadingHTTPServer(("", 81), Handler).serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(("", 80), Handler).serve_forever()
`;
}

function askDns(): string {
  return `
import socket
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(2)
udp.connect(("${there}", 53))
udp.send(b"\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x07example\\x03org\\x00\\x00\\x01\\x00\\x01")
udp.recv(512)
`;
}

function tryRefused(): string {
  return `
import socket, time
for port in range(2001, 2021):
  with socket.socket() as connection: connection.connect_ex(("${there}", port))
  time.sleep(0.01)
`;
}

function connectFast(): string {
  return `
import socket, time
end = time.monotonic() + ${stormSeconds}
port = 0
while time.monotonic() < end:
  port = port % 30000 + 1
  with socket.socket() as connection: connection.connect_ex(("${there}", 2000 + port))
`;
}

function holdConnection(): string {
  return `
import socket, time
with socket.create_connection(("${there}", 81)): time.sleep(1.5)
`;
}
