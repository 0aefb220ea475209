import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Linktype, Packet } from "../records.ts";
import { decodePacket } from "./decode.ts";
import { decodeBytes } from "./decode_checks.ts";
import { ethernet, extension, filler, ipv4, ipv6, join, tcp, udp, vlan } from "./packet_builder.ts";

const FRAME = ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ flags: 2 }, filler(5))));

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
