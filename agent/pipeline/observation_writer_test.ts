import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ethernet, filler, ipv4, join, tcp, udp, uint16 } from "../decode/packet_builder.ts";
import {
  CONTACT_WORDS,
  HOST_WINDOW_WORDS,
  Mark,
  Observation,
  OBSERVATION_WORDS_MAX,
  ObservationKind,
} from "../detect/observation.ts";
import { Linktype, Transport } from "../records.ts";
import { HotPath } from "../hot/hot_path.ts";
import { S_OBSERVATIONS_COUNT } from "../hot/layout.ts";
import { HostTable } from "./host_table.ts";
import { observationBufferWords, ObservationWriter } from "./observation_writer.ts";
import { Pipeline } from "./pipeline.ts";
import { batchOf, type Frame, observe } from "./testing.ts";

const startUs = 1_700_000_000_250_000;

/** The frame as sent the other way: addresses and ports change places. */
function answered(frame: Uint8Array): Uint8Array {
  const swapped = frame.slice();
  for (const [from, to, length] of [[0, 6, 6], [26, 30, 4], [34, 36, 2]]) {
    swapped.set(frame.subarray(to, to + length), from);
    swapped.set(frame.subarray(from, from + length), to);
  }
  return swapped;
}

const segment = (flags: number, payload: Uint8Array = new Uint8Array(0)) =>
  ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags }, payload)));

const marksBut = (row: Observation) =>
  Object.entries(Mark).filter(([, bit]) => row.has(bit)).map(([name]) => name)
    .filter((name) => name !== "isFirstInWindow");

Deno.test("ObservationWriter hands on rows batch by batch, or when there are as many as wanted", () => {
  const counts = (wordsMin: number) => {
    const handed: number[] = [];
    const exchange = (words: Int32Array<ArrayBuffer>, length: number, count: number) => {
      strictEqual(rowCount(words, length), count);
      handed.push(count);
      return words;
    };
    const observations = { wordsMin, exchange };
    const pipeline = new Pipeline({ flowCountMax: 100, rowPolicy: "none", observations });
    for (const atUs of [0, 100]) {
      pipeline.process(batchOf([{ timestampUs: startUs + atUs, bytes: segment(0x02) }]));
    }
    pipeline.finish();
    return handed.length;
  };
  strictEqual(counts(0), 2);
  strictEqual(counts(1000), 1);
});

Deno.test("a frame behind a header of its capture is observed as the frame alone is", () => {
  const toAll = ethernet(0x0800, ipv4({ protocol: 17 }, udp({ destination: 9 }, filler(9))));
  toAll.fill(0xff, 0, 6);
  const arp = ethernet(0x0806, join([0, 1, 8, 0, 6, 4, 0, 1], filler(20)));
  arp.fill(0xff, 0, 6);
  const frames = [segment(0x02), toAll, arp].map((bytes, index) => ({
    timestampUs: startUs + index,
    bytes,
  }));
  const behindPpi = frames.map(({ timestampUs, bytes }) => ({
    timestampUs,
    bytes: join([0, 0, 8, 0, 1, 0, 0, 0], bytes),
    linktype: Linktype.ppi,
  }));
  const tell = (row: Observation) => `${row.kind} ${row.sourcePort} ${marksBut(row).join()}`;
  const told = observe(frames, tell);
  deepStrictEqual(told.filter((text) => text.includes("isLinkBroadcast")).length, 2);
  deepStrictEqual(observe(behindPpi, tell), told);
});

function rowCount(words: Int32Array, length: number): number {
  let rows = 0;
  for (let at = 0; at < length; at += words[at] >>> 16) rows++;
  return rows;
}

