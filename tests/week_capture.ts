/**
 * A small network over nine and a half days, as a capture: five hosts with their habits, and what people ask about. Bulk data is cut
 * off, as with a small snaplen.
 *
 *     Sun 7 Jun 03:12  the phone scans the NAS and the printer, and finds two ports open
 *     Wed 10 Jun 09:00 a device that nobody knows; at 09:30 the NAS answers on a port that it never did
 *     Wed 10 Jun 11:30 the camera sends 25 MB to an address that it has never met
 *     Wed 10 Jun 11:50 the laptop downloads 90 MB, up to the end at 12:00
 */
import { pcapFile, type SamplePacket } from "../agent/capture/sample_captures.ts";
import {
  ascii,
  clientHello,
  dnsMessage,
  dnsQuestion,
  dnsRecord,
  tlsRecords,
} from "../agent/decode/app_samples.ts";
import { parseIp } from "../agent/decode/addresses.ts";
import { join, uint16 } from "../agent/decode/packet_builder.ts";
import type { LinkEnd } from "../agent/pipeline/testing/link_frames.ts";
import { datagram, dhcp, segment } from "./hostile_capture.ts";

export const week = {
  startS: Date.UTC(2026, 5, 1) / 1000,
  endS: Date.UTC(2026, 5, 10, 12) / 1000,
  scanS: Date.UTC(2026, 5, 7, 3, 12) / 1000,
} as const;

const routerMac = "02:00:00:00:07:01";
export const people = {
  laptop: { mac: "02:00:00:00:07:14", ip: "192.168.7.20" },
  phone: { mac: "02:00:00:00:07:17", ip: "192.168.7.23" },
  nas: { mac: "02:00:00:00:07:0e", ip: "192.168.7.14" },
  camera: { mac: "9c:8e:cd:00:07:39", ip: "192.168.7.57" },
  printer: { mac: "02:00:00:00:07:50", ip: "192.168.7.80" },
  newcomer: { mac: "02:00:00:00:07:63", ip: "192.168.7.99" },
} as const satisfies Record<string, LinkEnd>;
const resolver: LinkEnd = { mac: routerMac, ip: "192.168.7.1" };
/** Where the camera has its home, and where it never was. */
export const cloud = "203.0.113.10";
export const stranger = "198.51.100.200";

const hourS = 3600;
const [syn, ack, push, fin, rst] = [2, 16, 24, 17, 20];
/** Of IPv4's total length. */
const [ethernetBytes, totalLengthAt] = [14, 16];
/** As a card hands over segments that it has joined. */
const bulkBytes = 60_000;
const keptBytes = 40;

interface Talk {
  readonly from: LinkEnd;
  readonly to: string;
  readonly port: number;
  readonly name?: string;
  /** Bytes that each side sends behind the first message. */
  readonly sent?: number;
  readonly received?: number;
  /** Seconds that it takes. */
  readonly lasts?: number;
}

class Week {
  readonly packets: SamplePacket[] = [];
  #port = 40_000;
  #seed = 7;

