/**
 * From a packet to the mail that a server has taken: hosts scan one after the other beside steady traffic, and each one's mail,
 * with its packets attached, is waited for. The packet's time is the kernel's, of the moment when the evidence sufficed; the
 * mail's is that at which a real SMTP server (aiosmtpd) has it whole.
 */
import { DatabaseSync } from "node:sqlite";
import { pcapFile } from "../agent/capture/sample_captures.ts";
import { hasMailServer, type MailServer, startMailServer } from "../tests/mail_server.ts";
import { formatCount, median, minimum, percentile, type Section, size, table } from "./harness.ts";
import { printLive, type Sender } from "./namespaces.ts";
import { executableNote, tapwatchVariants } from "./programs.ts";
import { allDropsOf, countedOf, delay, type RunningTapwatch, withTapwatch } from "./running.ts";
import { packetsPerConnection, scannerAddress, scanPackets, usualPackets } from "./scan_packets.ts";

const scans = { scanners: size(60, 6), portsEach: 8, secondsBetween: 1 };
const packetsBesides = 50_000;
/** Waited for the last mails after everything was sent. */
const patienceMs = 30_000;
const title = "run: from packet to mail";
const promise = "p99 from packet to mail taken by the server at most 10 s, beside 50,000 packets/s";
const dropsPromise = "0 drops while mails go out beside 50,000 packets/s";

const isMissing = hasMailServer ? null : "Not run: python3-aiosmtpd is missing.";
await printLive({ title, promises: [promise, dropsPromise], isMissing }, benchMails);

interface MailRun {
  readonly delaysMs: readonly number[];
  /** Packets counted while it ran, and dropped anywhere. */
  readonly packets: number;
  readonly drops: number;
  readonly seconds: number;
}

async function benchMails(sender: Sender): Promise<Section> {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-bench-" });
  const [scanning, usual] = [`${folder}/scans.pcap`, `${folder}/usual.pcap`];
  await Deno.writeFile(scanning, pcapFile(scanPackets(scans)));
  await Deno.writeFile(usual, pcapFile(usualPackets(packetsBesides / packetsPerConnection)));
  const quiet = await measure(sender, scanning, null);
  const busy = await measure(sender, scanning, usual);
  await Deno.remove(folder, { recursive: true });
  const runs = [["nothing else", quiet], [
    `${formatCount(packetsBesides)} packets/s`,
    busy,
  ]] as const;
  const p99 = percentile(busy.delaysMs, 0.99);
  const isComplete = runs.every(([, { delaysMs }]) => delaysMs.length === scans.scanners);
  const rate = busy.packets / busy.seconds;
  return {
    title,
    blocks: [
      `${scans.scanners} hosts probe ${scans.portsEach} closed ports each, one host a second, and each is an incident with a mail of its ` +
      "own, its packets attached; `--alerts-per-hour` is raised for that. The delay is from the kernel's timestamp of the packet that " +
      "completed the evidence to the moment at which an SMTP server on the same machine has the whole mail. Beside it tcpreplay sends " +
      "2,000 connections of 25 packets each second.",
      table(
        ["beside", "mails", "fastest", "median", "p99", "slowest", "packets/s", "drops"],
        runs.map(([name, { delaysMs, packets, seconds, drops }]) => [
          name,
          `${delaysMs.length} of ${scans.scanners}`,
          milliseconds(minimum(delaysMs)),
          milliseconds(median(delaysMs)),
          milliseconds(percentile(delaysMs, 0.99)),
          milliseconds(Math.max(...delaysMs)),
          formatCount(Math.round(packets / seconds)),
          formatCount(drops),
        ]),
      ),
      ...executableNote(),
    ],
    targets: [
      {
        promise,
        measured: `${milliseconds(p99)} beside ${formatCount(Math.round(rate))} packets/s${
          isComplete ? "" : "; not every mail came"
        }`,
        isMet: isComplete && p99 <= 10_000 && rate >= packetsBesides * 0.95,
      },
      {
        promise: dropsPromise,
        measured: `${formatCount(busy.drops)} of ${formatCount(busy.packets + busy.drops)}`,
        isMet: busy.drops === 0,
      },
    ],
  };
}

async function measure(sender: Sender, scanning: string, besides: string | null): Promise<MailRun> {
  const [tapwatch] = tapwatchVariants();
  const server = await startMailServer([]);
  const options = [
    ...["--smtp-url", `smtp://127.0.0.1:${server.port}?security=none`],
    ...["--mail-to", "ops@example.org", "--alerts-per-hour", "10000"],
  ];
  const measured = withTapwatch(tapwatch, options, async (running, results) => {
    await running.untilCapturing();
    await using _noise = besides === null ? null : sender.sendSteadily(besides, packetsBesides);
    // tcpreplay loads its file first.
    if (besides !== null) await untilPackets(running, packetsBesides);
    const abort = new AbortController();
    const taken = collectMails(server, abort.signal);
    const before = await running.metrics();
    const startedMs = performance.now();
    await sender.sendAtOwnSpeed(scanning);
    const after = await running.metrics();
    const seconds = (performance.now() - startedMs) / 1000;
    await Promise.race([taken.all, delay(patienceMs)]);
    abort.abort();
    return {
      delaysMs: delaysOf(taken.atMs, `${results}/packet_logs.db`),
      packets: countedOf(after) - countedOf(before),
      drops: allDropsOf(await running.metrics()),
      seconds,
    };
  });
  return await measured.finally(() => server.stop());
}

/** When the first mail about each scanner was taken. */
function collectMails(server: MailServer, signal: AbortSignal) {
  const atMs = new Map<string, number>();
  const collect = async () => {
    while (atMs.size < scans.scanners && !signal.aborted) {
      const { taken, at } = await server.next();
      const subject = new Map(taken?.headers ?? []).get("Subject") ?? "";
      const scanner = /\b10\.99\.0\.\d+\b/.exec(subject)?.[0];
      if (scanner !== undefined && !atMs.has(scanner)) atMs.set(scanner, at! * 1000);
    }
  };
  // The server's end, when not all came in time.
  const all = collect().catch(() => {});
  return { atMs, all };
}

/** Milliseconds from the packet by which each scan was detected to its mail. */
function delaysOf(atMs: ReadonlyMap<string, number>, path: string): number[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare(
    "SELECT sources, min(detected_us) AS us FROM scans GROUP BY sources",
  )
    .all();
  database.close();
  const detectedMs = new Map(
    rows.map(({ sources, us }) => [JSON.parse(String(sources))[0] as string, Number(us) / 1000]),
  );
  return Array.from({ length: scans.scanners }, (_, scanner) => scannerAddress(scanner))
    .filter((address) => atMs.has(address) && detectedMs.has(address))
    .map((address) => atMs.get(address)! - detectedMs.get(address)!);
}

async function untilPackets(running: RunningTapwatch, packets: number): Promise<void> {
  while (countedOf(await running.metrics()) < packets) await delay(100);
}

function milliseconds(value: number): string {
  return Number.isFinite(value) ? `${formatCount(Math.round(value))} ms` : "never";
}
