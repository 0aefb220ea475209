import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tapFilter } from "../../ffi/linux/outgoing_tap.ts";
import { queryOfPacket } from "./tap_packet.ts";

/** IPv4 or IPv6 with ports 40000 to `port`; of TCP with `flags`. */
function packet({ version = 4, protocol = 6, port = 443, flags = 0x02, fragment = 0 }): Uint8Array {
  const headerBytes = version === 4 ? 20 : 40;
  const view = new DataView(new ArrayBuffer(headerBytes + 20));
  view.setUint8(0, version << 4 | (version === 4 ? 5 : 0));
  view.setUint8(version === 4 ? 9 : 6, protocol);
  if (version === 4) {
    view.setUint16(6, fragment);
    view.setUint32(12, 0x0a000001);
    view.setUint32(16, 0x0a000002);
  } else {
    view.setUint32(8, 0x20010db8);
    view.setUint32(20, 1);
    view.setUint32(24, 0x20010db8);
    view.setUint32(36, 2);
  }
  view.setUint16(headerBytes, 40_000);
  view.setUint16(headerBytes + 2, port);
  view.setUint8(headerBytes + 13, flags);
  return new Uint8Array(view.buffer);
}

Deno.test("queryOfPacket() reads the sender's end", () => {
  deepStrictEqual(queryOfPacket(packet({})), {
    protocol: 6,
    isIpv6: false,
    local: [0, 0, 0xffff, 0x0a000001],
    localPort: 40_000,
    remote: [0, 0, 0xffff, 0x0a000002],
    remotePort: 443,
  });
  deepStrictEqual(queryOfPacket(packet({ version: 6, protocol: 17, port: 53 })), {
    protocol: 17,
    isIpv6: true,
    local: [0x20010db8, 0, 0, 1],
    localPort: 40_000,
    remote: [0x20010db8, 0, 0, 2],
    remotePort: 53,
  });
});

Deno.test("queryOfPacket() takes nothing else, and no part of a packet", () => {
  strictEqual(queryOfPacket(packet({ protocol: 1 })), null);
  strictEqual(queryOfPacket(packet({ version: 5 })), null);
  for (const version of [4, 6]) {
    const whole = packet({ version });
    for (let length = 0; length < whole.length - 16; length++) {
      strictEqual(queryOfPacket(whole.subarray(0, length)), null, `${length} of IPv${version}`);
    }
  }
});

/** What the kernel does with the filter, as far as it is used; 4 is PACKET_OUTGOING. */
function run(program: Uint8Array<ArrayBuffer>, bytes: Uint8Array, packetType: number): number {
  const code = new DataView(program.buffer);
  const data = new DataView(bytes.buffer);
  let [a, x, at] = [0, 0, 0];
  for (let steps = 0; steps < 100; steps++) {
    const [operation, yes, no] = [
      code.getUint16(8 * at, true),
      code.getUint8(8 * at + 2),
      code.getUint8(8 * at + 3),
    ];
    const value = code.getUint32(8 * at + 4, true);
    at++;
    try {
      if (operation === 0x20) a = value === 0xfffff004 ? packetType : data.getUint32(value);
      else if (operation === 0x28) a = data.getUint16(value);
      else if (operation === 0x30) a = data.getUint8(value);
      else if (operation === 0x48) a = data.getUint16(x + value);
      else if (operation === 0x50) a = data.getUint8(x + value);
      else if (operation === 0xb1) x = (data.getUint8(value) & 0xf) * 4;
      else if (operation === 0x54) a &= value;
      else if (operation === 0x15) at += a === value ? yes : no;
      else if (operation === 0x45) at += (a & value) !== 0 ? yes : no;
      else if (operation === 0x06) return value;
      else throw new TypeError(`operation ${operation}`);
    } catch (error) {
      if (error instanceof RangeError) return 0; // beyond the packet
      throw error;
    }
  }
  throw new Error("no end");
}

const cases: readonly (readonly [string, Parameters<typeof packet>[0], number, boolean])[] = [
  ["a SYN", {}, 4, true],
  ["a SYN that comes in", {}, 0, false],
  ["a SYN-ACK", { flags: 0x12 }, 4, false],
  ["data", { flags: 0x18 }, 4, false],
  ["a SYN of IPv6", { version: 6 }, 4, true],
  ["a SYN-ACK of IPv6", { version: 6, flags: 0x12 }, 4, false],
  ["a DNS query", { protocol: 17, port: 53 }, 4, true],
  ["a DNS query of IPv6", { version: 6, protocol: 17, port: 53 }, 4, true],
  ["UDP", { protocol: 17 }, 4, false],
  ["a later fragment", { fragment: 100 }, 4, false],
  ["ICMP", { protocol: 1 }, 4, false],
];

for (const [name, made, packetType, isTaken] of cases) {
  Deno.test(`the tap's filter ${isTaken ? "takes" : "drops"} ${name}`, () => {
    strictEqual(run(tapFilter().program, packet(made), packetType) > 0, isTaken);
  });
}
