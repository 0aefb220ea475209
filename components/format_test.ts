import assert from "node:assert/strict";
import {
  formatBitRate,
  formatBytes,
  formatCount,
  formatCountShort,
  formatDuration,
  formatPacketTime,
  formatTcpFlags,
  formatWhen,
  percentOf,
  sharePercent,
  splitAddress,
  unparted,
} from "./format.ts";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

const cases: readonly [string, string][] = [
  [formatBytes(0), "0 B"],
  [formatBytes(999), "999 B"],
  [formatBytes(999.7), "1.00 kB"],
  [formatBytes(4_810_000_000), "4.81 GB"],
  [formatBytes(18_400_000), "18.4 MB"],
  [formatBytes(212_000_000), "212 MB"],
  [formatBytes(999_600), "1.00 MB"],
  [formatBitRate(23_600_000), "23.6 Mbit/s"],
  [formatBitRate(80), "80 bit/s"],
  [formatCount(4318), "4,318"],
  [formatCount(1_000_000), "1,000,000"],
  [formatCountShort(1_420_000_000), "1.42 billion"],
  [percentOf(0, 100), "0.00"],
  [percentOf(1, 1_000_000), "<0.01"],
  [percentOf(15, 1000), "1.50"],
  [percentOf(5, 0), "0.00"],
  [sharePercent(61, 100), "61 %"],
  [sharePercent(1, 1000), "<1 %"],
  [formatDuration(0), "0 ms"],
  [formatDuration(0.000041), "<1 ms"],
  [formatDuration(0.2), "200 ms"],
  [formatDuration(42), "42 s"],
  [formatDuration(222), "3 min 42 s"],
  [formatDuration(3600), "1 h"],
  [formatDuration(4320), "1 h 12 min"],
  [formatDuration(3605), "1 h"],
  [formatDuration(41 * 86_400 + 3600), "41 d"],
  [formatDuration(3 * 86_400 + 7200), "3 d 2 h"],
  [formatTcpFlags(0x12), "SYN, ACK"],
];

for (const [text, expected] of cases) {
  Deno.test(`numbers are shown as "${expected}"`, () => assert.equal(plain(text), expected));
}

const nowUs = Date.UTC(2026, 10, 22, 14, 7, 31) * 1000;

Deno.test("times are shown as short as their distance allows, in the sensor's zone", () => {
  assert.equal(formatWhen(nowUs, nowUs, "UTC"), "14:07:31");
  assert.equal(formatWhen(nowUs, nowUs, "Europe/Berlin"), "15:07:31");
  assert.equal(formatWhen(nowUs - 86_400e6, nowUs, "UTC"), "Sat 14:07");
  assert.equal(formatWhen(nowUs - 13 * 86_400e6, nowUs, "UTC"), "9 Nov 14:07");
  assert.equal(formatWhen(nowUs - 80 * 86_400e6, nowUs, "UTC"), "3 Sep 14:07");
  for (let day = 0; day < 366; day++) {
    const when = formatWhen(nowUs - (day + 10) * 86_400e6, nowUs, "UTC");
    assert.match(when, /^\d{1,2} [A-Z][a-z]{2} (\d{4} )?14:07$/);
  }
  assert.equal(formatWhen(nowUs - 365 * 86_400e6, nowUs, "UTC"), "22 Nov 2025 14:07");
  assert.equal(formatPacketTime(nowUs + 42, "UTC"), "14:07:31.000042");
});

Deno.test("long addresses give way in the middle", () => {
  assert.equal(splitAddress("192.168.100.200"), null);
  assert.deepEqual(splitAddress("2001:db8:4f:1:a8bb:ccff:fe12:7a3c"), [
    "2001:db8:4f:1:a8bb:",
    "ccff:fe12:7a3c",
  ]);
});

Deno.test("a sentence does not part a number from its unit", () => {
  const space = "\u00a0";
  assert.equal(
    unparted("a made 296 attempts in 10 s, 32 / s, 25 MB or 4 %; usually 0 to 1"),
    `a made 296 attempts in 10${space}s, 32${space}/${space}s, 25${space}MB or 4${space}%; usually${space}0 to 1`,
  );
  assert.equal(
    unparted("10.0.0.1 scanned 2 hosts, 1 slowly"),
    "10.0.0.1 scanned 2 hosts, 1 slowly",
  );
});
