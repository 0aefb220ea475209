import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ethernet, ipv4, tcp, uint16, uint32 } from "../decode/packet_builder.ts";
import { CIPHERS, cutTalk, SshTalk, type TalkSegment } from "../decode/testing/ssh_talk.ts";
import { ObservationKind } from "../detect/observation.ts";
import { FlowTable } from "../flow/flow_table.ts";
import { makePacket } from "../flow/test_packets.ts";
import { Application, LoginOutcome } from "../records.ts";
import { LoginWatch } from "./login_watch.ts";
import { type Frame, observe } from "./testing.ts";

const { refused, session } = LoginOutcome;
const starts = [0xffff_f000, 77];
const headers = 14 + 20 + 20;

Deno.test("what came of a login is told once, with its ends, and as soon as a session shows", () => {
  for (const cipher of CIPHERS) {
    const talk = new SshTalk({ cipher });
    guess(talk);
    deepStrictEqual(rowsOf(talk.segments), [told(refused, 2)], cipher.name);
    const used = new SshTalk({ cipher });
    guess(used);
    used.accept(120);
    used.work();
    // Long before the flow ends.
    for (let more = 0; more < 30; more++) used.say(false, used.encrypted(900));
    const order = observe(framesOf(used.segments), ({ kind }) => kind)
      .filter((kind) => kind === ObservationKind.login || kind === ObservationKind.end);
    deepStrictEqual(order, [ObservationKind.login, ObservationKind.end]);
    deepStrictEqual(rowsOf(used.segments), [told(session, 2)], cipher.name);
  }
});

Deno.test("logins are told however the key exchange is cut, with copies, out of order, and late", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("SSH-2.0-b\r\n", "SSH-2.0-b\n", "Hello\r\n\r\nSSH-2.0-b\r\n"),
      fc.array(fc.nat(3_000), { maxLength: 8 }),
      fc.array(fc.nat(3), { minLength: 5, maxLength: 12 }),
      (banner, cuts, moves) => {
        const talk = new SshTalk({ banners: ["SSH-2.0-a\r\n", banner], keys: [1200, 1100] });
        const exchange = talk.segments.slice(0, talk.plainCount - 1);
        guess(talk);
        const last = exchange.at(-1)!;
        const cut = cutTalk(exchange, cuts.filter((at) => at < last.offset));
        // The first segments of both sides stay where they are, so that the flow is known.
        const [first, ...rest] = cut;
        const moved = rest.flatMap((each, at) => at % 3 === 0 ? [each, each] : [each])
          .map((each, at) => ({ each, at: at + moves[at % moves.length] }))
          .sort((a, b) => a.at - b.at).map(({ each }) => each);
        const segments = [first, ...moved, ...talk.segments.slice(exchange.length)];
        deepStrictEqual(rowsOf(segments), [told(refused, 2)]);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("30 bytes of each segment suffice, and the client's segments alone", () => {
  const talk = new SshTalk();
  guess(talk);
  deepStrictEqual(rowsOf(talk.segments, 30), [told(refused, 2)]);
  const ofClient = talk.segments.filter(({ isClient }) => isClient);
  deepStrictEqual(rowsOf(ofClient), [told(refused, 1)], "of the last answer nothing shows");
});

Deno.test("nothing is told of a capture that begins in the middle, nor of other protocols", () => {
  const talk = new SshTalk();
  guess(talk);
  for (let from = 2; from < talk.segments.length; from++) {
    deepStrictEqual(rowsOf(talk.segments.slice(from)), []);
  }
  const [first, ...rest] = talk.segments;
  const bytes = new TextEncoder().encode("GET / HTTP/1.0\r\n");
  deepStrictEqual(rowsOf([{ ...first, bytes }, ...rest.slice(1)]), []);
});

Deno.test("whatever a connection of SSH brings, no login is made up", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 60 })), {
      maxLength: 30,
    }),
    (said) => {
      const talk = new SshTalk();
      const segments = talk.segments.slice(0, 2);
      const sent = segments.map(({ bytes }) => bytes.length);
      for (const [isClient, bytes] of said) {
        const own = isClient ? 0 : 1;
        segments.push({ isClient, offset: sent[own], bytes, acknowledged: sent[1 - own] });
        sent[own] += bytes.length;
      }
      deepStrictEqual(rowsOf(segments), []);
    },
  ));
});

