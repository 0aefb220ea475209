/**
 * Taking packets out of a kernel ring that is full of them: one FFI call a batch (`pcap_dispatch` with `pcap_dump`)
 * beside the fallback for other platforms, `pcap_next_ex` a packet at a time.
 */
import { Pcap } from "../ffi/pcap/pcap.ts";
import { openLibrary } from "../ffi/pcap/symbols.ts";
import {
  type Contestant,
  formatCount,
  type Section,
  size,
  takeTurnsWarm,
  timeAsync,
  timesTable,
} from "./harness.ts";
import { largeCapture, writeFirstPackets } from "./large_capture.ts";
import { device, printLive, type Sender } from "./namespaces.ts";

const packets = size(200_000, 20_000);
const rounds = size(5, 2);
const title = "capture: packets out of the kernel's ring";

await printLive({ title, promises: [] }, benchCapture);

async function benchCapture(sender: Sender): Promise<Section> {
  const path = await Deno.makeTempFile({ prefix: "tapwatch-bench-", suffix: ".pcap" });
  await writeFirstPackets((await largeCapture()).path, path, packets);
  const contestants: Contestant[] = [
    {
      name: "`pcap_dispatch` with `pcap_dump`, a call a batch",
      operations: packets,
      run: () => drain(sender, path, "dump"),
    },
    {
      name: "`pcap_next_ex`, a call a packet",
      operations: packets,
      run: () => drain(sender, path, "copy"),
    },
  ];
  const results = await takeTurnsWarm(contestants, rounds, 1);
  await Deno.remove(path);
  return {
    title,
    blocks: [
      `${
        formatCount(packets)
      } packets of the large file, sent before the time begins into a ring of 512 MiB, are read ` +
      "into memory as capture records.",
      timesTable(results, { unit: "packets" }),
    ],
    targets: [],
  };
}

/** Fills a ring and returns the seconds that it takes to empty it. */
async function drain(sender: Sender, path: string, batchMethod: "dump" | "copy"): Promise<number> {
  const pcap = Pcap.open(openLibrary(), {
    device,
    snaplen: 65_535,
    isPromiscuous: true,
    bufferBytes: 512 << 20,
    timeoutMs: 10,
    filter: "",
    batchPacketsMax: 16_384,
    batchMethod,
  });
  try {
    await sender.sendAll(path);
    const seconds = await timeAsync(() => readAll(pcap));
    const { kernelDrops } = pcap.stats();
    if (kernelDrops > 0) throw new Error(`The ring was too small: ${kernelDrops} packets dropped`);
    return seconds;
  } finally {
    await pcap.close();
  }
}

async function readAll(pcap: Pcap): Promise<number> {
  let bytes = 0;
  for (let read = 0; read < packets;) {
    const batch = await pcap.read();
    read += batch.packetCount;
    bytes += batch.byteLength;
  }
  return bytes;
}
