import assert from "node:assert/strict";
import { FEATURES } from "../agent/detect/anomaly/features.ts";
import { type Finding, SCAN_KINDS, SCAN_PROBES } from "../agent/records.ts";
import { adviceFor } from "../agent/text/advice.ts";
import {
  addressesText,
  attackText,
  circumstances,
  hasPort,
  kindText,
  portsText,
  spanText,
  whenText,
} from "./finding_text.ts";
import { readFinding } from "../agent/finding_reader.ts";

const plain = (text: string) => text.replaceAll("\u00a0", " ");
const scan = readFinding("scans", {
  kind: "vertical",
  probe: "syn",
  sources: ["10.0.0.9"],
  targets: ["10.0.0.1"],
  target_count: 3,
  attempts: 1200,
  answered: 2,
  first_us: 0,
  last_us: 222e6,
});

Deno.test("a finding's second line has the ends, the amount and the time", () => {
  assert.equal(
    plain(circumstances(scan)),
    "10.0.0.9 to 10.0.0.1 and 2 others, 1,200 attempts in 3 min 42 s, TCP SYN",
  );
  const anomaly = readFinding("anomalies", { kind: "anomaly", entity: "link", window_us: 10e6 });
  assert.equal(plain(circumstances(anomaly)), "all traffic of the link, Unusual behaviour, 10 s");
});

Deno.test("the second line of a window that others brought about leads to its host", () => {
  const row = {
    kind: "anomaly",
    sources: ["10.0.0.5"],
    targets: ["10.0.0.9"],
    target_count: 3,
    window_us: 10e6,
  };
  const text = (name: string) =>
    plain(circumstances(readFinding("anomalies", {
      ...row,
      top_features: [{ name, contribution: 1 }],
    })));
  assert.equal(
    text("failed_in"),
    "10.0.0.9 and 2 others to 10.0.0.5, Unusual behaviour, 10 s",
  );
  assert.equal(text("failed"), "10.0.0.5 to 10.0.0.9 and 2 others, Unusual behaviour, 10 s");
});

Deno.test("the harmless explanation of a window fits what stood out, for every feature", () => {
  for (const { name } of FEATURES) {
    const finding = readFinding("anomalies", {
      kind: "anomaly",
      sources: ["10.0.0.5"],
      top_features: [{ name, contribution: 1 }],
    });
    const [ask] = adviceFor(finding, (address) => address);
    assert.match(ask!.why, /10\.0\.0\.5/, name);
    assert.doesNotMatch(ask!.why, /for the first time/, name);
    const isOfVolume = ["packets_out", "out_in_ratio"].includes(name);
    assert.equal(/backup|upload/.test(ask!.why), isOfVolume, name);
  }
});

Deno.test("what failed is explained as such beside whatever else stands out", () => {
  const finding = readFinding("anomalies", {
    kind: "anomaly",
    entity: "10.0.0.9",
    top_features: [
      { name: "packets_out", contribution: 3 },
      { name: "refused", contribution: 2 },
    ],
  });
  const [ask] = adviceFor(finding, (address) => address);
  assert.match(ask!.why, /tries? in vain|try in vain/);
  assert.doesNotMatch(ask!.why, /backup/);
});

Deno.test("addresses beyond the first are counted", () => {
  assert.equal(addressesText(["a"], 1), "a");
  assert.equal(addressesText(["a", "b"], 2), "a and 1 other");
  assert.equal(addressesText(["a"], 1400), "a and 1,399 others");
  assert.equal(addressesText([], 0), "");
  assert.equal(addressesText([], 6), "6 hosts");
});

Deno.test("when a finding was, and what became of it", () => {
  const minute = 60e6;
  const at = (finding: Partial<Finding>, nowUs: number) =>
    whenText({ ...scan, ...finding }, nowUs, "UTC");
  const open = { isOpen: true, lastUs: 0 };
  assert.deepEqual(at(open, minute / 2), { time: "00:00:00", note: "still going on" });
  assert.equal(plain(at(open, 3.5 * minute).note), "quiet for 3 min");
  assert.equal(at({}, 222e6 + 30e6).note, "ended just now");
  assert.equal(plain(at({}, 222e6 + 6.5 * minute).note), "ended 6 min ago");
  assert.equal(at({}, 222e6 + 90 * minute).note, "ended");
  assert.equal(spanText(scan, 0, "UTC"), "Thu 1 Jan, 00:00:00 to 00:03:42");
  assert.equal(
    spanText({ ...scan, lastUs: 86_400e6 }, 0, "UTC"),
    "Thu 1 Jan, 00:00:00 to Fri 2 Jan, 00:00:00",
  );
});

