/** A capture in which every name is chosen by somebody who means harm: DHCP, DNS, mDNS, TLS, HTTP, SSH, and a scan by a host so named. */
import { pcapFile, type SamplePacket } from "../agent/capture/sample_captures.ts";
import {
  ascii,
  clientHello,
  dnsMessage,
  dnsQuestion,
  dnsRecord,
  tlsRecords,
} from "../agent/decode/app_samples.ts";
import { join, udp, uint16, uint32 } from "../agent/decode/packet_builder.ts";
import { type LinkEnd, packet } from "../agent/pipeline/testing/link_frames.ts";
import { parseIp, parseMac } from "../agent/decode/addresses.ts";

const utf8 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));

/** A character a byte, as they are sent. */
const HOSTILE_NAMES: readonly string[] = [
  "<script>alert(1)</script>",
  `"><img src=x onerror=alert(2)>`,
  "'onmouseover='alert(3)",
  "</title></script><script>alert(4)</script>",
  "<!--<svg/onload=alert(5)>",
  "javascript:alert(6)",
  `=HYPERLINK("http://x.example","y")`,
  "+cmd|' /C calc'!A0",
  "-2+3",
  "@SUM(1+1)",
  "x;=1+1",
  'a,b"c",d',
  utf8("\u202egnp.exe\u2066\u200f"),
  utf8("\uff1d1+1"),
  "\x1b]0;owned\x07\x1b[31mred",
  "tab\there",
  "line\r\nSet-Cookie: a=b",
  "null\0byte",
  "\x80\x9b31m\xff",
  "{{7*7}}${7*7}%00%0d%0a",
  "a".repeat(10_000),
];

const router: LinkEnd = { mac: "02:00:00:00:77:01", ip: "192.168.77.1" };
const startS = 1_760_000_000;

/** The bytes of a pcap file. */
export function hostileCapture(): Uint8Array<ArrayBuffer> {
  const frames: Uint8Array[] = [];
  HOSTILE_NAMES.forEach((name, index) => {
    const host: LinkEnd = {
      mac: `02:00:00:00:77:${(16 + index).toString(16)}`,
      ip: `192.168.77.${16 + index}`,
    };
    const server: LinkEnd = { mac: router.mac, ip: `203.0.113.${16 + index}` };
    const label = ascii(name.slice(0, 60));
    const wireName = join([label.length], label, [7], ascii("example"), [0]);
    const localName = join([label.length], label, [5], ascii("local"), [0]);
    const address = parseIp(server.ip)!;
    frames.push(
      datagram(
        host,
        { mac: "ff:ff:ff:ff:ff:ff", ip: "255.255.255.255" },
        [68, 67],
        dhcp(host, name),
      ),
      datagram(host, router, [40_000, 53], dnsMessage({ questions: [dnsQuestion(wireName)] })),
      datagram(
        router,
        host,
        [53, 40_000],
        dnsMessage({
          flags: 0x8180,
          questions: [dnsQuestion(wireName)],
          answers: [dnsRecord(wireName, 1, address)],
        }),
      ),
      datagram(
        host,
        { mac: "01:00:5e:00:00:fb", ip: "224.0.0.251" },
        [5353, 5353],
        dnsMessage({ id: 0, flags: 0x8400, answers: [dnsRecord(localName, 1, parseIp(host.ip)!)] }),
      ),
      ...exchange(
        host,
        server,
        [50_000, 443],
        tlsRecords(clientHello({ serverName: name, alpn: [name.slice(0, 99)] })),
      ),
      ...exchange(
        host,
        server,
        [50_001, 80],
        ascii(
          `GET /${name} HTTP/1.1\r\nHost: ${name}\r\nUser-Agent: ${name}\r\n\r\n`,
        ),
      ),
      ...exchange(host, server, [50_002, 22], ascii(`SSH-2.0-${name}\r\n`)),
    );
    if (index < 3) frames.push(...scan(host));
    if (index < 2) frames.push(...tunnel(host, label));
  });
  return pcapFile(frames.map((data, index): SamplePacket => ({
    seconds: startS + Math.floor(index / 50),
    nanosecond: (index % 50) * 20_000_000,
    data,
  })));
}

