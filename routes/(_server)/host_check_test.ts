import assert from "node:assert/strict";
import { isAllowedHost, isOwnRequest } from "./host_check.ts";

const loopback = { boundHost: "127.0.0.1", hostname: "edge-tap-01" };
const everywhere = { boundHost: "0.0.0.0", hostname: "edge-tap-01" };
const oneAddress = { boundHost: "10.20.0.9", hostname: "edge-tap-01" };

const cases = [
  [loopback, "localhost:8055", true],
  [loopback, "LOCALHOST", true],
  [loopback, "127.0.0.1:9000", true],
  [loopback, "[::1]:8055", true],
  [loopback, "tap.localhost:8055", true],
  [loopback, "evil.example:8055", false],
  [loopback, "edge-tap-01", false],
  [loopback, "10.20.0.9", false],
  [loopback, "localhost.evil.example", false],
  [loopback, "127.0.0.1.evil.example", false],
  [loopback, "localhost@evil.example", false],
  [loopback, "localhost:65535", true],
  [loopback, "localhost:65536", false],
  [loopback, "localhost:99999", false],
  [loopback, "", false],
  [loopback, null, false],
  [everywhere, "10.20.0.9:8055", true],
  [everywhere, "[2001:db8::1]:8055", true],
  [everywhere, "edge-tap-01:8055", true],
  [everywhere, "edge-tap-01.local", true],
  [everywhere, "localhost", true],
  [everywhere, "evil.example", false],
  [oneAddress, "10.20.0.9", true],
  [oneAddress, "evil.example", false],
] as const;

for (const [rules, host, expected] of cases) {
  Deno.test(`a server on ${rules.boundHost} ${expected ? "answers" : "refuses"} Host "${host}"`, () => {
    assert.equal(isAllowedHost(host, rules), expected);
  });
}

const writes: readonly [Record<string, string>, boolean][] = [
  [{ "sec-fetch-site": "same-origin", origin: "http://evil.example" }, true],
  [{ "sec-fetch-site": "none" }, true],
  [{ "sec-fetch-site": "same-site", origin: "http://localhost:1" }, false],
  [{ "sec-fetch-site": "cross-site" }, false],
  [{ origin: "http://localhost:8055" }, true],
  [{ origin: "http://localhost:8056" }, false],
  [{ origin: "null" }, false],
  [{}, true],
];

for (const [headers, expected] of writes) {
  Deno.test(`a write with ${JSON.stringify(headers)} is ${expected ? "ours" : "refused"}`, () => {
    const request = new Request("http://localhost:8055/theme", {
      method: "POST",
      headers: { host: "localhost:8055", ...headers },
    });
    assert.equal(isOwnRequest(request), expected);
  });
}

const visit = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
const reads: readonly [string, Record<string, string>, boolean][] = [
  ["/api/stats", {}, true],
  ["/api/stats", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }, true],
  ["/api/export/pcap", { "sec-fetch-site": "none", ...visit }, true],
  ["/api/export/pcap", { "sec-fetch-site": "cross-site", ...visit }, false],
  ["/api/events", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" }, false],
  ["/api/events", { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" }, false],
  ["/api/stats", { origin: "http://evil.example" }, false],
  ["/metrics", { "sec-fetch-site": "cross-site", ...visit }, false],
  ["/scans/5", { "sec-fetch-site": "cross-site", ...visit }, true],
  ["/scans/5", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, false],
  [
    "/scans/5",
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
    false,
  ],
];

for (const [path, headers, expected] of reads) {
  Deno.test(`${path} with ${JSON.stringify(headers)} is ${expected ? "answered" : "refused"}`, () => {
    const request = new Request(`http://localhost:8055${path}`, {
      headers: { host: "localhost:8055", ...headers },
    });
    assert.equal(isOwnRequest(request), expected);
  });
}
