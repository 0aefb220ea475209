import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { Application, type ApplicationDetails } from "../records.ts";
import {
  ascii,
  type Carrier,
  carry,
  clientHello,
  dnsMessage,
  dnsQuestion,
  dnsRecord,
  encodeName,
  tlsRecords,
} from "./app_samples.ts";
import { ApplicationReader, type Inspected } from "./application.ts";
import { join, uint16 } from "./packet_builder.ts";
import { cryptoFrame, sealInitial } from "./quic_samples.ts";

const hello = clientHello({
  serverName: "www.example.com",
  alpn: ["h2"],
  extensions: [[0xfe0d, new Uint8Array(1800)]],
});
const stream = tlsRecords(hello);
const { tls, http, quic, dns, mdns, nbns, ssh, dhcp, smtp, stun, ssdp } = Application;

interface Feed extends Carrier {
  /** What the flow is known to be; 0 unless told. */
  readonly application?: number;
  readonly key?: number;
  /** Bytes of the stream before the payload; not known unless told. */
  readonly offset?: number;
}

function feed(
  reader: ApplicationReader,
  payload: Uint8Array | string,
  feed: Feed,
): ApplicationDetails | null {
  return inspect(reader, payload, feed).details.at(-1) ?? null;
}

function inspect(
  reader: ApplicationReader,
  payload: Uint8Array | string,
  { application = 0, key = 1, offset = NaN, ...carrier }: Feed,
): Inspected {
  const { bytes, packet } = carry(payload, carrier);
  const direction = packet.sourcePort < packet.destinationPort ? 1 : 0;
  const isFirstPayload = offset === 0;
  return reader.inspect(bytes, packet, {
    key,
    application,
    direction,
    streamOffset: offset,
    isFirstPayload,
  });
}

/** Feeds `stream` in segments that start at `starts`, in the order of `order`; the last answer. */
function feedSegments(
  reader: ApplicationReader,
  starts: readonly number[],
  order: readonly number[],
): ApplicationDetails | null {
  let details: ApplicationDetails | null = null;
  for (const index of order) {
    const segment = stream.subarray(starts[index], starts[index + 1]);
    // The sequence number goes past 2^32 on the way.
    const sequence = 0xffffff00 + starts[index];
    details = feed(reader, segment, { application: tls, sequence });
  }
  return details;
}

Deno.test("inspect() gives names, and the same from one packet as the stream gives", () => {
  const reader = new ApplicationReader();
  const details = feed(reader, stream, { application: tls });
  strictEqual(details?.isComplete, true);
  strictEqual(details.name, "www.example.com");
  ok(details.tls?.ja4?.startsWith("t12d0203h2_"), details.tls?.ja4);
  strictEqual(reader.pendingCount, 0);
});

Deno.test("inspect() puts a ClientHello together from segments in any order", () => {
  const whole = feed(new ApplicationReader(), stream, { application: tls });
  const starts = [0, 700, 1400];
  for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 1, 0], [1, 2, 0], [0, 0, 2, 1]]) {
    const reader = new ApplicationReader();
    deepStrictEqual(feedSegments(reader, starts, order), whole, `${order}`);
    strictEqual(reader.pendingCount, 0);
  }
});

Deno.test("inspect() puts any cut of a ClientHello together, also one in several records", () => {
  const cuts = fc.uniqueArray(fc.integer({ min: 6, max: stream.length - 1 }), { maxLength: 8 });
  fc.assert(fc.property(cuts, fc.constantFrom(100, 999, 16384), (places, fragmentLength) => {
    const records = tlsRecords(hello, fragmentLength);
    const starts = [0, ...places.toSorted((a, b) => a - b)];
    const reader = new ApplicationReader();
    let details: ApplicationDetails | null = null;
    starts.forEach((start, index) => {
      const segment = records.subarray(start, starts[index + 1]);
      details = feed(reader, segment, { application: tls, sequence: start });
      if (index < starts.length - 1) {
        deepStrictEqual(details, { application: tls, isComplete: false });
      }
    });
    strictEqual((details as ApplicationDetails | null)?.name, "www.example.com");
    strictEqual(reader.pendingCount, 0);
  }));
});

Deno.test("inspect() keeps flows and directions apart", () => {
  const reader = new ApplicationReader();
  const other = tlsRecords(clientHello({ serverName: "other.example", extensions: [[9, hello]] }));
  feed(reader, stream.subarray(0, 500), { application: tls, key: 1, sequence: 0 });
  feed(reader, other.subarray(0, 500), { application: tls, key: 2, sequence: 0 });
  strictEqual(reader.pendingCount, 2);
  const answer = { application: tls, key: 1, source: 443, destination: 50000 };
  strictEqual(feed(reader, stream.subarray(500), { ...answer, sequence: 500 }), null);
  const second = feed(reader, other.subarray(500), { application: tls, key: 2, sequence: 500 });
  const first = feed(reader, stream.subarray(500), { application: tls, key: 1, sequence: 500 });
  deepStrictEqual([first?.name, second?.name], ["www.example.com", "other.example"]);
});

