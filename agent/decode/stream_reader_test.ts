/** First messages of TCP streams, however they are cut: what they tell is what they tell in one segment. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Application, APPLICATION_NAMES, type ApplicationDetails } from "../records.ts";
import {
  ascii,
  carry,
  clientHello,
  dnsMessage,
  dnsQuestion,
  dnsRecord,
  encodeName,
  fromHex,
  tlsRecords,
} from "./app_samples.ts";
import { ApplicationReader } from "./application.ts";
import { join, uint16 } from "./packet_builder.ts";

const firstSequence = 0xfffffff0;
const anyPort = 40001;

interface Stream {
  readonly port: number;
  /** The server's bytes. */
  readonly isAnswer?: boolean;
}

interface Told {
  readonly application: string;
  readonly details: readonly ApplicationDetails[];
  readonly dnsMessages: readonly string[];
}

/** A flow whose packets a reader gets as from the pipeline. */
class Flow {
  readonly #dnsMessages: string[] = [];
  readonly reader: ApplicationReader;
  application = 0;
  details: ApplicationDetails[] = [];
  isWaiting = false;
  readonly #hasPayload = [false, false];

  constructor(options: { readonly isForHosts?: boolean } = {}) {
    this.reader = new ApplicationReader({
      ...options,
      takeDns: (bytes, at, end) => this.#dnsMessages.push(bytes.slice(at, end).toHex()),
    });
  }

  /** Bytes of a stream from `offset` on. */
  feed(payload: Uint8Array, { port, isAnswer = false }: Stream, offset: number): void {
    const direction = isAnswer ? 1 : 0;
    const { bytes, packet } = carry(payload, {
      source: isAnswer ? port : 50_000,
      destination: isAnswer ? 50_000 : port,
      sequence: firstSequence + offset,
    });
    const told = this.reader.inspect(bytes, packet, {
      key: 1,
      application: this.application,
      direction,
      streamOffset: offset,
      isFirstPayload: !this.#hasPayload[direction],
    });
    this.#hasPayload[direction] = true;
    this.application = told.application;
    this.isWaiting = told.isWaiting;
    this.details.push(...told.details.filter(({ isComplete }) => isComplete));
  }

  get told(): Told {
    return {
      application: APPLICATION_NAMES[this.application],
      details: this.details,
      dnsMessages: this.#dnsMessages,
    };
  }
}

/** What a stream tells in segments that end at `cuts`. */
function tell(bytes: Uint8Array, stream: Stream, cuts: readonly number[] = []): Told {
  const flow = new Flow();
  feedAll(flow, bytes, stream, cuts);
  return flow.told;
}

function feedAll(flow: Flow, bytes: Uint8Array, stream: Stream, cuts: readonly number[]): void {
  const ends = [...new Set(cuts.map((cut) => 1 + cut % bytes.length)), bytes.length];
  let start = 0;
  for (const end of ends.sort((a, b) => a - b)) {
    if (end > start) flow.feed(bytes.subarray(start, end), stream, start);
    start = end;
  }
}

const hello = tlsRecords(clientHello({ serverName: "www.example.com", alpn: ["h2", "http/1.1"] }));
const request = ascii(
  "GET /path HTTP/1.1\r\nAccept: */*\r\nHost: www.example.com\r\nUser-Agent: curl/8\r\n\r\n",
);
const query = dnsMessage({ questions: [dnsQuestion("www.example.com")] });
const answer = dnsMessage({
  flags: 0x8180,
  questions: [dnsQuestion("www.example.com")],
  answers: [dnsRecord(encodeName("www.example.com"), 1, Uint8Array.of(192, 0, 2, 80))],
});
const overTcp = (...messages: Uint8Array[]) =>
  join(...messages.flatMap((message) => [uint16(message.length), message]));

const addresses = [192, 0, 2, 1, 192, 0, 2, 2, ...uint16(50_000), ...uint16(443)];
const binaryHeader = (command: number, rest: readonly number[]) =>
  join(ascii("\r\n\r\n\0\r\nQUIT\n"), [0x20 | command, 0x11], uint16(rest.length), rest);
