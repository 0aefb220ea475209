/** Floods from made-up sources: few findings, and memory that does not grow with their number. */
import { deepEqual, ok } from "node:assert/strict";
import { formatIpWords } from "../../agent/decode/addresses.ts";
import { dnsMessage, dnsQuestion } from "../../agent/decode/app_samples.ts";
import { ethernet, ipv4, ipv6, tcp, udp } from "../../agent/decode/packet_builder.ts";
import { Prng } from "../../agent/detect/common/prng.ts";
import { Detection } from "../../agent/detect/detection.ts";
import { Pipeline } from "../../agent/pipeline/pipeline.ts";
import { batchOf } from "../../agent/pipeline/testing.ts";
import type { Finding } from "../../agent/records.ts";
import { byForm } from "./lab.ts";

const packets = byForm(150_000, 6_000_000);
const batchPackets = 5000;
const perSecond = 50_000;

type Maker = (prng: Prng, number: number) => Uint8Array;
const name = (prng: Prng) =>
  dnsMessage({ questions: [dnsQuestion(`${prng.next().toString(36)}.example.org`)] });

/** A template whose source address is overwritten. */
const floods: Record<
  string,
  { readonly make: Maker; readonly addressAt: number; readonly addressBytes: number }
> = {
  "SYN over IPv4": {
    make: () => ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 2 }, new Uint8Array(0)))),
    addressAt: 26,
    addressBytes: 4,
  },
  "SYN over IPv6": {
    make: () => ethernet(0x86dd, ipv6({ nextHeader: 6 }, tcp({ flags: 2 }, new Uint8Array(0)))),
    addressAt: 22,
    addressBytes: 16,
  },
  "UDP over IPv4": {
    make: () =>
      ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination: 9999 }, new Uint8Array(50)))),
    addressAt: 26,
    addressBytes: 4,
  },
  "DNS for random names": {
    make: (prng) => ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination: 53 }, name(prng)))),
    addressAt: 26,
    addressBytes: 4,
  },
};

for (const [title, { make, addressAt, addressBytes }] of Object.entries(floods)) {
  Deno.test(`a flood of ${title} from as many sources as packets`, () => {
    const prng = new Prng(1);
    const findings = new Map<number, Finding>();
    const detection = new Detection({
      isLive: true,
      formatAddress: (...words) =>
        formatIpWords(words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? 4 : 6, words),
      model: null,
      anomalyQuantile: 0.995,
      seed: 1,
      note: () => {},
      onFinding: (finding) => findings.set(finding.id, finding),
    });
    const pipeline = new Pipeline({
      flowCountMax: 20_000,
      rowPolicy: "sampled",
      onRow: () => {},
      onFlow: () => {},
      observations: {
        wordsMin: 0,
        exchange: (words, length) => {
          detection.take(words, length);
          return words;
        },
      },
    });
    const memory: number[] = [];
    const frames = Array.from({ length: batchPackets }, (_, number) => make(prng, number));
    for (let sent = 0; sent < packets; sent += batchPackets) {
      const batch = batchOf(frames.map((bytes, index) => {
        for (let byte = 0; byte < addressBytes; byte += 4) {
          new DataView(bytes.buffer).setUint32(addressAt + byte, prng.next());
        }
        if (addressBytes === 4) bytes[addressAt] = 1 + bytes[addressAt] % 200;
        return { timestampUs: 1_700_000_000e6 + (sent + index) / perSecond * 1e6, bytes };
      }));
      pipeline.process(batch);
      if (sent % (packets / 10) < batchPackets) memory.push(Deno.memoryUsage().external);
    }
    while (pipeline.finish(1000));
    detection.finish();
    const totals = Object.values(pipeline.protocolTotals());
    deepEqual(totals.reduce((sum, total) => sum + total.packets, 0), packets);
    ok(findings.size > 0 && findings.size < 100, `${findings.size} findings`);
    ok(detection.state().stateBytes < 120e6, `${detection.state().stateBytes}`);
    const [early, late] = [memory[2], memory.at(-1)!];
    ok(late < early + 30e6, memory.join());
  });
}
