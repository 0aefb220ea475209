/**
 * Hostile capture files, read and decoded in a process of its own: none may crash it, hang it, or take it over 256 MiB.
 */
import assert from "node:assert/strict";
import { createGzip } from "node:zlib";
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import {
  type CorpusFile,
  corpusPath,
  doesCorpusExist,
  readManifest,
} from "../agent/capture/corpus.ts";
import { pcapFile, PcapngBuilder } from "../agent/capture/sample_captures.ts";

const rssMax = 256 * 1024 * 1024;
/** A hang, not slowness, is what this ends. */
const timeLimitMs = 120_000;

interface Outcome {
  readonly path: string;
  readonly packets: number;
  readonly error: string;
  readonly warnings: readonly string[];
}

async function readHostile(paths: readonly string[]): Promise<Outcome[]> {
  const script = new URL("./read_hostile_captures.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", script, ...paths],
    signal: AbortSignal.timeout(timeLimitMs),
  });
  const { code, stdout, stderr } = await command.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  const { rssMax: held } = lines.pop();
  assert(held < rssMax, `${held} bytes were held`);
  assert.equal(lines.length, paths.length);
  return lines;
}

Deno.test({
  name: `no malformed capture of the corpus does harm, and the VALID ones are read${
    doesCorpusExist ? "" : " (SKIPPED: the corpus is not there)"
  }`,
  ignore: !doesCorpusExist,
  fn: async () => {
    const files = (await readManifest()).filter(({ file }) => file.startsWith("malformed/"));
    const outcomes = await readHostile(files.map(corpusPath));
    for (const [index, outcome] of outcomes.entries()) compare(files[index], outcome);
  },
});

/** Files that tshark refuses for their link type, or reads less far or further than libpcap and we do. */
const otherCounts: Readonly<Record<string, number>> = {
  // Link types that tshark does not know; we count their packets.
  "malformed/gen_mal__linktype_unknown.pcap": 3,
  "malformed/tcpdump__frf16_magic_ie-oobr.pcap": 1,
  "malformed/tcpdump__hoobr_juniper3.pcap": 1,
  "malformed/tcpdump__juniper_es_oobr.pcap": 1,
  "malformed/tcpdump__juniper_monitor_invalid_cookie_length.pcap": 1,
  "malformed/tcpdump__vtp_asan-2.pcap": 1,
  "malformed/tcpdump__vtp_asan-3.pcap": 1,
  "malformed/tcpdump__vtp_asan.pcap": 5,
  // An option that runs over its block: tshark gives up, we leave the option out.
  "malformed/gen_mal__ng_opt_overrun.pcapng": 3,
  // tshark takes these for variants of pcap with other record headers.
  "malformed/nDPI__fuzz-2021-10-13.pcap": 0,
  "malformed/suricata-verify__bug-6875-01_fuzz.pcap": 1,
};

function compare(file: CorpusFile, outcome: Outcome): void {
  const expected = otherCounts[file.file] ?? file.packets;
  assert.equal(outcome.packets, expected, `${file.file}: ${outcome.error}`);
  if (file.contains.startsWith("VALID")) assert.equal(outcome.error, "", file.file);
  if (outcome.error !== "") assert.match(outcome.error, /^Cannot read .*\.$/);
}

Deno.test("large claims, large records and gzip bombs stay within the memory that is promised", async () => {
  const folder = await Deno.makeTempDir();
  const write = async (name: string, bytes: Uint8Array) => {
    await Deno.writeFile(`${folder}/${name}`, bytes);
    return `${folder}/${name}`;
  };
  const data = new Uint8Array(15_000_000);
  const large = [1, 2, 3, 4, 5].map((seconds) => ({ seconds, nanosecond: 0, data }));
  const claim = pcapFile(large.slice(0, 1), { linktype: 249 }).subarray(0, 1000);
  const blocks = new PcapngBuilder().section().interface(1).block(77, [data]).block(77, [data]);
  const paths = [
    await write("large.pcap", pcapFile(large, { linktype: 249 })),
    await write("claim.pcap", claim),
    await write("blocks.pcapng", blocks.enhanced(0, 1n, new Uint8Array(60)).build()),
    await write("interfaces.pcapng", manyInterfaces()),
    await writeBomb(`${folder}/bomb.pcap.gz`),
  ];
  const [whole, claimed, skipped, interfaces, bomb] = await readHostile(paths);
  assert.deepEqual([whole.packets, whole.warnings.length], [5, 1]);
  assert.deepEqual([claimed.packets, claimed.error], [0, ""]);
  assert.deepEqual([skipped.packets, skipped.warnings], [1, []]);
  assert.match(interfaces.error, /more than 65535 interface blocks/);
  assert.equal(bomb.packets, 200 * 1024 * 1024 / 16);
  await Deno.remove(folder, { recursive: true });
});

/** A section with 100,000 interfaces and nothing else. */
function manyInterfaces(): Uint8Array {
  const section = new PcapngBuilder().section().build();
  const block = new PcapngBuilder().interface(1).build();
  const file = new Uint8Array(section.length + 100_000 * block.length);
  file.set(section);
  for (let i = 0; i < 100_000; i++) file.set(block, section.length + i * block.length);
  return file;
}

/** 200 MiB of zeros, which are empty records, in 200 KB of gzip. */
async function writeBomb(path: string): Promise<string> {
  const gzip = createGzip();
  const file = createWriteStream(path);
  gzip.pipe(file);
  gzip.write(pcapFile([]));
  for (let i = 0; i < 200; i++) {
    if (!gzip.write(new Uint8Array(1024 * 1024))) await once(gzip, "drain");
  }
  gzip.end();
  await once(file, "close");
  return path;
}