const proxyHeaders: Readonly<Record<string, Uint8Array>> = {
  "version 1, TCP4": ascii("PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n"),
  "version 1, TCP6": ascii("PROXY TCP6 2001:db8::1 2001:db8::2 50000 443\r\n"),
  "version 1, UNKNOWN": ascii("PROXY UNKNOWN\r\n"),
  "version 1, UNKNOWN with more": ascii("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"),
  "version 2": binaryHeader(1, addresses),
  "version 2, LOCAL": binaryHeader(0, []),
  "version 2, TLVs": binaryHeader(1, [
    ...addresses,
    2,
    0,
    3,
    0x61,
    0x62,
    0x63,
    4,
    1,
    0,
    ...Array(256).fill(0x47),
  ]),
};

const messages: Readonly<Record<string, readonly [Uint8Array, Stream]>> = {
  tls: [hello, { port: 443 }],
  "tls on any port": [hello, { port: anyPort }],
  "tls on HTTP's port": [hello, { port: 80 }],
  "tls on SSH's port": [hello, { port: 22 }],
  "tls in small records": [tlsRecords(hello.subarray(5), 100), { port: 443 }],
  http: [request, { port: 80 }],
  "http on any port": [request, { port: anyPort }],
  "http on TLS's port": [request, { port: 443 }],
  "http of an uncommon method": [
    ascii("MERGE /path HTTP/1.1\r\nHost: www.example.com\r\n\r\n"),
    { port: anyPort },
  ],
  "http with blanks": [
    ascii("\r\n\r\nGET  / HTTP/1.1 \r\nHost: www.example.com\r\nUser-Agent: x\r\n\r\n"),
    { port: anyPort },
  ],
  "a DNS query": [overTcp(query), { port: 53 }],
  "DNS queries": [overTcp(query, answer, query), { port: 53 }],
  "a DNS answer": [overTcp(answer, answer), { port: 53, isAnswer: true }],
  ssh: [ascii("SSH-2.0-OpenSSH_9.2 Debian\r\n"), { port: anyPort }],
  "ssh, the server": [ascii("SSH-2.0-OpenSSH_9.2 Debian\r\n"), { port: anyPort, isAnswer: true }],
  "smtp, the server": [ascii("220 mx.example.com ESMTP\r\n"), { port: anyPort, isAnswer: true }],
  smtp: [ascii("EHLO client.example.com\r\n"), { port: anyPort }],
  "ftp, the server": [ascii("220 FTP server ready\r\n"), { port: anyPort, isAnswer: true }],
  pop3: [ascii("+OK POP3 ready\r\n"), { port: anyPort, isAnswer: true }],
  imap: [ascii("* OK IMAP4rev1 ready\r\n"), { port: anyPort, isAnswer: true }],
  irc: [ascii("USER a 0 * :real name\r\n"), { port: anyPort }],
  sip: [ascii("OPTIONS sip:example.com SIP/2.0\r\n"), { port: anyPort }],
  rtsp: [ascii("OPTIONS rtsp://host/stream RTSP/1.0\r\n"), { port: anyPort }],
  redis: [ascii("*1\r\n$4\r\nPING\r\n"), { port: anyPort }],
  vnc: [ascii("RFB 003.008\n"), { port: anyPort, isAnswer: true }],
  bittorrent: [ascii("\x13BitTorrent protocol\0\0\0\0"), { port: anyPort }],
  smb: [fromHex("00000020 fe534d42 4000 0000 0000"), { port: anyPort }],
  rdp: [fromHex("030000130ee000000000000100080003000000"), { port: 3389 }],
  mqtt: [fromHex("101500044d515454040200 3c00"), { port: anyPort }],
  mysql: [
    join([0x4a, 0, 0, 0, 0x0a], ascii("8.0.36\0"), new Uint8Array(66).fill(9)),
    { port: anyPort, isAnswer: true },
  ],
  postgresql: [fromHex("00000010 00030000 7573657200610000"), { port: anyPort }],
  ldap: [fromHex("300c020101600702010304008000"), { port: anyPort }],
  bgp: [join(new Uint8Array(16).fill(0xff), [0, 29, 1, 4], new Uint8Array(9)), { port: anyPort }],
  stun: [
    join([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], new Uint8Array(12)),
    { port: anyPort },
  ],
};