/** Ends the window of `hostCount` hosts into a sink that takes so many buffers; rows that it took, and rows shed. */
function endHostWindows(hostCount: number, bufferCount: number): { taken: number; shed: number } {
  const hot = new HotPath({ flowCountMax: 1, hostCountMax: hostCount });
  const hosts = new HostTable({
    hot,
    hostCountMax: hostCount,
    isLocal: () => false,
    isListed: () => true,
    formatAddress: () => "",
    namesOf: () => [],
    macs: { macOf: () => 0, isRouter: () => false },
  });
  let buffers = 0;
  let taken = 0;
  const writer = new ObservationWriter({
    wordsMin: 0,
    exchange: (words, length, count) => {
      if (buffers++ >= bufferCount) return null;
      strictEqual(rowCount(words, length), count);
      taken += count;
      return words;
    },
  }, hot);
  for (let host = 0; host < hostCount; host++) {
    hosts.addSent(hosts.row(0, 0, 0xffff, host, startUs), 60, startUs);
  }
  hot.exports.endHostWindow(startUs);
  writer.flush();
  // Those shed are not told later.
  hot.exports.endHostWindow(startUs);
  strictEqual(taken + hot.state[S_OBSERVATIONS_COUNT] + writer.shedCount, hostCount);
  return { taken, shed: writer.shedCount };
}

Deno.test("ObservationWriter hands on full buffers of hosts' windows, and sheds rows when there is no room", () => {
  // A row is begun where the longest has room.
  const beginMax = observationBufferWords - OBSERVATION_WORDS_MAX;
  const rowsPerBuffer = Math.floor(beginMax / HOST_WINDOW_WORDS) + 1;
  const hostCount = 2 * rowsPerBuffer + 10;
  deepStrictEqual(endHostWindows(hostCount, 3), { taken: hostCount, shed: 0 });
  deepStrictEqual(endHostWindows(hostCount, 1), { taken: rowsPerBuffer, shed: 10 });
});

Deno.test("ObservationWriter tells a refused connection in its SYN and its RST, its end not", () => {
  const syn = segment(0x02);
  const rows = observe(
    [{ timestampUs: startUs, bytes: syn }, {
      timestampUs: startUs + 400,
      bytes: answered(segment(0x14)),
    }],
    (row) => ({
      kind: row.kind,
      afterUs: row.timestampUs - startUs,
      ports: [row.sourcePort, row.destinationPort],
      marks: marksBut(row),
      packets: row.kind === ObservationKind.contact ? [row.origPackets, row.respPackets] : [],
      flags: row.kind === ObservationKind.contact ? row.tcpFlags : -1,
    }),
  );
  const contacts = rows.filter(({ kind }) => kind === ObservationKind.contact);
  deepStrictEqual(contacts, [{
    kind: ObservationKind.contact,
    afterUs: 0,
    ports: [40000, 443],
    marks: ["isNew", "isFirstOfSide", "hasTcpStateMoved", "sentByOriginator"],
    packets: [1, 0],
    flags: 0x02,
  }, {
    kind: ObservationKind.contact,
    afterUs: 400,
    ports: [443, 40000],
    marks: ["isFirstOfSide", "hasTcpStateMoved"],
    packets: [1, 1],
    flags: 0x14,
  }]);
  const kinds = rows.map(({ kind }) => kind);
  strictEqual(kinds.includes(ObservationKind.end), false);
  strictEqual(kinds[0], ObservationKind.tick, "time passes before its first packet is told");
  strictEqual(kinds.at(-1), ObservationKind.windowEnd);
  strictEqual(kinds.filter((kind) => kind === ObservationKind.hostWindow).length, 2);
});

Deno.test("ObservationWriter tells the end of a flow that had payload", () => {
  const frames = [
    { timestampUs: startUs, bytes: segment(0x02) },
    { timestampUs: startUs + 500, bytes: segment(0x18, filler(10)) },
    { timestampUs: startUs + 900, bytes: answered(segment(0x14)) },
  ];
  const ends = observe(frames, (row) =>
    row.kind === ObservationKind.end && ({
      ports: [row.sourcePort, row.destinationPort],
      marks: marksBut(row),
      packets: [row.origPackets, row.respPackets],
      bytes: [row.origBytes, row.respBytes],
    })).filter((end) => end !== false);
  deepStrictEqual(ends, [{
    ports: [40000, 443],
    marks: ["sentByOriginator", "endedInput"],
    packets: [2, 1],
    // All segments begin at one number, which is the SYN's.
    bytes: [9, 0],
  }]);
});

/** With an identification of its own, so that it is no copy of another frame. */
function identified(frame: Uint8Array, identification: number): Uint8Array {
  frame.set(uint16(identification + 1), 14 + 4);
  return frame;
}

