import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { FirstContactNews } from "../records.ts";
import { startUs } from "../store/testing.ts";
import { findingsPerMinuteMax, FirstContactFindings } from "./first_contact_findings.ts";

const minuteUs = 60_000_000;
const contact = (changes: Partial<FirstContactNews> = {}): FirstContactNews => ({
  kind: "device",
  tsUs: startUs,
  address: "192.168.1.57",
  mac: "",
  peer: "",
  name: "",
  proto: "",
  port: 0,
  service: "",
  ...changes,
});

Deno.test("each kind of first contact is a finding with its device, peer, port and sentence", () => {
  const port = { kind: "service", proto: "tcp", port: 8080 } as const;
  const peer = { peer: "198.51.100.7", name: "a.example" };
  const found = new FirstContactFindings().findingsOf([
    contact({ mac: "02:00:00:00:00:57" }),
    contact({ ...port, service: "http" }),
    contact(port),
    contact({ kind: "peer", ...peer, name: "" }),
    contact({ kind: "country", ...peer, service: "DE" }),
  ]);
  deepStrictEqual(
    found.map(({ severity, targets, targetCount, ports, reason }) => [
      severity,
      targets,
      targetCount,
      ports,
      reason,
    ]),
    [
      ["low", [], 0, undefined, "192.168.1.57 was seen for the first time, card 02:00:00:00:00:57"],
      [
        ...["low", [], 0, "8080"],
        "192.168.1.57 answered as a server for the first time: http (8080/tcp)",
      ],
      [
        ...["low", [], 0, "8080"],
        "192.168.1.57 answered as a server for the first time: port 8080/tcp",
      ],
      [
        ...["info", [peer.peer], 1, undefined],
        "192.168.1.57 talked to 198.51.100.7 for the first time",
      ],
      [
        ...["low", [peer.peer], 1, undefined],
        "192.168.1.57 talked to somebody in Germany for the first time: a.example (198.51.100.7)",
      ],
    ],
  );
  for (const { kind, sources, isOpen, firstUs, lastUs } of found) {
    deepStrictEqual(
      [kind, sources, isOpen, firstUs, lastUs],
      ["first_contact", ["192.168.1.57"], false, startUs, startUs],
    );
  }
});

Deno.test("a name from the wire cannot break the sentence's line", () => {
  const [found] = new FirstContactFindings().findingsOf([
    contact({ kind: "peer", peer: "198.51.100.7", name: "a\n\x1b[1mb" }),
  ]);
  strictEqual(
    found!.reason,
    "192.168.1.57 talked to a\\x0a\\x1b[1mb (198.51.100.7) for the first time",
  );
});

Deno.test("a minute has a few at most, also when they come in several batches and late", () => {
  const findings = new FirstContactFindings();
  const told = (atUs: number, count: number) =>
    findings.findingsOf(Array.from({ length: count }, () => contact({ tsUs: startUs + atUs })))
      .length;
  strictEqual(told(0, 6), 6);
  strictEqual(told(minuteUs / 2, 300), findingsPerMinuteMax - 6);
  strictEqual(told(minuteUs, 300), findingsPerMinuteMax);
  strictEqual(told(0, 1), 0);
  strictEqual(told(2 * minuteUs, 1), 1);
});