const cutPlaces = fc.oneof(
  fc.array(fc.nat(5000), { maxLength: 6 }),
  fc.array(fc.nat(12), { maxLength: 6 }),
  fc.constant(Array.from({ length: 5000 }, (_, index) => index)),
);

for (const [name, [bytes, stream]] of Object.entries(messages)) {
  Deno.test(`a first message tells the same however it is cut: ${name}`, () => {
    const whole = tell(bytes, stream);
    ok(name.startsWith(whole.application) || whole.application === "dns", whole.application);
    fc.assert(
      fc.property(cutPlaces, (cuts) => deepStrictEqual(tell(bytes, stream, cuts), whole)),
      { numRuns: 60 },
    );
  });
}

for (const [name, header] of Object.entries(proxyHeaders)) {
  Deno.test(`a proxy's header does not hide the message behind it: ${name}`, () => {
    for (const [bytes, stream] of Object.values(messages)) {
      const expected = tell(bytes, stream);
      const proxied = join(header, bytes);
      const cuts = fc.oneof(
        fc.constant([]),
        fc.constant([header.length - 1]),
        fc.array(fc.nat(5000), { maxLength: 6 }),
      );
      fc.assert(
        fc.property(cuts, (cuts) => deepStrictEqual(tell(proxied, stream, cuts), expected)),
        { numRuns: 8 },
      );
    }
  });
}

Deno.test("a proxy's header alone, and what only begins like one, tell nothing", () => {
  for (const header of Object.values(proxyHeaders)) {
    const flow = new Flow();
    feedAll(flow, header, { port: anyPort }, [3, 9]);
    deepStrictEqual(flow.told, { application: "", details: [], dnsMessages: [] });
  }
  const fakes = [
    "PROXY TCP5 1\r\n",
    "PROXY TCP4 1\n",
    "PROXY TCP4 " + "1".repeat(120),
    "\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0",
  ];
  for (const fake of fakes) {
    strictEqual(tell(join(ascii(fake), hello), { port: anyPort }).application, "", fake);
  }
});

Deno.test("first segments tell the same in any order, and when they come again", () => {
  const orders = fc.array(fc.nat(), { minLength: 8, maxLength: 8 });
  const named = ["tls", "tls on any port", "http on any port", "a DNS query", "ssh", "mysql"];
  for (const name of named) {
    const [bytes, stream] = messages[name];
    const whole = tell(bytes, stream);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length }), orders, (length, order) => {
        const segments = order.map((rank, index) => ({
          rank,
          start: index * length % bytes.length,
        }));
        for (let start = 0; start < bytes.length; start += length) {
          segments.push({ rank: start, start });
        }
        if (segments.length > 30) {
          return;
        }
        const flow = new Flow();
        segments.sort((a, b) => a.rank - b.rank);
        for (const { start } of segments) {
          if (flow.details.length > 0) break;
          flow.feed(bytes.subarray(start, start + length), stream, start);
        }
        deepStrictEqual(flow.told.application, whole.application);
        deepStrictEqual(flow.told.details[0], whole.details[0]);
      }),
      // "HTTP/" of the request's line comes first, by itself.
      { numRuns: 40, examples: [5, 18].map((length) => [length, [1, 1, 0, 0, 0, 0, 0, 0]]) },
    );
  }
});