Deno.test("ObservationWriter tells the end of a flow without payload when it had many packets or several SYNs", () => {
  const ends = (count: number, flags = 0x10) =>
    observe(
      Array.from(
        { length: count },
        (_, i) => ({ timestampUs: startUs + i, bytes: identified(segment(flags), i) }),
      ),
      (row) => row.kind === ObservationKind.end && row.origPackets,
    ).filter((packets) => packets !== false);
  deepStrictEqual([ends(63), ends(64), ends(100)], [[], [64], [100]]);
  deepStrictEqual([ends(1, 0x02), ends(2, 0x02)], [[], [2]], "SYNs");
});

Deno.test("ObservationWriter shows a payload's first bytes where UDP packets have doubled, or go on unanswered", () => {
  const payload = (index: number) => index === 64 ? [7, 0, 8] : filler(40);
  const frames = Array.from({ length: 128 }, (_, index) => ({
    timestampUs: startUs + index,
    bytes: identified(
      ethernet(
        0x0800,
        ipv4({ protocol: 17 }, udp({ destination: 9000 }, Uint8Array.from(payload(index + 1)))),
      ),
      index,
    ),
  }));
  const samples = observe(frames, (row) => {
    const words = row.words.slice(row.at + CONTACT_WORDS, row.at + (row.words[row.at] >>> 16));
    return row.kind === ObservationKind.contact && [...new Uint8Array(words.buffer)];
  }).filter((sample) => sample !== false);
  const filled = [...filler(40).subarray(0, 16)];
  const cut = [7, 0, 8, ...filler(13).fill(0)];
  deepStrictEqual(samples, [[], filled, filled, cut, filled]);
});

