import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CaptureFileReader, captureMemoryBytes } from "../capture/file_reader.ts";
import { corpusPath, doesCorpusExist, readManifest } from "../capture/corpus.ts";
import { Application, Linktype, Packet } from "../records.ts";
import { identifyApplication } from "../decode/identify.ts";
import { decodePacket } from "../decode/decode.ts";
import { ethernet, filler, ipv4, ipv6, join, tcp, udp, vlan } from "../decode/packet_builder.ts";
import { tunnelPorts } from "../decode/tunnel_ports.ts";
import { HotPath } from "./hot_path.ts";

const demo = new URL("../../tests/fixtures/demo.pcapng.gz", import.meta.url).pathname;

const hot = new HotPath({ flowCountMax: 1, hostCountMax: 1, captureBytes: captureMemoryBytes });
hot.setTunnelPorts(tunnelPorts([6789]));

/** Of a capture: packets that were common, and those whose payload was TLS or HTTP. */
interface Compared {
  readonly packets: number;
  readonly payloads: number;
}

/** Decodes each Ethernet packet of a capture both ways, and tells its application both ways. */
async function compare(path: string): Promise<Compared> {
  const memory = { ...hot.captureMemory, readsUnderWay: 0, takePcap: () => 0 };
  const reader = await CaptureFileReader.open(path, { memory });
  const [common, any] = [new Packet(), new Packet()];
  let [packets, payloads] = [0, 0];
  try {
    for (let batch = await reader.nextBatch(); batch; batch = await reader.nextBatch()) {
      // A record that is larger than the memory's slots lies elsewhere.
      if (batch.bytes.buffer !== hot.bytes.buffer) continue;
      const base = batch.bytes.byteOffset;
      for (let row = 0; row < batch.count; row++) {
        if (batch.linktypes[row] !== Linktype.ethernet) continue;
        const offset = batch.offsets[row];
        const [captured, wire] = [batch.capturedLengths[row], batch.wireLengths[row]];
        decodePacket(batch.bytes, offset, captured, wire, Linktype.ethernet, any);
        if (hot.exports.decodeCommon(base, offset, captured, wire) !== 0) {
          hot.getPacket(common);
          if (!isEqual(common, any)) deepStrictEqual(common, any, `${path}, packet ${row}`);
          packets++;
        } else hot.setPacket(any, any.sourcePort, any.destinationPort);
        const told = any.payloadCapturedLength > 0 ? hot.exports.commonApplication(base) : 0;
        if (told === 0) continue;
        strictEqual(told, identifyApplication(batch.bytes, any), `${path}, packet ${row}`);
        payloads++;
      }
    }
  } finally {
    reader.close();
  }
  return { packets, payloads };
}

const fields = Object.keys(new Packet()) as (keyof Packet)[];

function isEqual(a: Packet, b: Packet): boolean {
  return fields.every((field) => a[field] === b[field]);
}

const overIpv4 = ipv4({ protocol: 6 }, tcp({ flags: 0x18 }, filler(9)));
const overIpv6 = ipv6({ nextHeader: 17 }, udp({ destination: 53 }, filler(20)));
const fromTunnel = { source: 1701, destination: 40_000 };

function toPort(destination: number): Uint8Array {
  return ipv4({ protocol: 17 }, udp({ destination }, filler(20)));
}

/** One after the other, so that each finds what the one before has left. */
const frames: readonly [string, boolean, Uint8Array][] = [
  ["IPv4", true, ethernet(0x0800, overIpv4)],
  ["a tag and IPv4", true, ethernet(0x8100, vlan(0xe123, 0x0800, overIpv4))],
  ["another tag", true, ethernet(0x8100, vlan(7, 0x0800, overIpv4))],
  ["IPv6", true, ethernet(0x86dd, overIpv6)],
  ["a tag and IPv6", true, ethernet(0x8100, vlan(0, 0x86dd, overIpv6))],
  ["IPv4 again", true, ethernet(0x0800, overIpv4)],
  ["two tags", false, ethernet(0x8100, vlan(1, 0x8100, vlan(2, 0x0800, overIpv4)))],
  ["a service tag", false, ethernet(0x88a8, vlan(1, 0x0800, overIpv4))],
  ["a tag cut off", false, ethernet(0x8100, vlan(1, 0x0800, overIpv4)).subarray(0, 45)],
  ["a tunnel's port", false, ethernet(0x0800, toPort(8472))],
  ["a port that is told to be a tunnel's", false, ethernet(0x0800, toPort(6789))],
  [
    "from a tunnel's port",
    false,
    ethernet(0x86dd, ipv6({ nextHeader: 17 }, udp(fromTunnel, filler(9)))),
  ],
  ["a port next to it", true, ethernet(0x0800, toPort(6790))],
  ["a tag before ARP", false, ethernet(0x8100, vlan(1, 0x0806, filler(46)))],
];

