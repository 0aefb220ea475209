/**
 * Reading a large capture file from start to end of the process: `tapwatch analyze` beside flow meters, tcpdump, tshark and
 * Scapy. The files are in the page cache. Tools that are too slow for all of it read its first packets. Each tool
 * also reads a file of one packet, which tells its fixed cost.
 */
import {
  type Contestant,
  formatCount,
  formatMb,
  formatRate,
  formatSeconds,
  printSection,
  size,
  takeTurns,
  type Target,
  timesTable,
} from "./harness.ts";
import { largeCapture, writeFirstPackets } from "./large_capture.ts";
import {
  executableNote,
  isInstalled,
  isScapyInstalled,
  python,
  runProgram,
  tapwatchVariants,
} from "./programs.ts";

/** A program that reads a capture file. */
interface Reader {
  readonly name: string;
  readonly command: (path: string) => readonly string[];
  /** Packets that it reads: all, unless it is slow. */
  readonly packetsMax?: number;
  readonly runsMax?: number;
}

interface Reading {
  readonly name: string;
  /** Of the fastest run, with all that it does before the first packet and after the last. */
  readonly packetsPerSecond: number;
  /** The time of one packet taken off; Infinity where that is nearly all. */
  readonly packetsPerSecondWithoutStart: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

const rounds = size(15, 2);
/** Less of a run's time than this besides its start says nothing. */
const startShareTold = 0.1;
/** Runs of what takes long, and of one packet. */
const fewRounds = size(3, 1);
const fields = ["frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "eth.type"]
  .concat("vlan.id", "ip.version", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.proto")
  .concat("tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.flags")
  .concat("_ws.col.Protocol", "dns.qry.name", "tls.handshake.extensions_server_name", "http.host");
const scapyProgram = `
import sys
from scapy.all import PcapReader, IP
print(sum(IP in packet for packet in PcapReader(sys.argv[1])))
`;

const capture = await largeCapture();
const folder = await Deno.makeTempDir({ prefix: "tapwatch-bench-" });
try {
  const pairs: Contestant[][] = [];
  const figures: (() => Reading)[] = [];
  for (const reader of readers()) {
    const { contestants, reading } = await measured(reader);
    pairs.push(contestants);
    figures.push(reading);
  }
  const results = await takeTurns(pairs.flat(), rounds);
  const wholes = results.filter(({ contestant }) => contestant.operations > 1);
  const readings = new Map(figures.map((figure) => [figure().name, figure()]));
  printSection({
    title: "analyze: a large capture file",
    blocks: [
      `${capture.description}; in the page cache. Wall time of the whole process, the contestants in turns; "start" is ` +
      "the wall time of a file of one packet, CPU the processor time of the fastest run, memory the largest resident memory.",
      timesTable(wholes, {
        unit: "packets",
        headings: ["start", "packets/s without start", "CPU", "memory"],
      }),
      "nfpcapd writes its flows to files, as tapwatch does with `--flows`; softflowd exports nowhere, argus writes to " +
      "`/dev/null`. `tapwatch decode` and `tshark -T fields` print much the same columns. tshark and Scapy read only " +
      "the first packets. Targets are judged by the fastest run of the whole process; that against tshark without " +
      "tshark's start, which would weigh more in the part than in the whole.",
      ...executableNote(),
    ],
    targets: targets(readings),
  });
} finally {
  await Deno.remove(folder, { recursive: true });
}

function readers(): Reader[] {
  const variants = tapwatchVariants();
  const [{ name, command }] = variants;
  return [
    ...variants.map((tapwatch): Reader => ({
      name: tapwatch.name,
      command: (path) => [...tapwatch.command, "analyze", "--json", path],
    })),
    ...peers().filter(({ command }) => isInstalled(command("")[0])),
    {
      name: `${name}, with --flows`,
      command: (path) => [
        ...[...command, "analyze", "--json", "--flows", `${folder}/flows.jsonl`, path],
      ],
      runsMax: fewRounds,
    },
    {
      name: `${name}: decode`,
      command: (path) => [...command, "decode", path],
      runsMax: fewRounds,
    },
    ...slowPeers(),
  ];
}

function peers(): Reader[] {
  return [
    { name: "nfpcapd", command: (path) => ["nfpcapd", "-r", path, "-l", folder] },
    {
      name: "softflowd",
      command: (path) => ["softflowd", "-d", "-c", "none", "-p", `${folder}/pid`, "-r", path],
    },
    { name: "argus", command: (path) => ["argus", "-r", path, "-w", "/dev/null"] },
    {
      name: "tcpdump -q",
      command: (path) => ["tcpdump", "-n", "-q", "-r", path],
      runsMax: fewRounds,
    },
  ];
}

function slowPeers(): Reader[] {
  const tshark: Reader = {
    name: "tshark -T fields",
    command: (path) => [
      ...["tshark", "-n", "-r", path, "-T", "fields"],
      ...fields.flatMap((field) => ["-e", field]),
    ],
    packetsMax: size(100_000, 5_000),
    runsMax: fewRounds,
  };
  const scapy: Reader = {
    name: "Scapy",
    command: (path) => [python, "-c", scapyProgram, path],
    packetsMax: size(20_000, 1_000),
    runsMax: fewRounds,
  };
  return [...isInstalled("tshark") ? [tshark] : [], ...isScapyInstalled() ? [scapy] : []];
}

/** The reader as two contestants, one with all its packets and one with a single packet. */
async function measured(reader: Reader) {
  const { packetsMax = capture.packets, runsMax = rounds } = reader;
  const isPart = packetsMax < capture.packets;
  const whole = measuredCommand(
    reader.command(isPart ? await firstPackets(packetsMax) : capture.path),
  );
  const start = measuredCommand(reader.command(await firstPackets(1)));
  const withoutStart = () => {
    const seconds = whole.best.seconds - start.best.seconds;
    return seconds < whole.best.seconds * startShareTold ? Infinity : (packetsMax - 1) / seconds;
  };
  const contestants: Contestant[] = [
    {
      name: isPart ? `${reader.name}, first ${formatCount(packetsMax)}` : reader.name,
      operations: packetsMax,
      run: () => whole.run(),
      runsMax,
      cells: () => [
        formatSeconds(start.best.seconds),
        formatRate(withoutStart()),
        `${whole.best.cpuSeconds.toFixed(2)} s`,
        formatMb(whole.best.rssBytes),
      ],
    },
    {
      name: `${reader.name}, 1 packet`,
      operations: 1,
      run: () => start.run(),
      runsMax: fewRounds,
    },
  ];
  const reading = (): Reading => ({
    name: reader.name,
    packetsPerSecond: packetsMax / whole.best.seconds,
    packetsPerSecondWithoutStart: withoutStart(),
    cpuSeconds: whole.best.cpuSeconds,
    rssBytes: whole.best.rssBytes,
  });
  return { contestants, reading };
}

/** A command line with the figures of its runs: seconds and processor time of the fastest, the most memory of any. */
function measuredCommand(command: readonly string[]) {
  const best = { seconds: Infinity, cpuSeconds: 0, rssBytes: 0 };
  const run = async () => {
    const { seconds, cpuSeconds, rssBytes } = await runProgram(command);
    best.rssBytes = Math.max(best.rssBytes, rssBytes);
    if (seconds < best.seconds) Object.assign(best, { seconds, cpuSeconds });
    return seconds;
  };
  return { best, run };
}

async function firstPackets(count: number): Promise<string> {
  const path = `${folder}/first-${count}.pcap`;
  await writeFirstPackets(capture.path, path, count);
  return path;
}

function targets(readings: ReadonlyMap<string, Reading>): Target[] {
  const [own] = readings.values();
  const argus = readings.get("argus");
  return [
    rateTarget("packets/s at least nfpcapd's", {
      own: own.packetsPerSecond,
      peer: readings.get("nfpcapd")?.packetsPerSecond,
      factor: 1,
    }),
    rateTarget("packets/s at least 2.5 times argus'", {
      own: own.packetsPerSecond,
      peer: argus?.packetsPerSecond,
      factor: 2.5,
      remark: argus &&
        `; processor time ${formatSeconds(own.cpuSeconds)} against ${
          formatSeconds(argus.cpuSeconds)
        }, for argus waits until a second is full`,
    }),
    rateTarget("packets/s at least 30 times tshark's", {
      own: own.packetsPerSecond,
      peer: readings.get("tshark -T fields")?.packetsPerSecondWithoutStart,
      factor: 30,
    }),
    {
      promise: "resident memory at most 300 MB",
      measured: formatMb(own.rssBytes),
      isMet: own.rssBytes <= 300e6,
    },
  ];
}

function rateTarget(
  promise: string,
  { own, peer, factor, remark = "" }: {
    readonly own: number;
    readonly peer: number | undefined;
    readonly factor: number;
    readonly remark?: string | undefined;
  },
): Target {
  if (peer === undefined) return { promise, measured: "the peer is not installed", isMet: null };
  const times = (own / peer).toFixed(2);
  return {
    promise,
    measured: `${formatRate(own)} against ${formatRate(peer)}: ${times} times${remark}`,
    isMet: own >= factor * peer,
  };
}
