/**
 * The large capture file of the benches, made once and kept in the user's cache folder: by the corpus' own
 * `make_large.sh` where the corpus lies beside the repository, else from the demo capture, repeated with other
 * addresses and later times. Both give the same bytes each time.
 */
import { CaptureFileReader } from "../agent/capture/file_reader.ts";
import { pcapFileHeader, RecordWriter } from "../agent/capture/pcap_records.ts";
import { Linktype, type PacketBatch } from "../agent/records.ts";
import { formatCount, formatMb, size } from "./harness.ts";

export interface LargeCapture {
  readonly path: string;
  readonly packets: number;
  /** What it is, for people. */
  readonly description: string;
}

const corpusScript = new URL("../../shared/corpus/make_large.sh", import.meta.url).pathname;
const demo = new URL("../tests/fixtures/demo.pcapng.gz", import.meta.url).pathname;

/** The path of the file, which is made if it is not there; at least 1,000,000 packets (50,000 when quick). */
export async function largeCapture(): Promise<LargeCapture> {
  const packetsMin = size(1_000_000, 50_000);
  const source = exists(corpusScript) ? corpusScript : demo;
  const path = `${await cacheFolder()}/large-${await digest(source)}-${packetsMin}.pcap`;
  if (!exists(path)) {
    console.error("Making the large capture file.");
    const partial = `${path}.${Deno.pid}`;
    if (source === demo) await repeatDemo(partial, packetsMin);
    else await runScript(partial, packetsMin);
    await writeBack(partial);
    await Deno.rename(partial, path);
  }
  const packets = await warm(path);
  const origin = source === demo
    ? "the demo capture of this repository, repeated with other addresses and later times"
    : "real and generated captures, copied with other addresses and merged by time (`make_large.sh` of the corpus)";
  const { size: bytes } = await Deno.stat(path);
  return {
    path,
    packets,
    description: `${formatCount(packets)} packets, ${formatMb(bytes)}: ${origin}`,
  };
}

/** Writes `path` with a start-to-end copy of the first packets of a capture. */
export async function writeFirstPackets(
  from: string,
  path: string,
  packets: number,
): Promise<void> {
  await using output = await PcapOutput.create(path);
  const reader = await CaptureFileReader.open(from);
  let left = packets;
  for (let batch; left > 0 && (batch = await reader.nextBatch()) !== null;) {
    batch.count = Math.min(batch.count, left);
    left -= batch.count;
    await output.write(batch);
  }
  reader.close();
}

/** Reads the whole file, which brings it into the page cache; returns its number of packets. */
async function warm(path: string): Promise<number> {
  const reader = await CaptureFileReader.open(path);
  while (await reader.nextBatch() !== null);
  reader.close();
  return reader.info.packets;
}

/** Has the kernel write the file to disk now, not while something is measured. */
async function writeBack(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}

async function runScript(path: string, packetsMin: number): Promise<void> {
  const { success, stderr } = await new Deno.Command("bash", {
    args: [corpusScript, path, String(packetsMin)],
    stdout: "null",
  }).output();
  if (!success) throw new Error(`make_large.sh failed: ${new TextDecoder().decode(stderr)}`);
}

async function repeatDemo(path: string, packetsMin: number): Promise<void> {
  await using output = await PcapOutput.create(path);
  let packets = 0;
  let shiftUs = 0;
  for (let copy = 0; packets < packetsMin; copy++) {
    const reader = await CaptureFileReader.open(demo);
    let firstUs = NaN;
    let lastUs = 0;
    for (let batch; (batch = await reader.nextBatch()) !== null;) {
      for (let row = 0; row < batch.count; row++) {
        if (Number.isNaN(firstUs)) firstUs = batch.timestampsUs[row];
        lastUs = batch.timestampsUs[row];
        batch.timestampsUs[row] += shiftUs;
        shiftIpv4Addresses(batch, row, copy);
      }
      await output.write(batch);
    }
    reader.close();
    packets += reader.info.packets;
    shiftUs += lastUs - firstUs + 1_000_000;
  }
}

/**
 * Adds `copy` to the upper and takes it from the lower half of both addresses of an Ethernet frame with IPv4, as
 * `make_large.sh` does: one's complement sums, and with them all checksums, stay as they are. Multicast stays.
 */
function shiftIpv4Addresses(
  { bytes, offsets, capturedLengths }: PacketBatch,
  row: number,
  copy: number,
) {
  const frame = offsets[row];
  const isIpv4 = capturedLengths[row] >= 34 && bytes[frame + 12] === 8 && bytes[frame + 13] === 0;
  if (!isIpv4) return;
  for (const address of [frame + 26, frame + 30]) {
    if (bytes[address] >= 224) continue;
    addOnesComplement(bytes, address, copy);
    addOnesComplement(bytes, address + 2, 0xffff - copy);
  }
}

function addOnesComplement(bytes: Uint8Array, at: number, amount: number): void {
  const sum = (bytes[at] << 8 | bytes[at + 1]) + amount;
  const folded = (sum & 0xffff) + (sum >> 16);
  bytes[at] = folded >> 8;
  bytes[at + 1] = folded & 0xff;
}

/** A pcap file being written from batches. */
class PcapOutput implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  #writer = new RecordWriter(new ArrayBuffer(4 << 20));

  static async create(path: string): Promise<PcapOutput> {
    const file = await Deno.create(path);
    await file.write(pcapFileHeader(Linktype.ethernet, 262_144, true));
    return new PcapOutput(file);
  }

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  async write(batch: PacketBatch): Promise<void> {
    for (let row = 0; row < batch.count; row++) {
      if (this.#writer.append(batch, row)) continue;
      await this.#flush();
      this.#writer.append(batch, row);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flush();
    this.#file.close();
  }

  async #flush(): Promise<void> {
    const bytes = new Uint8Array(this.#writer.buffer, 0, this.#writer.byteLength);
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
    this.#writer = new RecordWriter(this.#writer.buffer);
  }
}

async function cacheFolder(): Promise<string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  const folder = `${cache}/tapwatch/bench`;
  await Deno.mkdir(folder, { recursive: true });
  return folder;
}

async function digest(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(hash).toHex().slice(0, 8);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
