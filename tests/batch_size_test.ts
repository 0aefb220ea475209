/** What is told of a capture does not depend on how it is cut into batches, nor on whether it is analyzed or replayed. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { pcapFile, type SamplePacket } from "../agent/capture/sample_captures.ts";
import { Prng } from "../agent/detect/common/prng.ts";
import { echoFrame, sctpFrame, TcpFlag, tcpFrame, udpFrame } from "../bench/detection/frames.ts";
import { analyzeFile, replayFile, type Told } from "./batch_sizes.ts";
import { withFolder } from "./program.ts";

const { fin, syn, rst, ack, psh } = TcpFlag;
const demo = fileURLToPath(new URL("fixtures/demo.pcapng.gz", import.meta.url));

interface Sizes {
  readonly chunkBytes: number;
  readonly batchPackets: number;
  readonly bufferBytes: number;
  readonly wordsMin: number;
}

async function holdsFor(path: string, expected: Told, sizes: Sizes): Promise<void> {
  same(await analyzeFile(path, { ...sizes, isInMemory: true }), expected);
  same(await analyzeFile(path, { ...sizes, isInMemory: false }), expected);
  same(await replayFile(path, sizes), expected);
}

/** Piece by piece: the difference of two long lists takes gigabytes to tell. */
function same(told: Told, expected: Told): void {
  for (const name of ["findings", "flows", "seconds"] as const) {
    expected[name].forEach((one, index) => deepStrictEqual(told[name][index], one, name));
  }
  const { findings, flows, seconds, observations, totals } = told;
  deepStrictEqual([findings.length, flows.length, seconds.length, observations, totals], [
    expected.findings.length,
    expected.flows.length,
    expected.seconds.length,
    expected.observations,
    expected.totals,
  ]);
}

const usual = { chunkBytes: 256 * 1024, batchPackets: 16_384, isInMemory: true };
const anySizes: fc.Arbitrary<Sizes> = fc.record({
  chunkBytes: fc.constantFrom(1024, 5000, 70_000, 256 * 1024),
  batchPackets: fc.constantFrom(1, 7, 100, 8192),
  bufferBytes: fc.constantFrom(270_000, 1_000_000, 4 * 1024 * 1024),
  wordsMin: fc.constantFrom(0, 1000, 32_768),
});

Deno.test("analyze and replay tell the same of the demo at any size of batch", async () => {
  const expected = await analyzeFile(demo, usual);
  ok(expected.findings.some(({ kind }) => kind === "scan"));
  await fc.assert(
    fc.asyncProperty(anySizes, (sizes) => holdsFor(demo, expected, sizes)),
    { numRuns: 4 },
  );
});

Deno.test("analyze and replay tell the same of any traffic at any size of batch", () =>
  withFolder(async (folder) => {
    const path = `${folder}/traffic.pcap`;
    let findings = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), anySizes, async (seed, isJumpy, sizes) => {
        await Deno.writeFile(path, pcapFile(randomTraffic(seed, isJumpy), { isNanosecond: true }));
        const expected = await analyzeFile(path, usual);
        findings += expected.findings.length;
        await holdsFor(path, expected, sizes);
      }),
      { numRuns: 20 },
    );
    ok(findings > 0, "some of it is found");
  }));

/**
 * Traffic of a few hosts, with scans, floods and silences in which flows end; where `isJumpy`, as if files had been joined
 * whose times go back, or a clock had been set.
 */
function randomTraffic(seed: number, isJumpy: boolean): SamplePacket[] {
  const prng = new Prng(seed);
  const random = (below: number) => prng.below(below);
  const pick = <T>(values: readonly T[]): T => values[random(values.length)];
  const packets: SamplePacket[] = [];
  let nowNs = 1_700_000_000n * 1_000_000_000n;
  const add = (data: Uint8Array, afterMs: number) => {
    nowNs += BigInt(Math.round(afterMs * 1e6));
    packets.push({
      seconds: Number(nowNs / 1_000_000_000n),
      nanosecond: Number(nowNs % 1_000_000_000n),
      data,
    });
  };
  const client = () => `10.0.0.${1 + random(5)}`;
  const server = () => pick(["10.0.0.100", "192.0.2.80", "198.51.100.53", "10.0.0.101"]);
  for (let episode = 0; episode < 40; episode++) {
    const [source, destination] = [client(), server()];
    const ports = { sourcePort: 40_000 + random(50), destinationPort: pick([22, 80, 443, 8080]) };
    const back = { source: destination, destination: source };
    const backPorts = { sourcePort: ports.destinationPort, destinationPort: ports.sourcePort };
    const ends = { source, destination };
    const step = pick([1, 20, 900]);
    switch (random(6)) {
      case 0: // a connection, perhaps without its end
        add(tcpFrame(ends, ports, { flags: syn }), step);
        add(tcpFrame(back, backPorts, { flags: syn | ack }), 1);
        add(
          tcpFrame(ends, ports, { flags: ack | psh, sequence: 1001, payload: random(900) }),
          step,
        );
        add(tcpFrame(back, backPorts, { flags: ack | psh, sequence: 1001, payload: 200 }), step);
        if (random(2) === 0) add(tcpFrame(ends, ports, { flags: fin | ack, sequence: 3000 }), step);
        if (random(2) === 0) add(tcpFrame(back, backPorts, { flags: rst, sequence: 1201 }), step);
        break;
      case 1: // a scan
        for (let port = 1; port <= 5 + random(60); port++) {
          const probed = { sourcePort: 50_000, destinationPort: port };
          add(tcpFrame(ends, probed, { flags: syn }), step);
          if (random(3) > 0) {
            add(
              tcpFrame(back, { sourcePort: port, destinationPort: 50_000 }, { flags: rst | ack }),
              1,
            );
          }
        }
        break;
      case 2: // datagrams, perhaps many
        for (let count = 0; count < pick([1, 3, 300]); count++) {
          add(udpFrame(ends, { ...ports, destinationPort: pick([53, 123, 9999]) }), step / 10);
        }
        break;
      case 3:
        add(echoFrame(ends, "request", episode), step);
        add(echoFrame(back, "reply", episode), step);
        break;
      case 4:
        add(sctpFrame(ends, ports, 1), step);
        break;
      default: // silence
        add(udpFrame(ends, ports), pick([3000, 12_000, 70_000, 400_000]));
    }
    if (isJumpy && random(8) === 0) {
      nowNs += BigInt(pick([-3600, -90, -2, 90, 3600])) * 1_000_000_000n;
    }
  }
  return packets;
}