Deno.test("lists of ports are read and cut", () => {
  assert.equal(portsText("22,80,1000-1024"), "22, 80, 1000 to 1024");
  assert.equal(portsText("1,2,3,4", 2), "1, 2 and 2 more");
  // Ports, not parts of the list.
  assert.equal(portsText("1,2,10-19,25", 2), "1, 2 and 11 more");
  assert.equal(portsText(""), "");
  assert.ok(hasPort("22,1000-1024", 1024) && hasPort("22,1000-1024", 22));
  assert.ok(!hasPort("22,1000-1024", 23) && !hasPort("", 0));
});

Deno.test("estimates of many sources are told as such", () => {
  const of = (source_count: number) => {
    const sources = ["192.0.2.1", "192.0.2.2"].slice(0, source_count);
    return circumstances(
      readFinding("anomalies", { kind: "flood", sources, source_count, targets: ["10.0.0.2"] }),
    );
  };
  assert.match(of(1), /^192\.0\.2\.1 to 10\.0\.0\.2, Flood/);
  assert.match(of(40), /^192\.0\.2\.1 and others \(about 40 in all\) to 10\.0\.0\.2/);
  assert.match(of(3001), /^192\.0\.2\.1 and others \(more than 3,000 in all\) to /);
});

Deno.test("a technique that has no name here keeps its number", () => {
  assert.equal(attackText("T1046"), "T1046, Network Service Discovery");
  assert.equal(attackText("T9999"), "T9999");
});

Deno.test("every kind of finding has its words and at most three steps to take", () => {
  const kinds = [
    "anomaly",
    "brute_force",
    "flood",
    "reflection",
    "arp_spoof",
    "dns_tunnel",
    "beacon",
    "first_contact",
  ] as const;
  const findings = [
    ...kinds.map((kind) => readFinding("anomalies", { kind, sources: ["10.0.0.9"] })),
    readFinding("anomalies", { kind: "anomaly", entity: "link" }),
    readFinding("anomalies", {
      kind: "anomaly",
      top_features: [{ name: "ports_in", contribution: 1 }],
    }),
    ...SCAN_KINDS.flatMap((kind) =>
      SCAN_PROBES.map((probe) => readFinding("scans", { kind, probe, came_back: ["10.0.0.2:22"] }))
    ),
  ];
  for (const finding of findings) {
    const steps = adviceFor(finding, (address) => address);
    assert.ok(steps.length > 0 && steps.length <= 3, finding.kind);
    for (const { what, why } of steps) {
      assert.match(what, /^[A-Z]/);
      assert.doesNotMatch(what + why, /undefined|!/);
    }
    assert.doesNotMatch(kindText(finding), /undefined|_/);
  }
});

Deno.test("the advice for guessing that ended in a login is about what followed", () => {
  const row = { kind: "brute_force", sources: ["10.0.0.9"], targets: ["10.0.0.2"] };
  const stepsOf = (has_succeeded: number) =>
    adviceFor(readFinding("anomalies", { ...row, has_succeeded }), (address) => address);
  assert.match(stepsOf(1)[1]!.why, /which account did 10\.0\.0\.9 get/);
  assert.match(stepsOf(0)[1]!.why, /has one from 10\.0\.0\.9 succeeded/);
});

Deno.test("the advice for a host that scanned itself does not cut it off", () => {
  const own = readFinding("scans", { sources: ["127.0.0.1"], targets: ["127.0.0.1"] });
  const steps = adviceFor(own, (address) => address);
  assert.equal(steps.length, 3);
  assert.match(steps[0]!.why, /nmap against localhost/);
  assert.doesNotMatch(steps.map(({ what }) => what).join(), /Cut|firewall/);
  const other = adviceFor({ ...own, attackId: "T1046" }, (address) => address);
  assert.match(other[2]!.what, /^Cut 127/);
});
