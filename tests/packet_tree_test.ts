/**
 * The tree of a packet: its fields have the names, values and bytes that tshark gives them, and whatever the bytes are it
 * is made without an error, within the packet, as printable text.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { readCaptureFile, type ReadPacket } from "../agent/capture/read_packets.ts";
import { type FieldNode, type LayerNode, packetTree } from "../agent/decode/tree/packet_tree.ts";

const fixtures = new URL("fixtures/", import.meta.url).pathname;
const compared = [
  "demo.pcapng.gz",
  "field/arp_sweep_by_dual_stack_host.pcap",
  "field/dns_tcp_length_apart_tunnel.pcap",
  "field/false_scan_broken_ipv6_doh.pcap",
  "field/false_scan_tailscale_stun_blocked.pcap",
  "field/false_tunnel_spf_macros.pcap",
  "field/flood_figures_icmp.pcap.gz",
  "field/proxy_protocol_v1.pcap",
  "field/scan_ipv6_neighbour_sweep.pcap",
  "field/scan_urg_flag.pcap",
  "field/tunnel_vxlan_port.pcap",
  "field/vlan_tenants_with_equal_addresses.pcap",
];
/** Of the shared corpus, where it is there. */
const corpus = new URL("../../shared/corpus/decode/", import.meta.url).pathname;
const comparedOfCorpus = [
  "PcapPlusPlus__650HttpResponses.pcap.gz",
  "PcapPlusPlus__GrePackets.cap",
  "PcapPlusPlus__IcmpV6_NeighAdvSoli.pcap",
  "PcapPlusPlus__MplsPackets.pcap",
  "PcapPlusPlus__SSL-ClientHello1.pcap",
  "PcapPlusPlus__ip4_fragments.pcap",
  "PcapPlusPlus__ipv6-frag.pcap",
  "PcapPlusPlus__Dhcp1.pcap",
  "arkime__dns-mx.pcap",
  "arkime__dns-tcp.pcap",
  "arkime__wireshark-dhcp.pcap",
  "joy__dhcp.pcap",
  "nDPI__dns.pcap",
  "suricata-verify__dhcp-eve-extended_input.pcap",
  "suricata-verify__dns-eve_input.pcap",
  "suricata-verify__ja4-rules_input.pcap",
  "tcpdump__edns-opts.pcap",
  "tcpdump__icmpv6.pcap",
  "wireshark__dhcp-nanosecond.pcap",
  "zeek__dhcp_dhcp.pcap",
  "zeek__snap-arp.pcapng",
  "zeek__tcp_options.pcap",
  "zeek__tls_chrome-1250-tls-x25519-kyber.pcap",
  "zeek__vlan-pcp-dei.pcapng",
];
const isCorpusThere = exists(corpus);
/** Of each file; more packets are more of the same. */
const packetsMax = 400;
const note = hasTshark() ? "" : " (SKIPPED: no tshark)";