Deno.test("inspect() reads what a snaplen left of a hello, and does not wait for the rest", () => {
  const reader = new ApplicationReader();
  const details = feed(reader, stream, { application: tls, capturedLength: 200 });
  deepStrictEqual([details?.isComplete, details?.name], [true, "www.example.com"]);
  strictEqual(details?.tls?.ja4, undefined);
  strictEqual(reader.pendingCount, 0);
});

Deno.test("inspect() gives a flow up that never gets whole", () => {
  const reader = new ApplicationReader();
  const long = join([22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3], new Uint8Array(20));
  strictEqual(feed(reader, long, { application: tls, sequence: 0 })?.isComplete, false);
  let packets = 0;
  while (reader.pendingCount > 0 && packets < 100) {
    packets++;
    feed(reader, new Uint8Array(3), { application: tls, sequence: 5000 + packets * 3 });
  }
  ok(packets <= 34, `${packets} packets`);
  feed(reader, long, { application: tls, sequence: 0 });
  const far = feed(reader, new Uint8Array(9), { application: tls, sequence: 1e6 });
  deepStrictEqual([far?.name, reader.pendingCount], [undefined, 0]);
});

Deno.test("inspect() holds at most pendingMax flows, the newest; end() drops one", () => {
  const reader = new ApplicationReader({ pendingMax: 3 });
  const half = { application: tls, sequence: 0 };
  for (let key = 1; key <= 5; key++) feed(reader, stream.subarray(0, 500), { ...half, key });
  strictEqual(reader.pendingCount, 3);
  const rest = { application: tls, sequence: 500 };
  strictEqual(feed(reader, stream.subarray(500), { ...rest, key: 3 })?.name, "www.example.com");
  reader.end(4);
  strictEqual(reader.pendingCount, 1);
  strictEqual(feed(reader, stream.subarray(500), { ...rest, key: 4 })?.name, undefined);
  throws(() => new ApplicationReader({ pendingMax: 0 }), RangeError);
});

Deno.test("inspect() reads a ClientHello behind STARTTLS, and DTLS behind STUN", () => {
  const reader = new ApplicationReader();
  const details = feed(reader, stream, { application: smtp, destination: 25 });
  deepStrictEqual([details?.application, details?.name], [tls, "www.example.com"]);
  const message = clientHello({ version: 0xfefd });
  const body = join(message.subarray(4, 39), [0], message.subarray(39));
  const length = [0, ...uint16(body.length)];
  const handshake = join([1], length, [0, 0], [0, 0, 0], length, body);
  const record = join([22, 0xfe, 0xfd], new Uint8Array(8), uint16(handshake.length), handshake);
  const webRtc = feed(reader, record, { application: stun, transport: "udp" });
  ok(webRtc?.tls?.ja4?.startsWith("dd2i"), webRtc?.tls?.ja4);
});

Deno.test("inspect() puts a QUIC ClientHello together from datagrams in any order", () => {
  const serverId = Uint8Array.of(9, 9, 9, 9);
  const third = Math.ceil(hello.length / 3);
  const datagrams = [0, 1, 2].map((index) => {
    const end = Math.min(hello.length, (index + 1) * third);
    const frames = join(cryptoFrame(hello, index * third, end), new Uint8Array(100));
    return sealInitial({ packetNumber: index, frames });
  });
  const udp = { application: quic, transport: "udp" } as const;
  for (const order of [[0, 1, 2], [2, 0, 1], [2, 1, 0], [1, 1, 0, 2]]) {
    const reader = new ApplicationReader();
    const answers = order.map((index) => feed(reader, datagrams[index], udp));
    const last = answers.pop();
    ok(answers.every((details) => details?.isComplete === false), `${order}`);
    strictEqual(last?.name, "www.example.com");
    ok(last?.tls?.ja4?.startsWith("q12d"), last?.tls?.ja4);
    strictEqual(reader.pendingCount, 0);
  }
  const reader = new ApplicationReader();
  feed(reader, datagrams[0], udp);
  strictEqual(feed(reader, datagrams[1], { ...udp, source: 443, destination: 50000 }), null);
  feed(reader, datagrams[1], udp);
  // After the server's answer the client uses the server's id, and the first one's keys.
  const later = sealInitial({
    connectionId: serverId,
    keyId: datagrams[0].subarray(6, 14),
    frames: join(cryptoFrame(hello, 2 * third, hello.length), new Uint8Array(50)),
  });
  strictEqual(feed(reader, later, udp)?.name, "www.example.com");
});

