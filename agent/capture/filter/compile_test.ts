import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { testAsRoot, testWithLibpcap, testWithServices } from "../../../ffi/pcap/testing.ts";
import { corpusPath, doesCorpusExist, readManifest } from "../corpus.ts";
import { readCaptureFile, type ReadPacket } from "../read_packets.ts";
import { type Instruction, instructionCountMax } from "./bpf.ts";
import { compileFilter, compileSocketFilter } from "./compile.ts";
import { FilterError } from "./filter_error.ts";
import { SERVICES } from "./names.ts";
import { filters, primitives } from "./testing/expressions.ts";
import { attach } from "./testing/kernel.ts";
import { damaged, packetsByLinktype, vlanIds } from "./testing/packets.ts";
import { type PacketFacts, Reference, runProgram } from "./testing/reference.ts";

const snaplen = 262_144;
const cookedHeaderBytes = 16;
const ethernet = { linktype: 1, isLive: false, isCooked: false, snaplen };

/** What people write, by the manual page and by habit. */
const usual = [
  ...["tcp", "udp port 53", "icmp or icmp6", "arp", "ip6", "port 80 or 443", "not port 22", "sctp"],
  ...["host 10.0.2.15", "net 192.168.0.0/16", "src net 10", "dst host 192.168.1.1 and tcp"],
  ...["src or dst port http", "portrange 1-1023", "tcp portrange 6000-6010 or udp", "less 100"],
  ...[
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
    "tcp[13] & 2 != 0 and not src net 10.0.0.0/8",
  ],
  ...["tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)", "len > 1000"],
  ...["ip[6:2] & 0x3fff != 0", "ip[8] < 10", "icmp[icmptype] != icmp-echo and icmp", "greater 500"],
  ...[
    "ether host ff:ff:ff:ff:ff:ff",
    "ether proto 0x88cc",
    "broadcast or multicast",
    "ether[0] & 1 = 0",
  ],
  ...[
    "vlan",
    "vlan and ip",
    "vlan 100 and host 10.1.1.1",
    "not vlan",
    "vlan and vlan",
    "mpls and ip",
  ],
  ...["pppoes and tcp", "ip proto 47", "proto \\gre or ip6 proto 44", "esp or ah", "port domain"],
  ...[
    "host 2001:db8::1 or fe80::1",
    "ip6 and tcp port 443",
    "icmp6[icmp6type] == icmp6-neighborsolicit",
  ],
  ...[
    "not (host 10.0.0.1 and (port 80 or port 443))",
    "src 10.0.0.1 or dst 10.0.0.2",
    "len <= 60",
    "ip",
  ],
];

interface Programs {
  readonly ours: readonly Instruction[];
  /** libpcap's, with and without its optimizer. */
  readonly optimized: readonly Instruction[];
  readonly plain: readonly Instruction[];
}

/**
 * Compared is what each means: libpcap's program before its optimizer, which loses packets of some long filters (1.10.3:
 * `host (10.1.2.3 or 10.9.9.9) or not ip and host 192.168.1.7`) and knows nothing of a tag's two places. A packet that
 * ends before what a program reads passes or not by the order of the reads, which sets change.
 */
function agrees(
  { ours, plain }: Programs,
  { bytes, facts, verdicts }: {
    readonly bytes: Uint8Array;
    readonly facts: PacketFacts;
    readonly verdicts: Verdicts;
  },
): boolean {
  const [mine, theirs] = [ours, plain].map((code) => runProgram(code, bytes, facts)) as [
    number,
    number,
  ];
  verdicts.add(mine, theirs);
  return mine === -1 || theirs === -1 || mine === theirs;
}

/** What has been compared, so that no test is content with packets of which all pass, none, or few are read to the verdict. */
class Verdicts {
  #programs = 0;
  #passed = 0;
  #refused = 0;
  /** A read beyond the end on either side: no verdict to compare. */
  #cutShort = 0;

  addProgram(): void {
    this.#programs++;
  }

  add(mine: number, theirs: number): void {
    if (mine === -1 || theirs === -1) this.#cutShort++;
    else if (mine > 0) this.#passed++;
    else this.#refused++;
  }

