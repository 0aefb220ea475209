import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Linktype, Packet, StopReason } from "../records.ts";
import { decodePacket } from "./decode.ts";
import { datagram, decodeBytes } from "./decode_checks.ts";
import { ethernet, extension, filler, ipv4, ipv6, join, tcp, udp, vlan } from "./packet_builder.ts";

const IP = ipv4({ protocol: 6 }, tcp({ flags: 2 }, filler(5)));
const FRAME = ethernet(0x0800, IP);
const GTP_FIELDS = [0, 0, 0x12, 0x34, 0, 0, 0, 0x85, 1, 0x10, 9, 0];
const NSH = [0x0f, 0xc2, 2, 3, 0, 0, 1, 255];

/** Packets that go through most of the headers, for mutation. */
const SAMPLES = [
  FRAME,
  ethernet(
    0x8100,
    vlan(5, 0x86dd, ipv6({ nextHeader: 0 }, extension(17, udp({ destination: 53 }, filler(9))))),
  ),
  ethernet(
    0x0800,
    ipv4({ protocol: 17 }, udp({ destination: 4789 }, join([8, 0, 0, 0, 0, 0, 9, 0], FRAME))),
  ),
  ethernet(0x0800, ipv4({ protocol: 47 }, join([0xb0, 0, 0x65, 0x58], filler(12), FRAME))),
  ethernet(
    0x0800,
    ipv4(
      { protocol: 17 },
      udp({ destination: 6081 }, join([2, 0, 0x65, 0x58, 0, 0, 9, 0], filler(8), FRAME)),
    ),
  ),
  ethernet(
    0x8847,
    join([0, 1, 1, 64], ipv4({ protocol: 41 }, ipv6({ nextHeader: 58 }, filler(20)))),
  ),
  ethernet(0x894f, join(NSH, FRAME)),
  ethernet(0x88e7, join([0, 0, 0, 7], ethernet(0x8909, join([1, 1, 0, 1, 0, 5, 8, 0], IP)))),
  ethernet(0x0800, datagram({ destination: 2152 }, [0x34, 255, 0, 53], GTP_FIELDS, IP)),
  ethernet(0x0800, datagram({ destination: 1701 }, [2, 2, 0, 1, 0, 7, 0, 0, 0, 0x21], IP)),
  ethernet(0x0800, datagram({ destination: 1701 }, [0, 3, 0, 0, 0, 0, 0, 7], FRAME)),
  ethernet(0x0800, datagram({ destination: 37_008 }, [1, 0, 0, 1, 10, 1, 5, 1], FRAME)),
  ethernet(0x0800, datagram({ destination: 4790 }, [0x0c, 0, 0, 4, 0, 0, 9, 0], NSH, FRAME)),
  ethernet(0x8864, join([0x11, 0, 0, 1, 0, 80, 0, 0x21], ipv4({ protocol: 132 }, filler(20)))),
];
const linktypes = fc.constantFrom(...Object.values(Linktype), 189);

Deno.test("random bytes of any link type never throw, and nothing outside of them matters", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, linktypes, fc.nat(300), (packet, linktype, more) => {
      decodeBytes(packet, { linktype, wireLength: packet.length + more });
    }),
    { numRuns: 5000 },
  );
});

Deno.test("mutated and cut packets never throw, and nothing outside of them matters", () => {
  const edits = fc.array(fc.tuple(fc.nat(150), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...SAMPLES), edits, fc.nat(150), (sample, changes, cut) => {
      const bytes = sample.slice(0, Math.max(0, sample.length - cut));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      decodeBytes(bytes, { wireLength: sample.length });
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("the samples are read to their end", () => {
  for (const sample of SAMPLES.slice(0, -1)) {
    strictEqual(decodeBytes(sample).stopReason, StopReason.complete);
  }
});

Deno.test("decodePacket() leaves nothing of the packet before", () => {
  const used = new Packet();
  for (const sample of SAMPLES) decodePacket(sample, 0, sample.length, sample.length, 1, used);
  for (const sample of [new Uint8Array(0), filler(60), ...SAMPLES]) {
    const fresh = new Packet();
    decodePacket(sample, 0, sample.length, sample.length, Linktype.ethernet, used);
    decodePacket(sample, 0, sample.length, sample.length, Linktype.ethernet, fresh);
    deepStrictEqual(used, fresh);
  }
});

Deno.test("a wire length below the captured one does not hide captured bytes", () => {
  strictEqual(decodeBytes(FRAME, { wireLength: 10 }).destinationPort, 443);
});
