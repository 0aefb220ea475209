import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ascii, encodeName } from "./app_samples.ts";
import { isDhcp, isRelayedDhcp, readDhcpHostName, readDhcpv6HostName } from "./dhcp.ts";
import { join, uint16 } from "./packet_builder.ts";

function dhcp(options: Uint8Array | readonly number[], operation = 1): Uint8Array {
  return join([operation, 1, 6, 0], new Uint8Array(232), [0x63, 0x82, 0x53, 0x63], options);
}
const option = (code: number, data: Uint8Array) => join([code, data.length], data);
const optionV6 = (code: number, data: Uint8Array) => join(uint16(code), uint16(data.length), data);

function hostName(message: Uint8Array): string | null {
  return readDhcpHostName(message, 0, message.length);
}

Deno.test("readDhcpHostName() reads option 12 behind pads and other options", () => {
  const options = join([0, 0], option(53, Uint8Array.of(1)), option(12, ascii("laptop\0")), [255]);
  strictEqual(hostName(dhcp(options)), "laptop");
  strictEqual(hostName(dhcp(options, 2)), null);
  strictEqual(hostName(dhcp(join([255], option(12, ascii("x"))))), null);
});

Deno.test("readDhcpHostName() reads option 81 in both forms", () => {
  const encoded = option(81, join([4, 0, 0], encodeName("pc.example.com")));
  strictEqual(hostName(dhcp(encoded)), "pc.example.com");
  strictEqual(hostName(dhcp(option(81, join([0, 0, 0], ascii("pc.local"))))), "pc.local");
  strictEqual(hostName(dhcp(join(encoded, option(12, ascii("pc"))))), "pc");
});

Deno.test("isRelayedDhcp() looks at the relay's address", () => {
  const message = dhcp([255]);
  ok(isDhcp(message, 0, message.length));
  ok(!isRelayedDhcp(message, 0, message.length));
  message[24] = 10;
  ok(isRelayedDhcp(message, 0, message.length));
});

Deno.test("readDhcpv6HostName() reads option 39, also partial and inside a relay's message", () => {
  const name = optionV6(39, join([1], encodeName("pc.example.com")));
  const solicit = join([1, 1, 2, 3], optionV6(1, new Uint8Array(10)), name);
  strictEqual(readDhcpv6HostName(solicit, 0, solicit.length), "pc.example.com");
  const partial = join([3, 1, 2, 3], optionV6(39, join([0], [2], ascii("pc"))));
  strictEqual(readDhcpv6HostName(partial, 0, partial.length), "pc");
  const relayed = join([12, 0], new Uint8Array(32), optionV6(9, solicit));
  strictEqual(readDhcpv6HostName(relayed, 0, relayed.length), "pc.example.com");
  const reply = join([7, 1, 2, 3], name);
  strictEqual(readDhcpv6HostName(reply, 0, reply.length), null);
});

Deno.test("prefixes and random options never throw", () => {
  const whole = dhcp(join(option(53, Uint8Array.of(1)), option(12, ascii("laptop")), [255]));
  for (let length = 0; length < whole.length - 1; length++) {
    strictEqual(readDhcpHostName(whole, 0, length), null, `${length} bytes`);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
    hostName(dhcp(bytes));
    const message = join([bytes.length % 16, 0, 0, 0], bytes);
    readDhcpv6HostName(message, 0, message.length);
  }));
});
