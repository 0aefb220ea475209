import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  type Finding,
  HEADLINE_MAX,
  type Incident,
  INCIDENT_QUIET_US,
  type ScanDetails,
} from "../records.ts";
import { IncidentBook, type OpenIncident } from "./incident_book.ts";

const startUs = 1_767_225_600_000_000;
const minuteUs = 60_000_000;
let lastFindingId = 0;

function finding(changes: Partial<Finding> = {}): Finding {
  const firstUs = changes.firstUs ?? startUs;
  return {
    id: ++lastFindingId,
    kind: "brute_force",
    severity: "medium",
    attackId: "T1110.001",
    sources: ["10.0.0.9"],
    sourceCount: 1,
    targets: ["10.0.0.2"],
    targetCount: 1,
    firstUs,
    lastUs: firstUs + 10_000_000,
    detectedUs: firstUs + 5_000_000,
    confidence: 0.9,
    reason: "10.0.0.9 tried 30 logins at SSH of 10.0.0.2",
    isOpen: false,
    flowIds: [],
    amount: 30,
    ...changes,
  };
}

function scan(
  { scan: details, ...changes }: Partial<Omit<Finding, "scan">> & { scan?: Partial<ScanDetails> } =
    {},
): Finding {
  return finding({
    kind: "scan",
    attackId: "T1046",
    reason: "10.0.0.9 probed 1,000 ports of 10.0.0.2 in 2 s, and found 2 open",
    amount: 1000,
    ...changes,
    scan: {
      kind: "vertical",
      probe: "syn",
      ports: "1-1000",
      portCount: 1000,
      attempts: 1000,
      answered: 2,
      answeredPorts: "22,80",
      tempo: "T4",
      tool: "nmap",
      hasDecoys: false,
      found: [],
      cameBack: [],
      ...details,
    },
  });
}

/** An unusual window of a host; "in": by what others did to it. */
function window(entity: string, direction: "in" | "out", changes: Partial<Finding> = {}): Finding {
  const name = direction === "in" ? "ports_in" : "ports";
  const feature = { name, value: 90, typical: [0, 5] as [number, number], contribution: 0.6 };
  return finding({
    kind: "anomaly",
    attackId: "",
    severity: "high",
    sources: [entity],
    targets: [],
    targetCount: 0,
    reason: `${entity} was reached on 90 ports in 10 s; usually 0 to 5`,
    amount: 1,
    anomaly: {
      tsUs: startUs,
      windowUs: 10_000_000,
      entity,
      score: 0.8,
      threshold: 0.6,
      topFeatures: [feature],
    },
    ...changes,
  });
}

interface Told {
  readonly incidents: Map<number, Incident>;
  /** Incident and role by Finding.id. */
  readonly places: Map<number, string>;
}

function bookOf(names: Readonly<Record<string, string>> = {}) {
  const told: Told = { incidents: new Map(), places: new Map() };
  let lastId = 0;
  const book = new IncidentBook({
    nextId: () => ++lastId,
    nameOf: (address) => names[address] ?? "",
    report: ({ describe, joined, absorbedIds }) => {
      const incident = describe();
      told.incidents.set(incident.id, incident);
      for (const id of absorbedIds) {
        told.incidents.delete(id);
        for (const [findingId, place] of told.places) {
          if (place.startsWith(`${id} `)) told.places.set(findingId, `${incident.id} absorbed`);
        }
      }
      for (const { finding, role } of joined) told.places.set(finding.id, `${incident.id} ${role}`);
    },
  });
  return { book, ...told };
}

function tell(findings: readonly Finding[], names: Readonly<Record<string, string>> = {}) {
  const { book, incidents, places } = bookOf(names);
  for (const each of findings) book.take(each);
  return {
    book,
    incidents: [...incidents.values()],
    roles: findings.map(({ id }) => places.get(id)),
  };
}

Deno.test("IncidentBook joins what one actor does, and begins another incident after a quarter of an hour of quiet", () => {
  const first = scan();
  const second = finding({ firstUs: first.lastUs + INCIDENT_QUIET_US - 1 });
  const third = finding({ firstUs: second.lastUs + INCIDENT_QUIET_US + 1 });
  const { incidents, roles } = tell([first, second, third]);
  deepStrictEqual(roles, ["1 cause", "1 cause", "2 cause"]);
  deepStrictEqual(incidents.map(({ isOpen }) => isOpen), [false, true]);
  deepStrictEqual(incidents[0]!.tactics, ["TA0007", "TA0006"]);
  deepStrictEqual([incidents[0]!.severity, incidents[1]!.severity], ["high", "medium"]);
});

