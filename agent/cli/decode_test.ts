import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { ethernet, filler, ipv4, join, tcp, udp, uint16 } from "../decode/packet_builder.ts";
import { TSV_HEADER } from "../decode/tsv.ts";
import { CaptureFormatError } from "../errors.ts";
import { runDecode } from "./decode.ts";

const SECONDS = 1_700_000_000;

function pcapOf(packets: readonly Uint8Array[]): Uint8Array {
  const header = new Uint8Array(24);
  new DataView(header.buffer).setUint32(0, 0xa1b23c4d);
  header.set([0, 2, 0, 4], 4);
  header.set([0, 4, 0, 0, 0, 0, 0, 1], 16);
  return join(header, ...packets.flatMap((packet, index) => [recordHeader(packet, index), packet]));
}

function recordHeader(packet: Uint8Array, index: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(16));
  [SECONDS, index, packet.length, packet.length].forEach((value, i) => {
    header.setUint32(4 * i, value);
  });
  return new Uint8Array(header.buffer);
}

async function withFile(bytes: Uint8Array, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".pcap" });
  try {
    await Deno.writeFile(path, bytes);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

async function decodeToRows(packets: readonly Uint8Array[]): Promise<string[][]> {
  let text = "";
  await withFile(pcapOf(packets), async (path) => {
    await runDecode(path, (chunk) => {
      text += new TextDecoder().decode(chunk);
    });
  });
  strictEqual(text.startsWith(TSV_HEADER), true);
  return text.split("\n").slice(1, -1).map((line) => line.split("\t"));
}

/** A query for example.com. */
const QUERY = join(
  [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7],
  new TextEncoder().encode("example"),
  [3],
  new TextEncoder().encode("com"),
  [0, 0, 1, 0, 1],
);
const DNS = ipv4({ protocol: 17 }, udp({ destination: 53 }, QUERY));
const REQUEST = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n");

Deno.test("runDecode() writes the header and a line per packet, with names", async () => {
  const rows = await decodeToRows([
    ethernet(0x0800, DNS),
    ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 0x18 }, REQUEST))),
  ]);
  deepStrictEqual(rows.map((cells) => cells.slice(0, 2)), [
    ["1", `${SECONDS}.000000000`],
    ["2", `${SECONDS}.000000001`],
  ]);
  deepStrictEqual(rows[0].slice(13), ["DNS", "example.com", "", ""]);
  deepStrictEqual(rows[1].slice(13), ["HTTP", "", "", "www.example.org"]);
});

Deno.test("runDecode() finds the name in the packet that an ICMP error quotes", async () => {
  const unreachable = join([3, 3, 0, 0, 0, 0, 0, 0], DNS);
  const rows = await decodeToRows([ethernet(0x0800, ipv4({ protocol: 1 }, unreachable))]);
  deepStrictEqual(rows[0].slice(9, 15), ["1", "", "", "", "ICMP", "example.com"]);
});

Deno.test("runDecode() writes in large pieces, whole in order", async () => {
  const packets = Array.from(
    { length: 5000 },
    (_, i) => ethernet(0x88cc, join(uint16(i), filler(50))),
  );
  const pieces: number[] = [];
  let lines = 0;
  await withFile(pcapOf(packets), async (path) => {
    await runDecode(path, (chunk) => {
      pieces.push(chunk.length);
      lines += chunk.filter((byte) => byte === 10).length;
    });
  });
  strictEqual(lines, packets.length + 1);
  strictEqual(pieces.length < 5, true);
});

Deno.test("runDecode() ends quietly when nobody reads its output any more", async () => {
  await withFile(pcapOf([ethernet(0x0800, DNS)]), async (path) => {
    await runDecode(path, () => {
      throw new Deno.errors.BrokenPipe("broken pipe");
    });
  });
});

Deno.test("runDecode() passes on other failures of the output, and refuses what is no capture", async () => {
  await withFile(pcapOf([ethernet(0x0800, DNS)]), async (path) => {
    await rejects(runDecode(path, () => Promise.reject(new Error("disk full"))), /disk full/);
  });
  await withFile(filler(100), async (path) => {
    await rejects(runDecode(path, () => {}), CaptureFormatError);
  });
});