  /** From 0 to 1, the same each time. */
  random(): number {
    this.#seed = Math.imul(this.#seed, 1_103_515_245) + 12_345 >>> 0;
    return (this.#seed >>> 8) / 2 ** 24;
  }

  add(atS: number, data: Uint8Array, wireLength = data.length): void {
    const seconds = Math.floor(atS);
    const nanosecond = Math.floor((atS - seconds) * 1e6) * 1000;
    this.packets.push({ seconds, nanosecond, wireLength, data });
  }

  /** A name asked for and a connection, as TLS on port 443 and HTTP elsewhere. */
  talk(
    atS: number,
    { from, to, port, name = "", sent = 0, received = 4000, lasts = 0.3 }: Talk,
  ): void {
    if (name !== "") this.#ask(atS - 0.05, from, name, to);
    const server: LinkEnd = {
      mac: Object.values(people).find(({ ip }) => ip === to)?.mac ?? routerMac,
      ip: to,
    };
    const ports = [this.#port++ % 20_000 + 40_000, port] as const;
    const first = port === 443
      ? tlsRecords(clientHello({ serverName: name, alpn: ["h2"] }))
      : ascii(`GET / HTTP/1.1\r\nHost: ${name || to}\r\n\r\n`);
    const pieces = [
      ...bulk(sent).map((bytes) => ({ isUp: true, bytes })),
      ...bulk(received).map((bytes) => ({ isUp: false, bytes })),
    ];
    const step = lasts / (pieces.length + 6);
    let [time, up, down] = [atS, 100, 900];
    const send = (
      isUp: boolean,
      flags: number,
      data = new Uint8Array(0) as Uint8Array,
      payloadBytes = data.length,
    ) => {
      const [seq, acked] = isUp ? [up, down] : [down, up];
      const ends = isUp ? [from, server] as const : [server, from] as const;
      const between = isUp ? ports : [ports[1], ports[0]] as const;
      const bytes = segment(...ends, between, { seq, ack: acked, flags, data });
      const wireLength = bytes.length + payloadBytes - data.length;
      bytes.set(uint16(wireLength - ethernetBytes), totalLengthAt);
      this.add(time, bytes, wireLength);
      const length = payloadBytes + (flags & 3 ? 1 : 0);
      if (isUp) up += length;
      else down += length;
      time += step;
    };
    send(true, syn);
    send(false, syn | ack);
    send(true, push, first);
    for (const { isUp, bytes } of pieces) {
      send(isUp, push, new Uint8Array(Math.min(bytes, keptBytes)), bytes);
    }
    send(true, fin);
    send(false, fin);
    send(true, ack);
  }

  /** Tries ports; those that are open answer. */
  scan(atS: number, from: LinkEnd, to: LinkEnd, open: readonly number[]): void {
    for (let index = 0; index < 150; index++) {
      const port = index < open.length ? open[index]! : 1000 + index * 13;
      const ports = [50_000 + index, port] as const;
      const time = atS + index * 0.01;
      this.add(time, segment(from, to, ports, { seq: 1, ack: 0, flags: syn }));
      const flags = open.includes(port) ? syn | ack : rst;
      const back = [ports[1], ports[0]] as const;
      this.add(time + 0.001, segment(to, from, back, { seq: 0, ack: 2, flags }));
      if (flags === rst) continue;
      this.add(time + 0.002, segment(from, to, ports, { seq: 2, ack: 1, flags: 4 }));
    }
  }

  tellName(atS: number, host: LinkEnd, name: string): void {
    const all: LinkEnd = { mac: "ff:ff:ff:ff:ff:ff", ip: "255.255.255.255" };
    this.add(atS, datagram(host, all, [68, 67], dhcp(host, name)));
  }

  #ask(atS: number, from: LinkEnd, name: string, address: string): void {
    const labels = name.split(".").flatMap((label) => [label.length, ...ascii(label)]);
    const asked = join(labels, [0]);
    const port = this.#port++ % 20_000 + 40_000;
    const question = dnsQuestion(asked);
    this.add(atS, datagram(from, resolver, [port, 53], dnsMessage({ questions: [question] })));
    const answers = [dnsRecord(asked, 1, parseIp(address)!)];
    const answer = dnsMessage({ flags: 0x8180, questions: [question], answers });
    this.add(atS + 0.01, datagram(resolver, from, [53, port], answer));
  }
}

function bulk(bytes: number): number[] {
  const parts = new Array<number>(Math.floor(bytes / bulkBytes)).fill(bulkBytes);
  return bytes % bulkBytes === 0 ? parts : [...parts, bytes % bulkBytes];
}

/** The bytes of a pcap file. */
export function weekCapture(): Uint8Array<ArrayBuffer> {
  const made = new Week();
  const { laptop, phone, nas, camera, printer, newcomer } = people;
  const { startS, endS, scanS } = week;
  for (let hourAtS = startS; hourAtS < endS; hourAtS += hourS) {
    const hour = (hourAtS - startS) / hourS % 24;
    const at = (minute: number) => hourAtS + minute * 60 + made.random() * 50;
    if (hour % 6 === 0) {
      made.tellName(at(0), laptop, "lena-laptop");
      made.tellName(at(0), camera, "cam-garage");
      made.tellName(at(0), nas, "nas-01");
    }
    const web = { port: 443, received: 40_000 + 200_000 * made.random() };
    made.talk(at(3), { from: laptop, to: "203.0.113.20", name: "news.example.org", ...web });
    made.talk(at(23), { from: laptop, to: "203.0.113.21", name: "wiki.example.org", ...web });
    made.talk(at(33), { from: phone, to: "203.0.113.20", name: "news.example.org", ...web });
    made.talk(at(43), { from: laptop, to: nas.ip, port: 80, received: 90_000 });
    made.talk(at(53), { from: laptop, to: printer.ip, port: 80 });
    if (hour < 7 || hour >= 22) continue;
    for (let minute = 2; minute < 60; minute += 1 + 13 * made.random() ** 2) {
      const sent = 20_000 + 20_000 * made.random();
      made.talk(at(minute), { from: camera, to: cloud, port: 443, name: "cam.example", sent });
    }
  }
  made.scan(scanS, phone, nas, [80, 22]);
  made.scan(scanS + 3, phone, printer, [80]);
  made.tellName(endS - 3 * hourS, newcomer, "esp-7f");
  made.talk(endS - 3 * hourS + 5, { from: newcomer, to: cloud, port: 443, name: "iot.example" });
  made.talk(endS - 2.5 * hourS, { from: laptop, to: nas.ip, port: 8080 });
  made.talk(endS - 0.5 * hourS, { from: camera, to: stranger, port: 443, sent: 25e6, lasts: 120 });
  made.talk(endS - 600, {
    ...{ from: laptop, to: "203.0.113.30", port: 443, name: "films.example" },
    ...{ received: 90e6, lasts: 598 },
  });
  made.packets.sort((a, b) => a.seconds - b.seconds || a.nanosecond - b.nanosecond);
  return pcapFile(made.packets);
}