Deno.test("DNS messages are put together in both directions at once, and all along the stream", () => {
  const flow = new Flow();
  const [client, server] = [{ port: 53 }, { port: 53, isAnswer: true }];
  const queries = overTcp(...Array(50).fill(query));
  const answers = overTcp(...Array(50).fill(answer));
  for (let at = 0; at < answers.length; at += 7) {
    if (at < queries.length) flow.feed(queries.subarray(at, at + 7), client, at);
    flow.feed(answers.subarray(at, at + 7), server, at);
  }
  const { dnsMessages, details } = flow.told;
  strictEqual(dnsMessages.filter((message) => message === query.toHex()).length, 50);
  strictEqual(dnsMessages.filter((message) => message === answer.toHex()).length, 50);
  strictEqual(details.length, 100);
  strictEqual(flow.reader.pendingCount, 0);
});

Deno.test("DNS messages are found again behind a gap", () => {
  const flow = new Flow();
  const stream = overTcp(...Array(200).fill(query));
  const cut = overTcp(query).length * 3 + 5;
  flow.feed(stream.subarray(0, cut), { port: 53 }, 0);
  let at = overTcp(query).length * 5;
  while (at < stream.length) {
    flow.feed(stream.subarray(at, at + query.length + 2), { port: 53 }, at);
    at += query.length + 2;
  }
  ok(flow.told.dnsMessages.length > 150, `${flow.told.dnsMessages.length}`);
});

Deno.test("a ClientHello behind STARTTLS may come in any cut", () => {
  fc.assert(fc.property(cutPlaces, (cuts) => {
    const flow = new Flow();
    flow.application = Application.smtp;
    const ends = [...new Set(cuts.map((cut) => 1 + cut % hello.length)), hello.length];
    let start = 0;
    for (const end of ends.sort((a, b) => a - b)) {
      if (end > start) flow.feed(hello.subarray(start, end), { port: 25 }, 500 + start);
      start = end;
    }
    deepStrictEqual(flow.told.details, tell(hello, { port: 443 }).details);
    strictEqual(flow.told.application, "smtp");
  }));
});

Deno.test("what a port alone made likely gives way to what the stream says, and to nothing else", () => {
  const flow = new Flow();
  flow.feed(hello.subarray(0, 3), { port: 22 }, 0);
  strictEqual(flow.told.application, "ssh");
  flow.feed(hello.subarray(3), { port: 22 }, 3);
  strictEqual(flow.told.application, "tls");
  const other = new Flow();
  other.feed(hello.subarray(0, 3), { port: anyPort }, 0);
  other.feed(ascii("SSH-2.0-x\r\n"), { port: anyPort, isAnswer: true }, 0);
  other.feed(hello.subarray(3), { port: anyPort }, 3);
  strictEqual(other.told.application, "ssh");
});

Deno.test("a stream that says nothing is given up, and what waits is bounded", () => {
  const flow = new Flow();
  let segments = 0;
  do {
    flow.feed(Uint8Array.of(0xf0, 0xf1, 0xf2), { port: anyPort }, segments * 3);
    segments++;
  } while (flow.isWaiting && segments < 500);
  ok(segments < 100, `${segments} segments`);
  strictEqual(flow.reader.pendingCount, 0);
});

Deno.test("end() tells what there is of a message that will not get whole", () => {
  const flow = new Flow();
  feedAll(flow, hello.subarray(0, hello.length - 1), { port: anyPort }, [2]);
  const [details] = flow.reader.end(1);
  strictEqual(details.name, "www.example.com");
  deepStrictEqual([flow.reader.end(1), flow.reader.pendingCount], [[], 0]);
  const other = new Flow();
  feedAll(other, request.subarray(0, request.length - 1), { port: anyPort }, [2]);
  strictEqual(other.reader.end(1)[0].http?.userAgent, "curl/8");
});

Deno.test("for hosts only the application of other streams is told", () => {
  const flow = new Flow({ isForHosts: true });
  feedAll(flow, hello, { port: 22 }, [2]);
  deepStrictEqual(flow.told, { application: "tls", details: [], dnsMessages: [] });
});