Deno.test("ObservationWriter says which host an HTTP request to outside asks", () => {
  const hosts = (text: string, destination = "192.0.2.9") => {
    const request = segment(0x18, new TextEncoder().encode(text));
    request.set(destination.split(".").map(Number), 30);
    return observe([{ timestampUs: startUs, bytes: request }], (row) => row.httpHost)
      .filter((host) => host !== "");
  };
  deepStrictEqual(hosts("GET / HTTP/1.1\r\nHost: Www.Example.ORG:8080\r\n\r\n"), [
    "www.example.org:8080",
  ]);
  deepStrictEqual(hosts("GET / HTTP/1.1\r\nA: b\r\nhOST:a.example\r\n\r\n"), ["a.example"]);
  deepStrictEqual(hosts("GET / HTTP/1.1\r\nHost: cut.off"), ["cut.off"]);
  deepStrictEqual(hosts("GET / HTTP/1.1\r\nX-Host: a\r\nHost:\r\n\r\n"), []);
  deepStrictEqual(hosts("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "192.168.1.9"), []);
  deepStrictEqual(hosts(`GET / HTTP/1.1\r\nHost: ${"long.".repeat(40)}\r\n\r\n`)[0]!.length, 64);
});

Deno.test("ObservationWriter says nothing of a flow in full swing but once a window", () => {
  const frames: Frame[] = [{ timestampUs: startUs, bytes: segment(0x02) }];
  for (let i = 1; i < 60; i++) {
    frames.push({ timestampUs: startUs + i * 900_000, bytes: segment(0x10, filler(10)) });
  }
  const contacts = observe(frames, (row) => row.kind === ObservationKind.contact && marksBut(row))
    .filter((marks) => marks !== false);
  // 54 s from the start of a window are six windows; in the first the SYN and the first payload tell something.
  strictEqual(contacts.filter((marks) => !marks.includes("isNew")).length <= 7, true);
  strictEqual(contacts.filter((marks) => marks.includes("isFirstPayload")).length, 1);
});

Deno.test("ObservationWriter reads the packet that an ICMP error quotes", () => {
  const probe = ipv4({ protocol: 17 }, udp({ destination: 161 }, filler(4)));
  const message = join([3, 3, 0, 0, 0, 0, 0, 0], probe);
  const error = answered(ethernet(0x0800, ipv4({ protocol: 1 }, message)));
  error.set(message.subarray(0, 8), 34);
  error.fill(0xff, 0, 6);
  const errors = observe([{ timestampUs: startUs, bytes: error }], (row) => ({
    kind: row.kind,
    transport: row.transport,
    source: row.source3 >>> 0,
    destination: row.destination3 >>> 0,
    port: row.destinationPort,
    icmp: row.kind === ObservationKind.icmpError ? [row.icmpType, row.icmpCode] : [],
    reporter: row.kind === ObservationKind.icmpError ? row.word(19) : 0,
    marks: marksBut(row),
  })).filter(({ kind }) => kind === ObservationKind.icmpError);
  deepStrictEqual(errors, [{
    kind: ObservationKind.icmpError,
    transport: Transport.udp,
    source: 0xc0000201,
    destination: 0xc6336402,
    port: 161,
    icmp: [3, 3],
    reporter: 0xc6336402,
    marks: ["isLinkBroadcast"],
  }]);
});

Deno.test("ObservationWriter tells who asks whom by ARP, and by which frame", () => {
  const who = join([0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 1], filler(6), [
    10,
    0,
    0,
    9,
  ]);
  const frame = ethernet(0x0806, who);
  frame.fill(0xff, 0, 6);
  const [arp] = observe([{ timestampUs: startUs, bytes: frame }], (row) => ({
    kind: row.kind,
    addresses: [row.source3, row.destination3],
    macs: row.kind === ObservationKind.arp ? [row.arpSenderMac, row.arpFrameMac] : [],
    operation: row.kind === ObservationKind.arp ? row.arpOperation : 0,
    isBroadcast: row.has(Mark.isLinkBroadcast),
  })).filter(({ kind }) => kind === ObservationKind.arp);
  deepStrictEqual(arp, {
    kind: ObservationKind.arp,
    addresses: [0x0a000001, 0x0a000009],
    macs: [0x020000000002, 0x020000000002],
    operation: 1,
    isBroadcast: true,
  });
});

Deno.test("ObservationWriter tells names asked for and addresses answered", () => {
  const question = join([3], [0x57, 0x77, 0x77], [2], [0x64, 0x65], [0], uint16(1), uint16(1));
  const header = (flags: number, answers: number) =>
    join(uint16(1), uint16(flags), uint16(1), uint16(answers), uint16(0), uint16(0));
  const record = join([0xc0, 12], uint16(1), uint16(1), [0, 0, 0, 9], uint16(4), [192, 0, 2, 80]);
  const query = ethernet(
    0x0800,
    ipv4({ protocol: 17 }, udp({ destination: 53 }, join(header(0x0100, 0), question))),
  );
  const response = answered(ethernet(
    0x0800,
    ipv4(
      { protocol: 17 },
      udp({ destination: 53 }, join(header(0x8180, 1), question, record)),
    ),
  ));
  const messages = observe(
    [{ timestampUs: startUs, bytes: query }, { timestampUs: startUs + 900, bytes: response }],
    (row) =>
      row.kind === ObservationKind.dns && {
        name: Array.from({ length: row.dnsNameLength }, (_, i) =>
          String.fromCharCode(row.dnsNameByte(i))).join(""),
        isResponse: row.isDnsResponse,
        type: row.dnsQueryType,
        rcode: row.dnsRcode,
        addresses: Array.from({ length: row.dnsAddressCount }, (_, i) =>
          row.words[row.dnsAddressAt(i) + 3] >>> 0),
      },
  ).filter((message) => message !== false);
  deepStrictEqual(messages, [
    { name: "www.de", isResponse: false, type: 1, rcode: 0, addresses: [] },
    { name: "www.de", isResponse: true, type: 1, rcode: 0, addresses: [0xc0000250] },
  ]);
});

Deno.test("ObservationWriter marks addresses of the own network", () => {
  const frame = segment(0x02);
  frame.set([10, 0, 0, 1], 26);
  const marks = observe(
    [{ timestampUs: startUs, bytes: frame }],
    (row) => row.kind === ObservationKind.contact && marksBut(row),
  ).filter((found) => found !== false)[0];
  strictEqual(marks.includes("isSourceLocal"), true);
  strictEqual(marks.includes("isDestinationLocal"), false);
});
