import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Application, APPLICATION_NAMES, type ApplicationName, Transport } from "../records.ts";
import {
  ascii,
  type Carrier,
  carry,
  clientHello,
  dnsMessage,
  dnsQuestion,
  fromHex,
  tlsRecords,
} from "./app_samples.ts";
import { ApplicationReader } from "./application.ts";
import { identifyApplication } from "./identify.ts";
import { join, uint16 } from "./packet_builder.ts";
import { sealInitial } from "./quic_samples.ts";

function identify(payload: Uint8Array | string, carrier: Carrier): string {
  const { bytes, packet } = carry(payload, carrier);
  return APPLICATION_NAMES[identifyApplication(bytes, packet)];
}

type Case = readonly [name: string, payload: Uint8Array | string, port: number];
const query = dnsMessage({ questions: [dnsQuestion("www.example.com")] });
const ntp = join([0x23], new Uint8Array(47));
const dhcp = join([1, 1, 6, 0], new Uint8Array(232), [0x63, 0x82, 0x53, 0x63, 255]);
const anyPort = 40001;

const tcpCases: readonly Case[] = [
  ["tls", tlsRecords(clientHello()), anyPort],
  ["tls", fromHex("15 0303 0002 0100"), anyPort],
  ["tls", fromHex("5a6b7c8d9eafb0c1d2"), 443],
  ["http", "GET / HTTP/1.1\r\n", anyPort],
  ["http", "HTTP/1.1 200 OK\r\n", anyPort],
  ["http", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", anyPort],
  ["ssh", "SSH-2.0-OpenSSH_9.2\r\n", anyPort],
  ["ssh", fromHex("8f9eafb0c1d2e3f405"), 22],
  ["dns", join(uint16(query.length), query), 53],
  ["ftp", "220 (vsFTPd 3.0.3)\r\n", 21],
  ["ftp", "220 ProFTPD FTP server ready\r\n", anyPort],
  ["ftp", "USER anonymous\r\n", 21],
  ["smtp", "220 mx.example.com ESMTP Postfix\r\n", anyPort],
  ["smtp", "220 mx.example.com ready\r\n", 25],
  ["smtp", "EHLO me\r\n", anyPort],
  ["pop3", "+OK POP3 ready\r\n", anyPort],
  ["pop3", "USER me\r\n", 110],
  ["imap", "* OK IMAP4rev1 ready\r\n", anyPort],
  ["imap", "a1 LOGIN me secret\r\n", 143],
  ["irc", "NICK somebody\r\n", anyPort],
  ["irc", "USER a 0 * :real name\r\n", anyPort],
  ["smb", fromHex("00000020 fe534d42 4000"), anyPort],
  ["smb", fromHex("00000020 ff534d42 7200"), 139],
  ["nbss", fromHex("81000004 20434b41"), 139],
  ["rdp", fromHex("0300002f2ae00000000000436f6f6b69653a206d737473686173683d"), anyPort],
  ["rdp", fromHex("030000130ee000000000000100080003000000"), 3389],
  ["mqtt", fromHex("101500044d515454040200 3c00"), anyPort],
  ["sip", "REGISTER sip:example.com SIP/2.0\r\n", anyPort],
  ["rtsp", "DESCRIBE rtsp://h/s RTSP/1.0\r\n", anyPort],
  ["bittorrent", "\x13BitTorrent protocol\0\0\0\0", anyPort],
  ["vnc", "RFB 003.008\n", anyPort],
  ["telnet", fromHex("fffd18fffd20"), anyPort],
  ["telnet", "login: ", 23],
  ["mysql", join([0x0d, 0, 0, 0, 0x0a], ascii("8.0.36\0"), [1, 0, 0, 0, 0]), anyPort],
  ["postgresql", fromHex("00000008 04d2162f"), anyPort],
  ["postgresql", fromHex("00000010 00030000 7573657200610000"), anyPort],
  ["redis", "*1\r\n$4\r\nPING\r\n", anyPort],
  ["redis", "+OK\r\n", 6379],
  ["modbus", fromHex("0001 0000 0006 01 03 0000 0002"), 502],
  ["ldap", fromHex("300c020101600702010304008000"), anyPort],
  ["kerberos", fromHex("0000000a 6a8201023082 00000000"), 88],
  ["bgp", join(new Uint8Array(16).fill(0xff), [0, 29, 1, 4]), anyPort],
  ["stun", join([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], new Uint8Array(12)), anyPort],
  ["openvpn", join([0, 14, 0x38], new Uint8Array(13)), anyPort],
  ["syslog", "<34>Oct 11 22:14:15 host su: x", 514],
  ["ftp-data", "any file at all", 20],
  ["", "HTML or so without a signature", 22],
  ["", "plain text", 443],
  ["", fromHex("00ff10203040506070"), anyPort],
];

const udpCases: readonly Case[] = [
  ["dns", query, 53],
  ["dns", query, anyPort],
  ["mdns", query, 5353],
  ["llmnr", query, 5355],
  ["nbns", query, 137],
  ["nbdgm", join([0x11, 2], new Uint8Array(12)), 138],
  ["bjnp", join(ascii("BJNP"), fromHex("02010000 0001 0000 00000000")), 8612],
  ["bjnp", join(ascii("MFNP"), fromHex("02010000 0001 0000 00000000")), 40_000],
  ["quic", sealInitial({ frames: new Uint8Array(1000) }), anyPort],
  ["quic", fromHex("43 0102030405060708"), 443],
  ["dhcp", dhcp, 67],
  ["dhcp", dhcp, anyPort],
  ["dhcpv6", fromHex("01 112233 0001000a"), 547],
  ["ntp", ntp, 123],
  ["snmp", fromHex("302602010104067075626c6963"), 161],
  ["ssdp", "M-SEARCH * HTTP/1.1\r\n", 1900],
  ["ssdp", "NOTIFY * HTTP/1.1\r\n", anyPort],
  ["ssdp", "M-SEARCH * HTTP/1.1 \r\nHOST: x\r\n", 1900],
  ["ssdp", "\r\nM-SEARCH  *  HTTP/1.1\r\n", 1900],
  ["ssdp", "SUBSCRIBE /events HTTP/1.1\n", 1900],
  ["sip", "INVITE sip:a@b SIP/2.0\r\n", anyPort],
  ["stun", join([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], new Uint8Array(12)), anyPort],
  ["dtls", join([22, 0xfe, 0xfd], new Uint8Array(8), [0, 1, 1]), anyPort],
  ["tftp", "\0\x01boot.img\0octet\0", 69],
  ["radius", join([1, 5, 0, 20], new Uint8Array(16)), 1812],
  ["wireguard", join([1, 0, 0, 0], new Uint8Array(144)), anyPort],
  ["openvpn", join([0x38], new Uint8Array(13)), anyPort],
  ["ike", join(new Uint8Array(16), [33, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 1, 0]), 500],
  ["bittorrent", "d1:ad2:id20:abcdefghij0123456789e", anyPort],
  ["coap", fromHex("40011234b474657374"), 5683],
  ["syslog", "<13>app: hello", 514],
  ["kerberos", fromHex("6a81ab3081a8a103020105"), 88],
  ["ldap", fromHex("301502010163100400"), 389],
  ["rtp", join([0x80, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4], new Uint8Array(160)), anyPort],
  ["", fromHex("c3a1b2d4e5f60718293a"), anyPort],
  ["", "some text in a datagram", anyPort],
];

for (const [transport, cases] of [["tcp", tcpCases], ["udp", udpCases]] as const) {
  Deno.test(`identifyApplication() knows ${cases.length} payloads over ${transport}`, () => {
    const got = cases.map(([, payload, port]) => {
      const there = identify(payload, { transport, destination: port });
      const back = identify(payload, { transport, source: port, destination: 50000 });
      return there === back ? there : `${there} there, ${back} back`;
    });
    deepStrictEqual(got, cases.map(([name]) => name));
  });
}

Deno.test("identifyApplication() says nothing of packets without a readable payload", () => {
  const { bytes, packet } = carry("GET / HTTP/1.1\r\n");
  packet.isLaterFragment = 1;
  strictEqual(identifyApplication(bytes, packet), 0);
  packet.isLaterFragment = 0;
  packet.transport = Transport.icmp;
  strictEqual(identifyApplication(bytes, packet), 0);
  packet.transport = Transport.tcp;
  packet.payloadCapturedLength = 0;
  strictEqual(identifyApplication(bytes, packet), 0);
  packet.payloadOffset = -1;
  packet.payloadCapturedLength = 5;
  strictEqual(identifyApplication(bytes, packet), 0);
});

Deno.test("identifyApplication() never throws, and nothing behind the payload matters", () => {
  const ports = fc.constantFrom(...tcpCases.map(([, , port]) => port), 53, 67, 123, 161, 443, 500);
  const sample = fc.constantFrom(...tcpCases, ...udpCases).map(([, payload]) => {
    return typeof payload === "string" ? ascii(payload) : payload.subarray(0, 200);
  });
  const edits = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 3 });
  const mutated = fc.tuple(sample, edits, fc.nat(200)).map(([payload, changes, length]) => {
    const bytes = payload.slice(0, length);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
  const payloads = fc.oneof(mutated, fc.uint8Array({ maxLength: 80 }));
  const transports = fc.constantFrom("tcp" as const, "udp" as const);
  fc.assert(
    fc.property(payloads, ports, transports, (payload, destination, transport) => {
      const { bytes, packet } = carry(payload, { transport, destination });
      const application = identifyApplication(bytes, packet);
      ok(application >= 0 && application < APPLICATION_NAMES.length);
      bytes.fill(0xff, packet.payloadOffset + packet.payloadCapturedLength);
      strictEqual(identifyApplication(bytes, packet), application);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("random payloads on no known port are hardly ever taken for something", () => {
  const random = fc.uint8Array({ minLength: 40, maxLength: 40 });
  let wrong = 0;
  fc.assert(
    fc.property(random, (payload) => {
      if (identify(payload, { destination: anyPort }) !== "") wrong++;
      if (identify(payload, { transport: "udp", destination: anyPort }) !== "") wrong++;
    }),
    { numRuns: 4000, seed: 7 },
  );
  ok(wrong < 40, `${wrong} of 8000`);
});

Deno.test("an ApplicationReader for hosts reads answers of DNS and its kin, over UDP and TCP, and no queries", () => {
  const answer = dnsMessage({ flags: 0x8180, questions: [dnsQuestion("www.example.com")] });
  const names = (payload: Uint8Array, transport: "tcp" | "udp", name: ApplicationName) => {
    const { bytes, packet } = carry(payload, { transport, destination: 53 });
    const application = Application[name];
    const flow = { key: 1, application, direction: 0, streamOffset: 0, isFirstPayload: true };
    const reader = new ApplicationReader({ isForHosts: true });
    return reader.inspect(bytes, packet, flow).details.length;
  };
  for (const name of ["dns", "mdns", "llmnr"] as const) {
    strictEqual(names(query, "udp", name), 0, name);
    strictEqual(names(answer, "udp", name), 1, name);
  }
  const overTcp = (message: Uint8Array) => join(uint16(message.length), message);
  strictEqual(names(overTcp(query), "tcp", "dns"), 0);
  strictEqual(names(overTcp(answer), "tcp", "dns"), 1);
  strictEqual(names(tlsRecords(clientHello()), "tcp", "tls"), 0);
});