Deno.test("an incident names the ports that its causes are about, which a mute by port needs", () => {
  const { incidents } = tell([finding({ ports: "22" }), finding({ ports: "2222" }), finding()]);
  deepStrictEqual(incidents.map(({ ports }) => ports), [["22", "2222", ""]]);
});

Deno.test("IncidentBook keeps an incident open as long as one of its findings is", () => {
  const beacon = finding({ kind: "beacon", attackId: "T1071", isOpen: true });
  const { book, incidents } = bookOf();
  book.take(beacon);
  book.advance(beacon.lastUs + 2 * INCIDENT_QUIET_US);
  strictEqual(incidents.get(1)!.isOpen, true);
  book.take({ ...beacon, isOpen: false });
  book.advance(beacon.lastUs + 2 * INCIDENT_QUIET_US);
  strictEqual(incidents.get(1)!.isOpen, false);
});

Deno.test("a victim's unusual windows belong to who scanned it, whichever was told first", () => {
  for (const order of [[0, 1], [1, 0]]) {
    const findings = [scan(), window("10.0.0.2", "in")];
    const { incidents, roles } = tell(order.map((index) => findings[index]!));
    strictEqual(incidents.length, 1);
    strictEqual(incidents[0]!.actor, "10.0.0.9");
    deepStrictEqual(
      [...roles].sort(),
      ["absorbed", "cause", "effect"].filter((role) =>
        roles.includes(`${incidents[0]!.id} ${role}`)
      ).map((role) => `${incidents[0]!.id} ${role}`).sort(),
    );
    match(incidents[0]!.detail, /10\.0\.0\.2 had unusual traffic meanwhile/);
  }
});

Deno.test("a window by which a victim does something itself is its own", () => {
  const { incidents } = tell([scan(), window("10.0.0.2", "out")]);
  deepStrictEqual(incidents.map(({ actor }) => actor), ["10.0.0.9", "10.0.0.2"]);
});

Deno.test("the actor's own unusual windows support what it did, and alone are told quietly", () => {
  const alone = tell([window("10.0.0.9", "out")]);
  deepStrictEqual([alone.roles, alone.incidents[0]!.severity], [["1 cause"], "low"]);
  const lasting = tell([window("10.0.0.9", "out", { lastUs: startUs + 30_000_000 })]);
  strictEqual(lasting.incidents[0]!.severity, "high");
  const { roles, incidents } = tell([window("10.0.0.9", "out"), scan()]);
  deepStrictEqual(roles, ["1 support", "1 cause"]);
  strictEqual(incidents[0]!.severity, "medium");
});

function firstContact(changes: Partial<Finding> = {}): Finding {
  const reason = "10.0.0.9 talked to 198.51.100.7 for the first time";
  const targets = ["198.51.100.7"];
  return finding({
    ...{ kind: "first_contact", severity: "low", attackId: "", targets, reason, amount: 1 },
    ...{ lastUs: changes.firstUs ?? startUs },
    ...changes,
  });
}

Deno.test("first contacts support what their device did else, whichever was told first, and change nothing of it", () => {
  const alone = tell([scan()]).incidents[0]!;
  for (const order of [[0, 1], [1, 0]]) {
    const findings = [firstContact(), scan()];
    const { incidents, roles } = tell(order.map((index) => findings[index]!));
    strictEqual(incidents.length, 1);
    ok(roles.includes("1 support"));
    const [{ severity, kinds, headline, targets }] = incidents as [Incident];
    deepStrictEqual(
      [severity, kinds, headline, targets],
      [alone.severity, alone.kinds, alone.headline, alone.targets],
    );
  }
});

Deno.test("a first contact makes no unusual window louder or quieter, and leaves it the headline", () => {
  for (const lastUs of [startUs, startUs + 30_000_000]) {
    const unusual = window("10.0.0.9", "out", { lastUs });
    const [alone] = tell([unusual]).incidents;
    const { incidents } = tell([firstContact(), { ...unusual, id: ++lastFindingId }]);
    deepStrictEqual(
      incidents.map(({ severity, headline }) => [severity, headline]),
      [[alone!.severity, alone!.headline]],
    );
  }
});

Deno.test("first contacts by themselves are an incident of their device that tells all of them", () => {
  deepStrictEqual(
    tell([firstContact()]).incidents.map(({ severity, headline }) => [severity, headline]),
    [["low", "10.0.0.9 talked to 198.51.100.7 for the first time"]],
  );
  const { incidents } = tell([
    firstContact({ targets: [], targetCount: 0, reason: "10.0.0.9 was seen for the first time" }),
    firstContact({ targets: [], targetCount: 0, ports: "8080" }),
    firstContact({ firstUs: startUs + 1 }),
  ]);
  deepStrictEqual(incidents.map(({ headline }) => headline), [
    "10.0.0.9 was first seen, first answered on port 8080 and first talked to 198.51.100.7",
  ]);
});