Deno.test("LoginWatch follows a bounded number of flows, the newest ones, and looks no longer than needed", () => {
  const flows = new FlowTable({ onEnd: (slot) => watch.end(slot) });
  const rows: number[] = [];
  const watch = new LoginWatch({ flows, countMax: 2, tell: ({ outcome }) => rows.push(outcome) });
  const talk = new SshTalk();
  guess(talk);
  talk.accept(120);
  talk.work();
  for (let more = 0; more < 500; more++) talk.say(false, talk.encrypted(900));
  let looks = 0;
  for (let port = 1; port <= 3; port++) {
    for (const { isClient, offset, bytes, acknowledged } of talk.segments) {
      const ports = isClient ? [40_000 + port, 22] : [22, 40_000 + port];
      const packet = makePacket({
        source: isClient ? "10.0.0.1" : "10.0.0.2",
        destination: isClient ? "10.0.0.2" : "10.0.0.1",
        protocol: 6,
        sourcePort: ports[0],
        destinationPort: ports[1],
        flags: 0x18,
        sequence: offset + 1,
        acknowledgement: acknowledged + 1,
        payloadLength: bytes.length,
      });
      packet.payloadOffset = 0;
      packet.payloadCapturedLength = bytes.length;
      const slot = flows.update(packet, 1e15, 54 + bytes.length, 0);
      if (flows.isFollowed(slot)) {
        looks++;
        watch.take(bytes, slot, offset, bytes.length, 0, bytes.length, acknowledged, 1e15);
      }
      if (!flows.takeInspection(slot)) continue;
      flows.setApplication(slot, Application.ssh);
      flows.markSettled(slot);
      watch.begin(bytes, packet, slot);
      // The first ones stay open.
      if (port < 3) break;
    }
    ok(watch.count <= 2);
  }
  strictEqual(rows.length, 1);
  ok(looks < 50, String(looks));
  flows.end();
  strictEqual(watch.count, 0);
});

function guess(talk: SshTalk): void {
  for (const request of [43, 120, 120]) talk.refuse(request);
}

function told(outcome: number, refused: number) {
  return { outcome, refused, from: "10.0.0.1", ports: [40_000, 52_022], marks: 0x100 };
}

/** What is told of logins. */
function rowsOf(segments: readonly TalkSegment[], shown = Infinity) {
  return observe(framesOf(segments, shown), (row) =>
    row.kind !== ObservationKind.login ? null : {
      outcome: row.loginOutcome,
      refused: row.loginsRefused,
      from: [24, 16, 8, 0].map((shift) => row.source3 >>> shift & 255).join("."),
      ports: [row.sourcePort, row.destinationPort],
      marks: row.marks,
    }).filter((row) => row !== null);
}

function framesOf(segments: readonly TalkSegment[], shown = Infinity): Frame[] {
  const frames = segments.map(({ isClient, offset, bytes, acknowledged }) => {
    const [own, other] = isClient ? starts : starts.toReversed();
    return frame(isClient, 0x18, [own + 1 + offset, other + 1 + acknowledged], bytes);
  });
  const open = [
    frame(true, 2, [starts[0], 0], new Uint8Array()),
    frame(false, 0x12, [starts[1], starts[0] + 1], new Uint8Array()),
  ];
  return [...open, ...frames].map((bytes, index) => ({
    timestampUs: 1_700_000_000_000_000 + index * 1000,
    bytes: bytes.subarray(0, headers + shown),
    wireLength: bytes.length,
  }));
}

function frame(
  isClient: boolean,
  flags: number,
  [sequence, acknowledgement]: readonly number[],
  payload: Uint8Array,
): Uint8Array {
  const segment = tcp({ flags }, payload);
  const ports = isClient ? [40_000, 52_022] : [52_022, 40_000];
  segment.set([...ports.flatMap(uint16), ...uint32(sequence), ...uint32(acknowledgement)]);
  const packet = ipv4({ protocol: 6 }, segment);
  const hosts = [[10, 0, 0, 1], [10, 0, 0, 2]];
  packet.set([...hosts[isClient ? 0 : 1], ...hosts[isClient ? 1 : 0]], 12);
  return ethernet(0x0800, packet);
}
