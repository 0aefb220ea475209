import { deepStrictEqual, throws } from "node:assert/strict";
import { UsageError } from "../errors.ts";
import { isTransportName, parseRingFilter } from "./ring_export.ts";

const filters: readonly (readonly [string, object])[] = [
  ["", {}],
  ["  ", {}],
  ["host 10.0.0.9", { hosts: ["10.0.0.9"] }],
  ["host 10.0.0.9 and tcp and port 443", { hosts: ["10.0.0.9"], port: 443, protocol: "tcp" }],
  ["udp&&port 53", { port: 53, protocol: "udp" }],
  ["port 53   and   host fe80::1", { port: 53, hosts: ["fe80::1"] }],
  ["arp", { protocol: "arp" }],
];
for (const [text, filter] of filters) {
  Deno.test(`parseRingFilter("${text}") is ${JSON.stringify(filter)}`, () =>
    deepStrictEqual(parseRingFilter(text), filter));
}

const refusals: readonly (readonly [string, RegExp])[] = [
  ["port http", /A port must be a number from 1 to 65535, got "http"/],
  ["port 0", /got "0"/],
  ["port 65536", /got "65536"/],
  ["host", /Cannot read "host" in the filter/],
  ["tcp port 443", /Cannot read "tcp port 443"/],
  ["host 10.0.0.1 or host 10.0.0.2", /Cannot read/],
  ["host 10.0.0.1 and host 10.0.0.2", /each once/],
  ["tcp and udp", /each once/],
  ["net 10.0.0.0/8", /Cannot read "net 10\.0\.0\.0\/8"/],
];
for (const [text, message] of refusals) {
  Deno.test(`parseRingFilter("${text}") is refused`, () => {
    throws(
      () => parseRingFilter(text),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

Deno.test("isTransportName() knows the names of the packets table", () => {
  deepStrictEqual(["tcp", "icmpv6", "other", "TCP", "dns", ""].map(isTransportName), [
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
