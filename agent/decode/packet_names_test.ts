import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { ApplicationDetails } from "../records.ts";
import {
  type Carrier,
  carry,
  clientHello,
  dnsMessage,
  dnsQuestion,
  tlsRecords,
} from "./app_samples.ts";
import { readPacketNames } from "./application.ts";
import { join, uint16 } from "./packet_builder.ts";
import { cryptoFrame, sealInitial } from "./quic_samples.ts";

function read(payload: Uint8Array | string, carrier: Carrier): ApplicationDetails | null {
  const { bytes, packet } = carry(payload, carrier);
  return readPacketNames(bytes, packet);
}

const query = dnsMessage({ questions: [dnsQuestion("www.example.com", 28)] });
const udp = "udp";

Deno.test("readPacketNames() reads DNS on its ports, over UDP and TCP, asked and answered", () => {
  const response = query.slice();
  response[2] = 0x81;
  for (const port of [53, 5353, 5355]) {
    const asked = read(query, { transport: udp, destination: port });
    strictEqual(asked?.dns?.queryName, "www.example.com", `${port}`);
  }
  const answered = read(response, { transport: udp, source: 53, destination: 4000 });
  deepStrictEqual([answered?.dns?.isResponse, answered?.name], [true, "www.example.com"]);
  const framed = join(uint16(query.length), query);
  strictEqual(read(framed, { destination: 53 })?.dns?.queryName, "www.example.com");
  strictEqual(read(query, { transport: udp, destination: 5300 })?.name, "www.example.com");
});

Deno.test("readPacketNames() leaves NetBIOS names out", () => {
  strictEqual(read(query, { transport: udp, source: 137, destination: 137 }), null);
});

Deno.test("readPacketNames() reads a ClientHello in one packet only", () => {
  const stream = tlsRecords(clientHello({ serverName: "www.example.com", alpn: ["h2"] }));
  strictEqual(read(stream, { destination: 8443 })?.tls?.serverName, "www.example.com");
  strictEqual(read(stream.subarray(0, stream.length - 1), {}), null);
  const cut = read(stream, { capturedLength: stream.length - 1 });
  strictEqual(cut?.tls?.serverName, "www.example.com");
  strictEqual(read(stream.subarray(1), {}), null);
});

Deno.test("readPacketNames() reads QUIC, HTTP and SSDP", () => {
  const hello = clientHello({ serverName: "quic.example" });
  const datagram = sealInitial({ frames: cryptoFrame(hello, 0, hello.length) });
  strictEqual(read(datagram, { transport: udp })?.tls?.serverName, "quic.example");
  const later = sealInitial({ frames: cryptoFrame(hello, 9, hello.length) });
  strictEqual(read(later, { transport: udp }), null);
  const request = "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
  strictEqual(read(request, { destination: 12345 })?.http?.host, "www.example.com");
  const search = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n";
  const found = read(search, { transport: udp, destination: 1900 });
  strictEqual(found?.http?.host, "239.255.255.250:1900");
});