Deno.test("decodeCommon() takes packets with and without a VLAN tag in turn", () => {
  const bytes = join(...frames.map(([, , frame]) => frame));
  const { bytes: room } = hot.captureMemory;
  room.set(bytes);
  const [common, any] = [new Packet(), new Packet()];
  let offset = 0;
  for (const [what, isCommon, { length }] of frames) {
    const taken = hot.exports.decodeCommon(room.byteOffset, offset, length, length);
    strictEqual(taken !== 0, isCommon, what);
    if (isCommon) {
      hot.getPacket(common);
      decodePacket(room, offset, length, length, Linktype.ethernet, any);
      deepStrictEqual(common, any, what);
    }
    offset += length;
  }
});

const payloads: readonly [string, number][] = [
  ["\x16\x03\x01\x00\x05\x01", Application.tls],
  ["\x14\x03\x03\x00\x01\x01", Application.tls],
  ["\x17\x03\x03\x48\x00\x01", Application.tls],
  ["\x17\x03\x03\x48\x01\x01", 0],
  ["\x14\x03\x03\x00\x02\x01", 0],
  ["\x16\x03\x05\x00\x05\x01", 0],
  ["\x16\x03\x01\x00\x00\x01", 0],
  ["\x18\x03\x01\x00\x05\x01", 0],
  ["\x16\x03\x01\x00\x05", 0],
  ["HTTP/1.1 200 OK\r\n", Application.http],
  ["HTTP/2", Application.http],
  ["HTTPS/1", 0],
  ["GET / HTTP/1.1\r\n", Application.http],
  ["GET /a b HTTP/1.0\n", Application.http],
  ["HEAD / HTTP/1.1\n", Application.http],
  ["POST /x HTTP/1.1\r\nHost: a\r\n", Application.http],
  ["GET / HTTP\n", 0],
  ["GET HTTP/1.1\n", 0],
  ["GET  HTTP/1.1\n", Application.http],
  ["GET / RTSP/1.0\n", 0],
  ["GET /index", 0],
  ["POSTS / HTTP/1.1\n", 0],
  ["\nGET / HTTP/1.1", 0],
];

Deno.test("commonApplication() tells TLS and HTTP as signatures_tcp.ts does, or nothing", () => {
  const { bytes } = hot.captureMemory;
  const packet = new Packet();
  for (const [text, application] of payloads) {
    const payload = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const frame = ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 0x18 }, payload)));
    // What is left of the payload before, and ends the line of one that is cut off, is not part of it.
    bytes.set(frame);
    bytes.set([0x20, 0x48, 0x54, 0x54, 0x50, 0x2f, 0x31, 0x0a], frame.length);
    decodePacket(bytes, 0, frame.length, frame.length, Linktype.ethernet, packet);
    hot.setPacket(packet, 0, 0);
    strictEqual(hot.exports.commonApplication(bytes.byteOffset), application, JSON.stringify(text));
    if (application !== 0) strictEqual(identifyApplication(bytes, packet), application, text);
  }
});

/** Flags, counts, a name's first label; behind them what fills the message up. */
const messages: readonly [readonly number[], number, number][] = [
  [[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], 53, Application.dns],
  [[0x28, 0, 0, 0, 0, 1, 0, 0, 0, 0], 53, Application.dns],
  // An answer, an operation that there is not, no record, more records than fit; another port.
  [[0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0], 53, 0],
  [[0x18, 0, 0, 1, 0, 0, 0, 0, 0, 0], 53, 0],
  [[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 53, 0],
  [[1, 0, 0, 1, 0, 2, 0, 0, 0, 0], 53, 0],
  [[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], 54, 0],
];

Deno.test("commonApplication() tells queries of DNS as signatures_udp.ts does", () => {
  const { bytes } = hot.captureMemory;
  const packet = new Packet();
  for (const [header, destination, application] of messages) {
    const message = Uint8Array.from([7, 7, ...header, ...filler(17)]);
    const frame = ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination }, message)));
    bytes.set(frame);
    decodePacket(bytes, 0, frame.length, frame.length, Linktype.ethernet, packet);
    hot.setPacket(packet, 0, 0);
    strictEqual(hot.exports.commonApplication(bytes.byteOffset), application, String(header));
    if (application !== 0) strictEqual(identifyApplication(bytes, packet), application);
  }
});

Deno.test("decodeCommon() and commonApplication() say what agent/decode says", async () => {
  const { packets, payloads } = await compare(demo);
  deepStrictEqual([packets > 20_000, payloads > 500], [true, true], `${packets}, ${payloads}`);
});

Deno.test({
  name:
    `decodeCommon() and commonApplication() agree with it on the corpus, hostile files included${
      doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)"
    }`,
  ignore: !doesCorpusExist,
  // The read ahead in a file that is no capture may still be under way when the file has been refused.
  sanitizeOps: false,
  async fn() {
    let [packets, payloads] = [0, 0];
    for (const capture of await readManifest()) {
      if (/\.(snoop|csv)$/.test(capture.file)) continue;
      try {
        const compared = await compare(corpusPath(capture));
        packets += compared.packets;
        payloads += compared.payloads;
      } catch (error) {
        if ((error as Error).name !== "CaptureFormatError") throw error;
      }
    }
    deepStrictEqual(
      [packets > 200_000, payloads > 20_000],
      [true, true],
      `${packets} common packets, ${payloads} TLS or HTTP`,
    );
  },
});