Deno.test("a distributed scan and a flood from many sources are the victim's incidents", () => {
  const sources = ["198.51.100.1", "198.51.100.2"];
  const part = scan({ sources: [sources[0]!] });
  const whole = scan({
    sources,
    sourceCount: 200,
    scan: { kind: "distributed" },
    reason: "200 hosts together probed 600 ports of 10.0.0.2 in 2 s",
  });
  const { incidents } = tell([part, whole]);
  strictEqual(incidents.length, 1);
  match(incidents[0]!.headline, /^200 hosts together scanned 10\.0\.0\.2/);
  const more = { ...whole, sourceCount: 1024, reason: "More than 1,024 hosts together probed" };
  match(tell([more]).incidents[0]!.headline, /^More than 1,024 hosts together scanned/);
  const flood = finding({ kind: "flood", attackId: "T1498.001", sources, sourceCount: 3001 });
  const [flooded] = tell([flood]).incidents;
  strictEqual(flooded!.actor, null);
  match(flooded!.headline, /^More than 3,000 hosts together flooded 10\.0\.0\.2/);
  const reflection = finding({
    kind: "reflection",
    attackId: "T1498.002",
    sources,
    sourceCount: 40,
  });
  match(
    tell([reflection]).incidents[0]!.headline,
    /^About 40 hosts together sent unasked answers to /,
  );
});

Deno.test("decoys stay together, and who came back is the actor", () => {
  const decoys = [1, 2, 3].map((last) =>
    scan({ sources: [`10.0.0.${10 + last}`], scan: { hasDecoys: true } })
  );
  const first = { ...decoys[0]!, scan: { ...decoys[0]!.scan!, hasDecoys: false } };
  const { book, incidents } = bookOf();
  for (const each of [first, decoys[0]!, decoys[1]!, decoys[2]!]) book.take(each);
  strictEqual(incidents.size, 1);
  const [incident] = incidents.values();
  deepStrictEqual([incident!.actor, incident!.sourceCount], [null, 3]);
  match(incident!.headline, /^One of 3 hosts, the others forged, scanned 10\.0\.0\.2/);
  book.take({ ...decoys[1]!, scan: { ...decoys[1]!.scan!, cameBack: ["10.0.0.2:22"] } });
  const [after] = incidents.values();
  deepStrictEqual([after!.actor, after!.severity], ["10.0.0.12", "high"]);
});

Deno.test("what a host that was broken into does next is another incident that says where it came from", () => {
  const entry = finding({ hasSucceeded: true, lastUs: startUs + 20_000_000 });
  const next = scan({
    sources: ["10.0.0.2"],
    targets: ["10.0.0.3"],
    firstUs: startUs + 60_000_000,
  });
  const { incidents } = tell([entry, next]);
  deepStrictEqual(incidents.map(({ origin }) => origin), [
    null,
    { incidentId: 1, text: "began 40 s after 10.0.0.9 logged in" },
  ]);
  deepStrictEqual(incidents.map(({ severity }) => severity), ["high", "medium"]);
});

Deno.test("a headline tells that a host scanned itself, apart from what it did to others", () => {
  const itself = {
    sources: ["10.0.0.9"],
    targets: ["10.0.0.9"],
    attackId: "",
    severity: "low",
    reason: "This host scanned itself: 10.0.0.9 probed 9 ports of 10.0.0.9 in 2 s",
  } as const;
  const reason = "10.0.0.9 scanned itself, or its address is forged: 10.0.0.9 probed";
  strictEqual(
    tell([scan({ ...itself, reason })]).incidents[0]!.headline,
    "10.0.0.9 scanned itself",
  );
  strictEqual(
    tell([scan({ ...itself, scan: { found: ["10.0.0.9:22"] } })]).incidents[0]!.headline,
    "This host (10.0.0.9) scanned itself and found 1 port open (22)",
  );
  const { incidents } = tell([scan(itself), scan()]);
  match(incidents[0]!.headline, /^10\.0\.0\.9 scanned itself and scanned 10\.0\.0\.2/);
});