function hasTshark(): boolean {
  try {
    return new Deno.Command("tshark", { args: ["--version"], stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Names of ours that tshark has none for: bytes that nobody names, and names that it writes in another way. */
const ownNames =
  /^(data\.|http\.(empty|header|file_data)|tls\.(record|handshake|segment_data|app_data|change_cipher_spec|handshake\.(extension|data|fragment|extension\.data|ciphersuites|comp_methods))$|dns\.(question|record|data|opt|flags\.rcode)$|tcp\.options(\.\w+)?$|ip\.opt|icmpv6\.opt|icmpv6\.mldr\.mar$|ipv6\.(\w+\.data$|hopopts$|dstopts$|routing$|fraghdr$)|dhcp\.option\.(type_number|value)$|ntp\.|icmp\.unused|igmp\.|vlan\.dei|sll\.|null\.|pppoe\.|ppp\.|vxlan\.(gbp|reserved8)|llc\.oui)/;

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

const paths = [
  ...compared.map((file) => fixtures + file),
  ...(isCorpusThere ? comparedOfCorpus.map((file) => corpus + file) : []),
];
for (const path of paths) {
  Deno.test({
    name: `the trees of ${path.split("/").at(-1)} are tshark's${note}`,
    ignore: note !== "",
    fn: async () => {
      const { packets } = await readCaptureFile(path);
      const theirs = await dissect(path);
      let count = 0;
      const wrong: string[] = [];
      for (const [index, packet] of packets.slice(0, packetsMax).entries()) {
        for (const field of fieldsOf(treeOf(packet))) {
          if (ownNames.test(field.name) || isOfOtherSegments(field, packet)) continue;
          count++;
          const key = `${field.name} ${field.offset} ${field.length}`;
          const shown = theirs[index]?.get(key) ??
            theirs[index]?.get(key.replace("content_type", "opaque_type"));
          if (shown === undefined) wrong.push(`${index + 1}: ${key} = ${field.value}, unknown`);
          else if (!shown.some((text) => isSameValue(field.value, text))) {
            wrong.push(`${index + 1}: ${key} = ${field.value}, tshark ${shown.join(" | ")}`);
          }
        }
      }
      deepStrictEqual(wrong.slice(0, 20), []);
      ok(count > 15, `${count} fields compared`);
    },
  });
}

/** tshark shows a TLS record where its last segment is, and nothing of it before. */
function isOfOtherSegments({ name, offset }: FieldNode, packet: ReadPacket): boolean {
  if (!name.startsWith("tls.")) return false;
  const tls = treeOf(packet).find((layer) => layer.name === "tls");
  const record = tls?.fields.findLast((field) => field.offset <= offset);
  if (!tls?.isCut || record === undefined) return false;
  return record.offset + record.length === packet.data.length;
}

/** Ours has the bare value first, and hexadecimal bytes without colons, cut when they are many. */
function isSameValue(ours: string, theirs: string): boolean {
  if (ours === theirs || ours.startsWith(`${theirs} `)) return true;
  if (theirs === "") return ours === "not given";
  // A text ends before its zero bytes there.
  if (ours.replace(/(\\x00)+$/, "") === theirs) return true;
  return ours.replace("…", "") === theirs.replaceAll(":", "").slice(0, 96);
}

/** For each packet, what tshark shows for a "name position size". */
async function dissect(path: string): Promise<Map<string, string[]>[]> {
  const off = [
    "tcp.desegment_tcp_streams",
    "ip.defragment",
    "ipv6.defragment",
    "tls.desegment_ssl_records",
    "tls.desegment_ssl_application_data",
    "http.desegment_headers",
    "http.desegment_body",
    "dns.desegment_dns_messages",
  ].flatMap((name) => ["-o", `${name}:FALSE`]);
  const { stdout } = await new Deno.Command("tshark", {
    args: ["-n", "-r", path, "-c", String(packetsMax), "-T", "pdml", ...off],
    stderr: "null",
  }).output();
  const packets: Map<string, string[]>[] = [];
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    if (line.startsWith("<packet>")) packets.push(new Map());
    const field = /<field name="([^"]+)".* size="(\d+)" pos="(\d+)"(?:.*? show="([^"]*)")?/.exec(
      line,
    );
    if (field === null) continue;
    const key = `${field[1]} ${field[3]} ${field[2]}`;
    const shown = (field[4] ?? "").replaceAll("&lt;", "<").replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"').replaceAll("&amp;", "&");
    const known = packets.at(-1)!.get(key) ?? [];
    packets.at(-1)!.set(key, [...known, shown]);
  }
  return packets;
}

function treeOf({ data, wireLength, linktype }: ReadPacket): readonly LayerNode[] {
  return packetTree(data, { wireLength, linktype }).layers;
}

function fieldsOf(nodes: readonly (LayerNode | FieldNode)[]): FieldNode[] {
  return nodes.flatMap((node) =>
    "fields" in node ? fieldsOf(node.fields) : [node, ...fieldsOf(node.children)]
  );
}

/** Within the packet, children within their field, text without control characters. */
function checkTree(packet: Uint8Array, linktype: number, wireLength: number): void {
  const { layers } = packetTree(packet, { wireLength, linktype });
  const within = (node: { offset: number; length: number }, start: number, end: number) =>
    ok(
      Number.isInteger(node.offset) && node.offset >= start && node.length >= 0 &&
        node.offset + node.length <= end,
      JSON.stringify({ node, start, end }),
    );
  const check = (field: FieldNode, start: number, end: number) => {
    within(field, start, end);
    // deno-lint-ignore no-control-regex -- what no page may show
    ok(!/[\x00-\x1f\x7f-\x9f\u2028\u202a-\u202e]/.test(field.value + field.label), field.value);
    for (const child of field.children) check(child, field.offset, field.offset + field.length);
  };
  for (const layer of layers) {
    within(layer, 0, packet.length);
    for (const field of layer.fields) check(field, layer.offset, layer.offset + layer.length);
  }
  ok(fieldsOf(layers).length <= 2100);
}

const linktypes = [0, 1, 9, 12, 50, 51, 101, 104, 105, 107, 108, 113, 117, 127, 192, 228, 229, 276];

Deno.test("packetTree() is made of random bytes of any link type", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(...linktypes),
      fc.nat(200),
      (bytes, linktype, more) => checkTree(bytes, linktype, bytes.length + more),
    ),
    { numRuns: 3000 },
  );
});

Deno.test("packetTree() is made of cut and changed packets", async () => {
  const seeds: ReadPacket[] = [];
  for (const file of compared) {
    const { packets } = await readCaptureFile(fixtures + file);
    seeds.push(...packets.filter((_, index) => index % Math.ceil(packets.length / 40) === 0));
  }
  for (const { data, wireLength, linktype } of seeds) {
    for (let length = 0; length <= data.length; length += length < 120 ? 1 : 37) {
      checkTree(data.subarray(0, length), linktype, wireLength);
      checkTree(data.slice(0, length), linktype, length);
    }
  }
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
      ({ data, linktype, wireLength }, changes) => {
        const changed = data.slice();
        for (const [at, byte] of changes) changed[at % changed.length] = byte;
        checkTree(changed, linktype, wireLength);
      },
    ),
    { numRuns: 3000 },
  );
});

Deno.test("packetTree() shows at most so many fields of a message that has more", () => {
  // 60 kB of empty questions behind a DNS header.
  const payload = new Uint8Array(60_000);
  payload.set([0, 1, 1, 0, 0xff, 0xff]);
  const header = new Uint8Array(28);
  const view = new DataView(header.buffer);
  header.set([0x45, 0], 0);
  view.setUint16(2, 28 + payload.length);
  header[9] = 17;
  view.setUint16(20, 40_000);
  view.setUint16(22, 53);
  view.setUint16(24, 8 + payload.length);
  const packet = new Uint8Array([...header, ...payload]);
  checkTree(packet, 101, packet.length);
  const dns = packetTree(packet, { wireLength: packet.length, linktype: 101 }).layers.at(-1)!;
  strictEqual(dns.name, "dns");
  ok(dns.isCut);
});