/** A host tells its name (RFC 2132, option 12). */
export function dhcp(host: LinkEnd, name: string): Uint8Array {
  const text = ascii(name.slice(0, 250));
  return join(
    [1, 1, 6, 0],
    uint32(7),
    [0, 0, 0, 0],
    parseIp(host.ip)!,
    new Uint8Array(12),
    parseMac(host.mac)!,
    new Uint8Array(202),
    [0x63, 0x82, 0x53, 0x63, 53, 1, 3, 12, text.length],
    text,
    [255],
  );
}

export function datagram(
  from: LinkEnd,
  to: LinkEnd,
  ports: readonly [number, number],
  payload: Uint8Array,
) {
  const [source, destination] = ports;
  return packet(from, to, {
    protocol: 17,
    ttl: 64,
    payload: udp({ source, destination }, payload),
  });
}

/** A connection in which the client sends `payload`, in segments, and the server some bytes. */
export function exchange(
  client: LinkEnd,
  server: LinkEnd,
  [from, to]: readonly [number, number],
  payload: Uint8Array,
): Uint8Array[] {
  const up = (seq: number, ack: number, flags: number, data: Uint8Array = new Uint8Array(0)) =>
    segment(client, server, [from, to], { seq, ack, flags, data });
  const down = (seq: number, ack: number, flags: number, data: Uint8Array = new Uint8Array(0)) =>
    segment(server, client, [to, from], { seq, ack, flags, data });
  const [syn, ack, push, fin] = [2, 16, 24, 17];
  const frames = [up(100, 0, syn), down(900, 101, syn | ack), up(101, 901, ack)];
  for (let at = 0; at < payload.length; at += 1400) {
    frames.push(up(101 + at, 901, push, payload.slice(at, at + 1400)));
  }
  const end = 101 + payload.length;
  const answer = ascii("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  return [
    ...frames,
    down(901, end, push, answer),
    up(end, 901 + answer.length, fin),
    down(901 + answer.length, end + 1, fin),
    up(end + 1, 902 + answer.length, ack),
  ];
}

/** Probes of 60 ports, which are all closed. */
export function scan(
  host: LinkEnd,
  target: LinkEnd = { mac: "02:00:00:00:77:02", ip: "192.168.77.2" },
): Uint8Array[] {
  return Array.from({ length: 60 }, (_, index) => {
    const port = 20 + index * 7;
    return [
      segment(host, target, [51_000 + index, port], { seq: 1, ack: 0, flags: 2 }),
      segment(target, host, [port, 51_000 + index], { seq: 0, ack: 2, flags: 20 }),
    ];
  }).flat();
}

/** Data in names below `domain`. */
function tunnel(host: LinkEnd, domain: Uint8Array): Uint8Array[] {
  const digits = "abcdefghijklmnopqrstuvwxyz234567";
  let state = 1;
  const random = () => digits[(state = Math.imul(state, 1_103_515_245) + 12_345 >>> 0) >>> 27]!;
  return Array.from({ length: 400 }, (_, index) => {
    const labels = [1, 2, 3].flatMap(() => {
      return [50, ...ascii(Array.from({ length: 50 }, random).join(""))];
    });
    const name = join(labels, [domain.length], domain, [7], ascii("example"), [0]);
    const question = dnsQuestion(name, 16);
    const answer = dnsRecord(
      name,
      16,
      join([200], ascii(Array.from({ length: 200 }, random).join(""))),
    );
    return [
      datagram(host, router, [41_000, 53], dnsMessage({ id: index, questions: [question] })),
      datagram(
        router,
        host,
        [53, 41_000],
        dnsMessage({ id: index, flags: 0x8180, questions: [question], answers: [answer] }),
      ),
    ];
  }).flat();
}

interface Segment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly data?: Uint8Array;
}

export function segment(
  from: LinkEnd,
  to: LinkEnd,
  [source, destination]: readonly [number, number],
  { seq, ack, flags, data = new Uint8Array(0) }: Segment,
): Uint8Array {
  const header = join(
    uint16(source),
    uint16(destination),
    uint32(seq),
    uint32(ack),
    [0x50, flags],
    uint16(4096),
    uint32(0),
  );
  return packet(from, to, { protocol: 6, ttl: 64, payload: join(header, data) });
}