Deno.test("a headline names hosts and what was found open, and is never longer than it may be", () => {
  const names = { "10.0.0.9": "phone.local", "10.0.0.2": "nas", "10.0.0.1": "gateway" };
  const found = ["10.0.0.2:443", "10.0.0.2:22", "10.0.0.2:445", "10.0.0.1:22"];
  const targets = ["10.0.0.1", "10.0.0.2"];
  const { incidents } = tell([scan({ targets, targetCount: 6, scan: { found } })], names);
  strictEqual(
    incidents[0]!.headline,
    "phone.local (10.0.0.9) scanned 6 hosts and found 4 ports open (nas: 22, 443, 445; gateway: 22)",
  );
  const many = Array.from({ length: 200 }, (_, port) => `10.0.0.2:${port}`);
  const long = tell([scan({ scan: { found: many } }), finding({ hasSucceeded: true })], names);
  match(
    long.incidents[0]!.headline,
    /^phone\.local \(10\.0\.0\.9\) scanned nas \(10\.0\.0\.2\), .* and more$/,
  );
  ok(long.incidents[0]!.headline.length <= HEADLINE_MAX);
});

Deno.test("a headline lists as much of what was found open as it has room for", () => {
  const headlineOf = (found: readonly string[], answered = found.length) =>
    tell([scan({ scan: { found, answered } })]).incidents[0]!.headline;
  const hosts = ["10.0.0.2:22", "10.0.0.3:80", "10.0.0.4:80", "10.0.0.5:80", "10.0.0.6:8443"];
  strictEqual(
    headlineOf(hosts),
    "10.0.0.9 scanned 10.0.0.2 and found 5 ports open (10.0.0.2: 22; 10.0.0.3: 80; 10.0.0.4: 80; 10.0.0.5: 80; and 1 more)",
  );
  const [used] = tell([scan({ scan: { found: hosts, cameBack: ["10.0.0.6:8443"] } })]).incidents;
  match(used!.headline, /found 5 ports open \(10\.0\.0\.6: 8443; 10\.0\.0\.2: 22; /);
  const ports = Array.from({ length: 256 }, (_, port) => `10.0.0.2:${10_000 + port}`);
  const text = headlineOf(ports, 300);
  match(text, / and found 300 ports open \(10000, 10001, .* and \d+ more\)$/);
  const listed = text.match(/\d{5}/g)!.length;
  ok(text.includes(`and ${300 - listed} more`), text);
  ok(text.length <= HEADLINE_MAX);
});

Deno.test("IncidentBook goes on with the incidents of an earlier run", () => {
  const before = scan({ id: 2 ** 32 + 1 });
  const { incidents } = tell([before]);
  const earlier: OpenIncident = {
    incident: { ...incidents[0]!, id: 41 },
    members: [{ finding: before, role: "cause" }],
  };
  const { book, incidents: after, places } = bookOf();
  book.restore([earlier]);
  const next = finding({ firstUs: before.lastUs + minuteUs });
  book.take(next);
  strictEqual(places.get(next.id), "41 cause");
  deepStrictEqual([after.get(41)!.findingCount, after.get(41)!.severity], [2, "high"]);
});

Deno.test("every finding is in exactly one incident, whatever comes", () => {
  const address = fc.integer({ min: 1, max: 6 }).map((last) => `10.0.0.${last}`);
  const step = fc.record({
    source: address,
    target: address,
    what: fc.constantFrom("scan", "guess", "decoy", "in", "out", "many"),
    afterUs: fc.integer({ min: 0, max: 20 * 60 }).map((seconds) => seconds * 1_000_000),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    let nowUs = startUs;
    const findings = steps.map(({ source, target, what, afterUs }) => {
      nowUs += afterUs;
      const changes = { sources: [source], targets: [target], firstUs: nowUs, lastUs: nowUs + 1e7 };
      if (what === "scan") return scan(changes);
      if (what === "decoy") return scan({ ...changes, scan: { hasDecoys: true } });
      if (what === "guess") return finding(changes);
      if (what === "many") return finding({ ...changes, kind: "flood", sourceCount: 40 });
      return window(source, what === "in" ? "in" : "out", { ...changes, sources: [source] });
    });
    const { book, incidents, places } = bookOf();
    for (const each of findings) {
      book.advance(each.firstUs);
      book.take(each);
    }
    book.finish();
    strictEqual(places.size, findings.length);
    for (const place of places.values()) ok(incidents.has(parseInt(place)));
    strictEqual(book.openCount, 0);
    let held = 0;
    for (const incident of incidents.values()) {
      ok(!incident.isOpen && incident.headline.length <= HEADLINE_MAX && incident.headline !== "");
      ok(incident.firstUs <= incident.lastUs);
      held += incident.findingCount;
    }
    strictEqual(held, findings.length);
  }));
});
