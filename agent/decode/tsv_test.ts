import { strictEqual } from "node:assert/strict";
import { Application, Linktype, Packet } from "../records.ts";
import { decodePacket } from "./decode.ts";
import { ethernet, filler, ipv4, ipv6, join, tcp, udp, vlan } from "./packet_builder.ts";
import { formatTime, formatTsvRow, TSV_HEADER, type TsvRow } from "./tsv.ts";

function rowOf(bytes: Uint8Array, changes: Partial<TsvRow> = {}): string {
  const packet = new Packet();
  decodePacket(bytes, 0, bytes.length, bytes.length, Linktype.ethernet, packet);
  return formatTsvRow({
    number: 7,
    timestampUs: 1_700_000_000_000_001,
    nanoseconds: 2,
    wireLength: bytes.length,
    capturedLength: bytes.length,
    bytes,
    packet,
    application: 0,
    names: null,
    ...changes,
  });
}

const UDP = udp({ destination: 53 }, filler(0));

Deno.test("the header names the columns of the contract", () => {
  const columns =
    "number time_epoch length captured_length eth_type vlan ip_version src dst ip_proto " +
    "src_port dst_port tcp_flags protocol dns_query tls_sni http_host";
  strictEqual(TSV_HEADER, columns.replaceAll(" ", "\t") + "\n");
});

Deno.test("formatTsvRow() writes a tagged TCP packet", () => {
  const bytes = ethernet(
    0x8100,
    vlan(5, 0x0800, ipv4({ protocol: 6 }, tcp({ flags: 2 }, filler(0)))),
  );
  strictEqual(
    rowOf(bytes),
    "7\t1700000000.000001002\t58\t58\t0x8100\t5\t4\t192.0.2.1\t198.51.100.2\t6\t40000\t443\t0x0002\tTCP\t\t\t\n",
  );
});

Deno.test("formatTsvRow() writes the outer layer of a tunnel and the inner protocol", () => {
  const bytes = ethernet(0x86dd, ipv6({ nextHeader: 4 }, ipv4({ protocol: 17 }, UDP)));
  strictEqual(
    rowOf(bytes).split("\t").slice(4, 14).join(" "),
    "0x86dd  6 2001:db8::1 2001:db8::2 4    UDP",
  );
});

Deno.test("formatTsvRow() leaves ports to TCP and UDP, and names what it can", () => {
  const sctp = rowOf(ethernet(0x0800, ipv4({ protocol: 132 }, filler(20)))).split("\t");
  strictEqual(sctp.slice(9, 14).join(" "), "132    SCTP");
  strictEqual(rowOf(ethernet(0x88cc, filler(40))).split("\t")[13], "ETHERNET");
  strictEqual(rowOf(ethernet(0x0800, ipv4({ protocol: 253 }, UDP))).split("\t")[13], "IPV4");
  strictEqual(rowOf(ethernet(0x0806, join([0, 1, 8, 0, 6, 4], filler(22)))).split("\t")[13], "ARP");
});

Deno.test("formatTsvRow() writes names, with what would break the line escaped", () => {
  const names = {
    application: Application.dns,
    isComplete: true,
    dns: {
      id: 1,
      isResponse: false,
      queryName: "a\tb\nc\x1bd.example",
      queryType: "A",
      answers: [],
    },
    tls: { serverName: "é.example", alpn: [], version: "TLS 1.3" },
    http: { host: "h.example" },
  };
  const row = rowOf(ethernet(0x0800, ipv4({ protocol: 17 }, UDP)), {
    application: Application.dns,
    names,
  });
  strictEqual(
    row.split("\t").slice(13).join(" "),
    "DNS a\\tb\\nc\\x1bd.example é.example h.example\n",
  );
});

Deno.test("formatTime() writes nine decimals on both sides of 1970", () => {
  strictEqual(formatTime(0, 0), "0.000000000");
  strictEqual(formatTime(1_340_954_905_298_858, 999), "1340954905.298858999");
  strictEqual(formatTime(-1, 0), "-1.999999000");
});