Deno.test("inspect() follows a client that starts again with a new id after Retry", () => {
  const reader = new ApplicationReader();
  const udp = { application: quic, transport: "udp" } as const;
  const half = join(cryptoFrame(hello, 0, 900), new Uint8Array(100));
  strictEqual(feed(reader, sealInitial({ frames: half }), udp)?.isComplete, false);
  const connectionId = Uint8Array.of(5, 6, 7, 8, 9);
  const rest = join(cryptoFrame(hello, 900, hello.length), new Uint8Array(100));
  strictEqual(feed(reader, sealInitial({ connectionId, frames: half }), udp)?.isComplete, false);
  strictEqual(feed(reader, sealInitial({ connectionId, frames: rest }), udp)?.isComplete, true);
});

Deno.test("inspect() waits for the Host of a request in several segments", () => {
  const reader = new ApplicationReader();
  const request = "GET / HTTP/1.1\r\nCookie: aaaaaaaaaa\r\nHost: www.example.com\r\n\r\n";
  const first = feed(reader, request.slice(0, 40), { application: http, sequence: 0 });
  deepStrictEqual(first, { application: http, isComplete: false });
  const second = feed(reader, request.slice(40), { application: http, sequence: 40 });
  deepStrictEqual([second?.name, second?.http?.path], ["www.example.com", "/"]);
  const withoutHost = feed(reader, "GET / HTTP/1.0\r\n\r\n", { application: http });
  deepStrictEqual(withoutHost?.http, { method: "GET", path: "/" });
  strictEqual(feed(reader, "HTTP/1.1 304 X\r\n\r\n", { application: http })?.http?.status, 304);
});

Deno.test("inspect() reads messages of one packet", () => {
  const reader = new ApplicationReader();
  const question = dnsQuestion("www.example.com");
  const query = dnsMessage({ questions: [question] });
  const udp = { transport: "udp", destination: 53 } as const;
  strictEqual(feed(reader, query, { application: dns, ...udp })?.name, "www.example.com");
  const overTcp = join(uint16(query.length), query);
  strictEqual(feed(reader, overTcp, { application: dns })?.name, "www.example.com");
  const answers = [dnsRecord(encodeName("tv.local"), 1, Uint8Array.of(10, 0, 0, 2))];
  const announcement = dnsMessage({ flags: 0x8400, answers });
  strictEqual(feed(reader, announcement, { application: mdns, ...udp })?.name, "tv.local");
  const netbios = join([32], ascii("FHEPFCELEHFCEPFFFACACACACACACABO"), [0]);
  const lookup = dnsMessage({ questions: [dnsQuestion(netbios, 0x20)] });
  strictEqual(feed(reader, lookup, { application: nbns, ...udp })?.name, "WORKGROUP<1e>");
  const banner = feed(reader, "SSH-2.0-OpenSSH_9.2 x\r\n", { application: ssh });
  strictEqual(banner?.sshBanner, "SSH-2.0-OpenSSH_9.2 x");
  const search = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n";
  const found = feed(reader, search, { application: ssdp, ...udp });
  strictEqual(found?.http?.host, "239.255.255.250:1900");
  const discover = join(
    [1, 1, 6, 0],
    new Uint8Array(232),
    [0x63, 0x82, 0x53, 0x63, 12, 2],
    ascii("pc"),
  );
  strictEqual(feed(reader, discover, { application: dhcp, ...udp })?.dhcpHostName, "pc");
  discover[24] = 10;
  const relayed = feed(reader, discover, { application: dhcp, ...udp });
  deepStrictEqual([relayed?.name, relayed?.dhcpHostName], ["pc", undefined]);
});

Deno.test("inspect() never throws, whatever it is told and given", () => {
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.tuple(fc.nat(stream.length), fc.nat(700)).map(([at, n]) => stream.subarray(at, at + n)),
    fc.constantFrom(...[0, 1].map((n) => sealInitial({ frames: cryptoFrame(hello, n * 40, 700) }))),
  );
  const step = fc.record({
    payload: payloads,
    application: fc.nat(46),
    key: fc.nat(2),
    sequence: fc.nat(20_000),
    transport: fc.constantFrom("tcp" as const, "udp" as const),
    capturedLength: fc.oneof(fc.constant(9999), fc.nat(100)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const reader = new ApplicationReader({ pendingMax: 2 });
      for (const { payload, ...options } of steps) feed(reader, payload, options);
      ok(reader.pendingCount <= 2);
    }),
    { numRuns: 1000 },
  );
});
