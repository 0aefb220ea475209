/** Each thread crashes at random moments of a replay, and of a live capture: it is counted, the rest goes on, and what was written is sound. */
import { ok, strictEqual } from "node:assert/strict";
import {
  demoPackets,
  FragileWorker,
  patiently,
  query,
  until,
  withCapture,
  withReplay,
} from "../fragile_replay.ts";
import { makeFrames, runInNamespace, withVeth, writePcap } from "../live_veth.ts";
import { missingForRoot, missingNamespaces, testWith } from "../program.ts";
import { byForm, randomMs, sleep } from "./lab.ts";

/** Packet sockets of this process: of all of the network namespace, which stand one a line below a heading, those that it has open. */
function packetSockets(): number {
  const [, ...lines] = Deno.readTextFileSync("/proc/self/net/packet").trim().split("\n");
  const inodes = new Set(lines.map((line) => line.trim().split(/\s+/).at(-1)));
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/self/fd/${name}`)) ?? [];
      return inode !== undefined && inodes.has(inode);
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** First the one that ends by itself, at the end of the file. */
const threads = ["replay", "pipeline", "store", "recorder", "detect", "eve"];

for (let round = 0; round < byForm(1, 100); round++) {
  Deno.test(`each thread crashes at a random moment (round ${round + 1})`, () =>
    withReplay(["--speed", "30", "--eve-log"], async ({ live, supervisor, folder }) => {
      await until(live, () => (live.snapshot?.packets ?? 0) > 500);
      for (const [crashes, name] of threads.entries()) {
        await sleep(randomMs(300));
        const worker = FragileWorker.started.get(`${name}_worker.ts`)!;
        worker.postMessage("crash");
        await until(live, () => live.workerRestarts > crashes);
        // No event tells it where the replay is over by then.
        await patiently(live, worker.replaced);
      }
      await patiently(live, supervisor.drained);
      await supervisor.stop();
      ok(live.workerRestarts >= threads.length, `${live.workerRestarts} crashes`);
      strictEqual(query(folder, "PRAGMA integrity_check")[0]!.integrity_check, "ok");
      const twice =
        "SELECT count(*) AS n FROM (SELECT id FROM flows GROUP BY id HAVING count(*) > 1)";
      strictEqual(query(folder, twice)[0]!.n, 0);
      const open =
        "SELECT (SELECT count(*) FROM scans WHERE is_open) + (SELECT count(*) FROM anomalies WHERE is_open) AS n";
      strictEqual(query(folder, open)[0]!.n, 0);
      // The last pipeline has seen what came after its start, and no more than there is.
      ok(live.snapshot!.packets <= demoPackets);
      for (const line of (await Deno.readTextFile(`${folder}/eve.json`)).trimEnd().split("\n")) {
        JSON.parse(line);
      }
    }));
}

const ofCapture = ["store", "recorder", "detect", "capture", "pipeline"];
const missing = missingForRoot("ip", "tcpreplay") || await missingNamespaces();

for (let round = 0; round < byForm(1, 100); round++) {
  testWith(
    missing,
    `each thread of a live capture crashes at a random moment, and packets come again (round ${
      round + 1
    })`,
    () =>
      withVeth((veth) =>
        withCapture(veth.device, [], async ({ live, supervisor, folder }) => {
          const pcap = await writePcap(makeFrames(100, 200));
          const sending = ["tcpreplay", "--pps=100", "--loop=0", "-i", veth.far, pcap];
          const sender = runInNamespace(veth, sending);
          try {
            await until(live, () => (live.snapshot?.packets ?? 0) > 0);
            for (const [crashes, name] of ofCapture.entries()) {
              await sleep(randomMs(300));
              const worker = FragileWorker.started.get(`${name}_worker.ts`)!;
              worker.postMessage("crash");
              await until(live, () => live.workerRestarts > crashes);
              await patiently(live, worker.replaced);
              // Each second of the pipeline that is there then.
              const told = live.snapshot;
              await until(live, () =>
                live.sources[0]?.state === "capturing" && live.snapshot !== told &&
                live.snapshot!.packets !== told?.packets && live.snapshot!.packets > 0);
            }
            strictEqual(live.workerRestarts, ofCapture.length);
            await supervisor.stop();
            strictEqual(query(folder, "PRAGMA integrity_check")[0]!.integrity_check, "ok");
            const [{ n }] = query(folder, "SELECT count(*) AS n FROM packets") as [{ n: number }];
            ok(n > 0);
          } finally {
            sender.kill("SIGKILL");
            await sender.status;
            await Deno.remove(pcap);
          }
        })
      ),
  );
}

testWith(
  missing,
  "a pipeline, detect or capture thread that crashes leaves no packet socket open and takes no packets away",
  () =>
    withVeth((veth) => {
      const args = ["--capture", "afpacket", "--capture-threads", "2"];
      return withCapture(veth.device, args, async ({ live, supervisor }) => {
        const packets = () => live.snapshot?.packets ?? 0;
        const isCapturing = () => live.sources[0]?.state === "capturing";
        const pcap = await writePcap(makeFrames(100, 200).map(ofAnotherHost));
        await until(live, () =>
          isCapturing() && live.snapshot !== null && live.processes?.hasTap === true);
        const opened = packetSockets();
        for (const [crashes, name] of ["pipeline", "detect", "capture"].entries()) {
          FragileWorker.started.get(`${name}_worker.ts`)!.postMessage("crash");
          await until(live, () =>
            live.workerRestarts > crashes);
          // The pause before the next start, the drain of those before, and a second's snapshot.
          await sleep(3000);
          await until(live, isCapturing);
          // The tap of processes is closed when its last wait ends.
          await until(live, () => packetSockets() === opened);
          const before = packets();
          await runInNamespace(veth, ["tcpreplay", "--pps=1000", "-i", veth.far, pcap]).status;
          await until(live, () => packets() >= before + 100);
        }
        await Deno.remove(pcap);
        await supervisor.stop();
      });
    }),
);

/** Of a frame in hexadecimal; the threads share packets out by their addresses. */
function ofAnotherHost(frame: string, index: number): string {
  const sourceAt = 52;
  const source = (0x0a090100 + index).toString(16).padStart(8, "0");
  return frame.slice(0, sourceAt) + source + frame.slice(sourceAt + source.length);
}