  /** Some packets passed and some did not, both more than a share of all, and most were read to the verdict. */
  check(programsMin: number, shareMin = 0.05): void {
    const all = this.#passed + this.#refused + this.#cutShort;
    const text =
      `${this.#programs} programs: ${this.#passed} packets passed, ${this.#refused} did not, ` +
      `${this.#cutShort} were too short to tell`;
    ok(this.#programs > programsMin, text);
    ok(Math.min(this.#passed, this.#refused) > shareMin * all && this.#cutShort < all / 2, text);
  }
}

/** Null when either side refuses: libpcap also what no packet passes and division by what is 0. */
function programs(text: string, reference: Reference, target: typeof ethernet) {
  const optimized = reference.compile(text);
  const plain = reference.compile(text, { isOptimized: false });
  if (typeof optimized === "string" || typeof plain === "string") return null;
  return { ours: compileFilter(text, target), optimized, plain };
}

function show(bytes: Uint8Array): string {
  return bytes.toHex();
}

for (const [name, packets] of Object.entries(packetsByLinktype)) {
  const linktype = Number(name);
  testWithLibpcap(`compileFilter() has libpcap's verdict on packets of link type ${name}`, () => {
    const reference = new Reference(linktype);
    const verdicts = new Verdicts();
    const property = fc.property(
      filters({ isEthernet: linktype === 1 }),
      fc.array(damaged(packets), { minLength: 30, maxLength: 30 }),
      (text, samples) => {
        const made = programs(text, reference, { ...ethernet, linktype });
        if (made === null) return;
        verdicts.addProgram();
        for (const bytes of samples) {
          const facts = { wireLength: bytes.length + 3 };
          ok(agrees(made, { bytes, facts, verdicts }), `${text}\n${show(bytes)}`);
        }
      },
    );
    fc.assert(property, { numRuns: linktype === 1 ? 600 : 200 });
    verdicts.check(100);
    reference.close();
  });
}

testWithLibpcap(
  "compileFilter() has libpcap's verdict on packets that are cut off anywhere",
  () => {
    const reference = new Reference(1);
    const verdicts = new Verdicts();
    const property = fc.property(primitives, packetsByLinktype[1], (text, packet) => {
      const made = programs(text, reference, ethernet);
      if (made === null) return;
      verdicts.addProgram();
      for (let length = 0; length <= packet.length; length++) {
        const bytes = Uint8Array.from(packet.slice(0, length));
        const [mine, ...theirs] = [made.ours, made.optimized, made.plain]
          .map((code) => runProgram(code, bytes, { wireLength: packet.length }));
        verdicts.add(Math.max(0, mine!), Math.max(0, theirs[1]!));
        // The optimizer leaves out loads.
        ok(theirs.some((verdict) => verdict > 0 === mine! > 0), `${text}\n${show(bytes)}`);
      }
    });
    fc.assert(property, { numRuns: 500 });
    verdicts.check(200);
    reference.close();
  },
);

testAsRoot("compileFilter() has libpcap's verdict on live packets whose tag was taken out", () => {
  const reference = new Reference("lo");
  const tagFacts = fc.constantFrom(undefined, ...vlanIds.map((id) => 0x6000 | id), 7);
  const vlanFilters = fc.oneof(
    fc.tuple(
      fc.constantFrom("vlan", "vlan 5", "not vlan 5", "tcp or vlan"),
      filters({ isEthernet: true }),
    )
      .map(([vlan, rest]) => `${vlan} and (${rest})`),
    fc.tuple(filters({ isEthernet: true }), filters({ isEthernet: true }))
      .map(([before, behind]) => `(${before}) or vlan 100 and (${behind}) or port 53`),
    filters({ isEthernet: true }),
    fc.constantFrom("inbound", "outbound and tcp", "ifindex 3 or udp", "vlan 5 and outbound"),
  );
  const sample = fc.tuple(
    damaged(packetsByLinktype[1]),
    tagFacts,
    fc.constantFrom(0, 4),
    fc.constantFrom(1, 3),
  );
  const verdicts = new Verdicts();
  fc.assert(
    fc.property(
      vlanFilters,
      fc.array(sample, { minLength: 30, maxLength: 30 }),
      (text, samples) => {
        // libpcap keeps where the tag was in a word that numbers computed before "vlan" overwrite.
        if (/[=<>].*\bvlan\b/.test(text)) return;
        const made = programs(text, reference, { ...ethernet, isLive: true });
        if (made === null) return;
        verdicts.addProgram();
        for (const [bytes, vlanTag, packetType, interfaceIndex] of samples) {
          const facts = {
            wireLength: bytes.length,
            packetType,
            interfaceIndex,
            ...vlanTag === undefined ? {} : { vlanTag },
          };
          ok(
            agrees(made, { bytes, facts, verdicts }),
            `${text}\n${show(bytes)} ${JSON.stringify(facts)}`,
          );
        }
      },
    ),
    { numRuns: 400 },
  );
  verdicts.check(200);
  reference.close();
});

testWithLibpcap(
  "compileFilter() has libpcap's verdict on packets before they get their cooked header",
  () => {
    const reference = new Reference(113);
    const filter = fc.oneof(
      filters({ isEthernet: false }),
      fc.constantFrom("inbound and tcp", "outbound"),
    );
    const verdicts = new Verdicts();
    const property = fc.property(
      filter,
      fc.array(damaged(packetsByLinktype[113]), { minLength: 30, maxLength: 30 }),
      (text, samples) => {
        const made = programs(text, reference, {
          ...ethernet,
          linktype: 113,
          isLive: true,
          isCooked: true,
        });
        if (made === null) return;
        verdicts.addProgram();
        for (const bytes of samples.filter((one) => one.length >= cookedHeaderBytes)) {
          const view = new DataView(bytes.buffer);
          const facts = {
            wireLength: 60,
            packetType: view.getUint16(0),
            protocol: view.getUint16(14),
          };
          const mine = runProgram(made.ours, bytes.subarray(cookedHeaderBytes), facts);
          const theirs = runProgram(made.plain, bytes, facts);
          verdicts.add(mine, theirs);
          ok(mine === -1 || theirs === -1 || mine === theirs, `${text}\n${show(bytes)}`);
        }
      },
    );
    fc.assert(property, { numRuns: 200 });
    verdicts.check(100);
    throws(
      () => compileSocketFilter("ether[0] = 1", { linktype: 113, isCooked: true, snaplen }),
      /no header/,
    );
    reference.close();
  },
);

testWithLibpcap("compileFilter() has libpcap's verdict on real packets", async () => {
  const files = await realCaptures();
  const references = new Map<number, Reference>();
  const strange = fc.sample(filters({ isEthernet: true }), 20);
  const verdicts = new Verdicts();
  for (const { linktype, packets } of files) {
    if (!references.has(linktype)) references.set(linktype, new Reference(linktype));
    for (const text of [...usual, ...strange]) {
      const reference = references.get(linktype)!;
      let made;
      try {
        made = programs(text, reference, { ...ethernet, linktype });
      } catch (error) {
        // What is about Ethernet headers is refused by both where there are none.
        ok(error instanceof FilterError && linktype !== 1, `${text}: ${error}`);
      }
      if (made === null || made === undefined) continue;
      verdicts.addProgram();
      for (const { data, wireLength } of packets) {
        ok(
          agrees(made, { bytes: data, facts: { wireLength }, verdicts }),
          `${text}\n${show(data)}`,
        );
      }
    }
  }
  verdicts.check(50);
  for (const reference of references.values()) reference.close();
});

/** Some packets of each capture whose link types are compiled for. */
async function realCaptures(): Promise<{ linktype: number; packets: ReadPacket[] }[]> {
  const demo = new URL("../../../tests/fixtures/demo.pcapng.gz", import.meta.url).pathname;
  const corpus = doesCorpusExist
    ? (await readManifest()).filter(({ file }) => /^decode\//.test(file))
    : [];
  // Some are of formats that are refused.
  const none: { packets: ReadPacket[] } = { packets: [] };
  const captures: { linktype: number; packets: ReadPacket[] }[] = [];
  for (const path of [demo, ...corpus.map(corpusPath)]) {
    const { packets } = await readCaptureFile(path).catch(() => none);
    const linktype = packets[0]?.linktype ?? -1;
    if (!(String(linktype) in packetsByLinktype)) continue;
    captures.push({
      linktype,
      packets: packets.filter((one) => one.linktype === linktype).slice(0, 60),
    });
  }
  return captures;
}

testWithServices("services have the ports that libpcap finds", () => {
  let compared = 0;
  const reference = new Reference(1);
  for (const [name, { port, transport }] of SERVICES) {
    const found = reference.compile(`port ${name}`);
    if (typeof found === "string") continue; // not in this system's list
    const over = transport === null ? "" : transport === 6 ? "tcp " : "udp ";
    deepEqual(found, reference.compile(`${over}port ${port}`), name);
    compared++;
  }
  ok(compared > 50, `${compared} services`);
  reference.close();
});

Deno.test("compileFilter() refuses what it cannot compile, with the word and its place", () => {
  const refusals: readonly (readonly [text: string, column: number, words: RegExp])[] = [
    ["host www.example.com", 6, /"www\.example\.com" is a name, and names are not looked up/],
    ["net mynet", 5, /"mynet" is a name/],
    ["10.0.0.1", 1, /"10\.0\.0\.1" needs a word before it/],
    ["tcp or 80", 8, /"80" needs a word before it/],
    ["prt 80", 1, /"prt" .*did you mean port\?/],
    ["port", 5, /it ends where port needs a value/],
    ["port 65536", 6, /port 65536 is above 65535/],
    ["port nosuchservice", 6, /"nosuchservice" is no service/],
    ["tcp port domain and udp port ssh", 30, /"ssh" is not a port of udp/],
    ["ip port 80", 9, /"ip" does not go with port/],
    ["(tcp and udp", 1, /this "\(" is never closed/],
    ["tcp) and udp", 4, /"\)" where and or or belongs/],
    ["tcp udp", 5, /"udp" needs and or or before it/],
    ["tcp and", 8, /it ends/],
    ["ip proto tcp", 10, /behind proto write \\tcp/],
    ["proto \\nosuch", 7, /"nosuch" is no protocol/],
    ["gateway router", 1, /"gateway" is not supported/],
    ["protochain 6", 1, /"protochain" is not supported: the kernel takes no program with a loop/],
    ["type mgt", 1, /"type" is not supported: it needs an 802\.11/],
    ["tcp and geneve", 9, /"geneve" is not supported: only libpcap/],
    ["ip broadcast", 1, /the netmask is not known/],
    ["ether 10.0.0.1", 7, /"ether" needs host, src, dst, proto, broadcast, multicast or \[/],
    ["ether host 10.0.0.1", 12, /"ether" does not go with an IPv4 address/],
    ["host 02:00:00:00:00:01", 6, /write ether host/],
    ["host 10.0.0.0/8", 15, /a mask belongs to net/],
    ["net 10.0.0.1/8", 5, /bits set/],
    ["net 10.0.0.0/33", 14, /at most 32 bits/],
    ["net 2001:db8::/129", 16, /at most 128 bits/],
    ["host 1:2:3:4:5:6:7:8:9", 21, /":" where and or or belongs/],
    ["host 1::2::3", 6, /"1::2::3" is no IPv6 address/],
    ["host 300.0.0.1", 6, /no IPv4 address/],
    ["tcp[0:3] = 1", 7, /1, 2 or 4/],
    ["tcp[0] % 4 + 1 = 2", 8, /put brackets around %/],
    ["tcp[0] / 0 = 1", 8, /division by zero/],
    ["tcp[0] << 32 = 1", 8, /shift by more than 31/],
    ["esp[0] = 1", 1, /bytes of "esp" cannot/],
    ["ip[300000] = 1", 1, /no packet has a byte 300000/],
    ["tcp[0] & 1", 11, /it ends where a comparison belongs/],
    ["vlan 4096", 1, /VLAN id 4096 is above 4095/],
    ["mpls and arp", 10, /inside mpls/],
    ["port 08", 6, /octal/],
    ["host 4294967296", 6, /32 bits/],
    ["tcp ; udp", 5, /";" has no meaning/],
    ["\u202etcp", 1, /"\\u202e" has no meaning/],
    ["host ::1" + " or ::1".repeat(5000), 28_675, /more than 4096 parts/],
    ["(".repeat(200) + "tcp", 101, /100 deep/],
  ];
  for (const [text, column, words] of refusals) {
    throws(() => compileFilter(text, ethernet), (error: Error) => {
      ok(error instanceof FilterError, `${text}: ${error.stack}`);
      equal(error.column, column, `${text}: ${error.message}`);
      ok(words.test(error.detail), `${text}: ${error.detail}`);
      return true;
    }, text);
  }
  throws(
    () => compileFilter("ether host 02:00:00:00:00:01", { ...ethernet, linktype: 101 }),
    /raw IP/,
  );
  throws(() => compileFilter("tcp", { ...ethernet, linktype: 105 }), /link type 105/);
});

Deno.test("compileFilter() throws nothing but FilterError, whatever the text", () => {
  const word = fc.constantFrom(
    ...[
      "tcp",
      "host",
      "port",
      "80",
      "10.0.0.1",
      "::1",
      "and",
      "or",
      "not",
      "(",
      ")",
      "[",
      "]",
      ":",
      "net",
    ],
    ...[
      "proto",
      "src",
      "dst",
      "vlan",
      "ether",
      "=",
      "&",
      "-",
      "len",
      "mask",
      "/",
      "\\ip",
      "ip6",
      "mpls",
    ],
  );
  const text = fc.oneof(
    fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
    fc.string(),
  );
  fc.assert(
    fc.property(text, (filter) => {
      try {
        compileFilter(filter, ethernet);
      } catch (error) {
        ok(error instanceof FilterError, `${filter}: ${error}`);
        ok(error.column >= 1 && error.column <= filter.length + 1);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("compileFilter() lets everything pass without words, with as many bytes as are kept", () => {
  for (const text of ["", "  \n"]) {
    deepEqual(compileFilter(text, { ...ethernet, snaplen: 96 }), [{
      code: 6,
      jt: 0,
      jf: 0,
      k: 96,
    }]);
  }
});

Deno.test("compileFilter() leads jumps as far as long filters need, up to the kernel's limit", () => {
  const hosts = (count: number) =>
    Array.from({ length: count }, (_, n) => `host 10.${n >> 16}.${n >> 8 & 255}.${n & 255}`);
  const program = compileFilter(
    `tcp port 80 and not (${hosts(500).join(" or ")}) or arp`,
    ethernet,
  );
  program.forEach(({ code, jt, jf, k }, at) => {
    if ((code & 7) !== 5) return;
    const far = code === 5 ? [k] : [jt, jf];
    for (const steps of far) ok(at + 1 + steps < program.length);
    if (code !== 5) ok(jt <= 255 && jf <= 255);
  });
  ok(program.length > 1000);
  const alternating = hosts(3000).map((host, n) => n % 2 === 0 ? host : `(${host} and tcp)`);
  for (const text of [hosts(3000).join(" or "), alternating.join(" or ")]) {
    throws(
      () => compileFilter(text, ethernet),
      (error: Error) =>
        error instanceof FilterError && error.detail.includes(`${instructionCountMax}`),
    );
  }
});

testWithLibpcap("long filters have libpcap's verdict across their far jumps", () => {
  const reference = new Reference(1);
  const verdicts = new Verdicts();
  const nets = Array.from(
    { length: 260 },
    (_, n) => `not dst net 10.1.${n & 255}.0/24 and port ${n}`,
  );
  for (
    const text of [nets.slice(0, 120).join(" or "), `(${nets.slice(0, 90).join(" and ")}) or udp`]
  ) {
    const made = programs(text, reference, ethernet)!;
    verdicts.addProgram();
    for (const bytes of fc.sample(damaged(packetsByLinktype[1]), 200)) {
      const facts = { wireLength: bytes.length };
      ok(agrees(made, { bytes, facts, verdicts }), show(bytes));
    }
  }
  verdicts.check(1, 0);
  reference.close();
});

if (Deno.build.os === "linux") {
  Deno.test({
    name: "the kernel takes the programs",
    sanitizeResources: false,
    fn() {
      for (const isCooked of [false, true]) {
        for (const text of [...usual, ...fc.sample(filters({ isEthernet: true }), 150)]) {
          const program = compiled(text, isCooked);
          if (program !== null) equal(attach(program), 0, text);
        }
      }
    },
  });
}

/** Null for a filter that is refused. */
function compiled(text: string, isCooked: boolean): Uint8Array<ArrayBuffer> | null {
  try {
    return compileSocketFilter(text, { linktype: isCooked ? 113 : 1, isCooked, snaplen });
  } catch (error) {
    if (error instanceof FilterError) return null;
    throw error;
  }
}
