import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type Alert, type Mute, SEVERITIES, type Severity } from "../records.ts";
import { AlertPolicy, type AlertSubject, type Decision, type PolicyOptions } from "./policy.ts";
import { isQuiet, parseQuietHours } from "./quiet_hours.ts";

const startUs = 1_767_225_600_000_000;
const secondUs = 1_000_000;
const minuteUs = 60 * secondUs;
const hourUs = 60 * minuteUs;

const options: PolicyOptions = {
  severity: "medium",
  intervalUs: 300 * secondUs,
  perHourMax: 12,
  quietHours: null,
  minuteOfDay: (nowUs) => Math.floor((nowUs - startUs) / minuteUs) % 1440,
};

function subject(id: number, changes: Partial<AlertSubject> = {}): AlertSubject {
  const source = changes.source ?? `10.0.0.${id}`;
  return {
    key: `incident ${id}`,
    kind: "incident",
    source,
    severity: "high",
    headline: `${source} scanned 10.0.1.1`,
    detail: "",
    attackId: "T1046",
    incidentId: id,
    amount: 10,
    hasSucceeded: false,
    isOpen: true,
    scope: {
      kinds: ["scan"],
      sources: [source],
      sourceCount: 1,
      targets: ["10.0.1.1"],
      targetCount: 1,
      ports: ["22"],
    },
    ...changes,
  };
}

function mute(changes: Partial<Mute> = {}): Mute {
  return {
    id: 1,
    createdUs: startUs,
    kind: "",
    source: "",
    destination: "",
    port: "",
    untilUs: null,
    note: "",
    ...changes,
  };
}

const stateOf = (decision: Decision | null) => decision && [decision.state, decision.trigger];

Deno.test("an incident is told once, again when it grows tenfold, gets graver or succeeds, and when it is over", () => {
  const policy = new AlertPolicy(options);
  const states: readonly [Partial<AlertSubject>, unknown][] = [
    [{}, ["waiting", "opened"]],
    [{ amount: 50 }, null],
    [{ amount: 100 }, ["waiting", "growth"]],
    [{ amount: 100, severity: "critical" }, ["waiting", "severity"]],
    [{ amount: 100, severity: "high" }, null],
    [{ amount: 100, severity: "critical", hasSucceeded: true }, ["waiting", "success"]],
    [{ amount: 100, severity: "critical", hasSucceeded: true, isOpen: false }, ["waiting", "over"]],
    [{ amount: 9000, severity: "critical", hasSucceeded: true, isOpen: false }, null],
  ];
  states.forEach(([changes, expected], index) => {
    const nowUs = startUs + index * 10 * minuteUs;
    deepStrictEqual(stateOf(policy.take(subject(7, changes), nowUs)), expected);
  });
});

Deno.test("an incident below the least severity is not told, and told once it reaches it", () => {
  const policy = new AlertPolicy(options);
  strictEqual(policy.take(subject(1, { severity: "low" }), startUs), null);
  strictEqual(policy.take(subject(1, { severity: "low", isOpen: false }), startUs), null);
  deepStrictEqual(stateOf(policy.take(subject(2, { severity: "low" }), startUs)), null);
  deepStrictEqual(stateOf(policy.take(subject(2), startUs)), ["waiting", "opened"]);
});

Deno.test("what comes within the interval of one source waits, and is told as it then stands", () => {
  const policy = new AlertPolicy(options);
  policy.take(subject(1), startUs);
  strictEqual(policy.take(subject(1, { severity: "critical" }), startUs + minuteUs), null);
  strictEqual(
    policy.take(subject(1, { severity: "critical", amount: 500 }), startUs + 2 * minuteUs),
    null,
  );
  deepStrictEqual(policy.tick(startUs + 4 * minuteUs), []);
  deepStrictEqual(
    policy.pending().map((
      { subject, severity, heldBy, dueUs },
    ) => [subject, severity, heldBy, dueUs]),
    [[
      "incident 1",
      "critical",
      "the pause of 300 s between two alerts about one source",
      startUs + 5 * minuteUs,
    ]],
  );
  const [told, ...more] = policy.tick(startUs + 5 * minuteUs);
  deepStrictEqual([stateOf(told!), told!.amount, more], [["waiting", "severity"], 500, []]);
  deepStrictEqual(policy.pending(), []);
});

Deno.test("a mute holds back what lies within it, until its end, and not what has grown beyond", () => {
  const policy = new AlertPolicy({ ...options, intervalUs: 0 });
  policy.setMutes([
    mute({ source: "10.0.0.0/24", port: "22", untilUs: startUs + hourUs, note: "the scanner" }),
  ]);
  const muted = policy.take(subject(1), startUs)!;
  deepStrictEqual([muted.state, muted.muteId, muted.heldBy], ["muted", 1, "mute 1 (the scanner)"]);
  strictEqual(policy.take(subject(1, { amount: 20 }), startUs), null);
  const wider = subject(1, { scope: { ...subject(1).scope, ports: ["22-25"] } });
  deepStrictEqual(stateOf(policy.take(wider, startUs)), ["waiting", "opened"]);
  deepStrictEqual(stateOf(policy.take(subject(2), startUs + 2 * hourUs)), ["waiting", "opened"]);
});

Deno.test("what is muted after it was told is held back for what has changed, and told once the mute is lifted", () => {
  const policy = new AlertPolicy({ ...options, intervalUs: 0 });
  policy.take(subject(1), startUs);
  policy.setMutes([mute({ source: "10.0.0.0/24", id: 3 })]);
  const graver = subject(1, { severity: "critical" });
  const muted = policy.take(graver, startUs + minuteUs)!;
  deepStrictEqual(stateOf(muted), ["muted", "severity"]);
  strictEqual(policy.take(graver, startUs + minuteUs), null);
  policy.setMutes([]);
  deepStrictEqual(stateOf(policy.take(graver, startUs + 2 * minuteUs)), ["waiting", "severity"]);
});

Deno.test("beyond the limit of an hour alerts wait for one digest, which counts itself", () => {
  const policy = new AlertPolicy({ ...options, perHourMax: 2 });
  const decisions = [1, 2, 3, 4].map((id) => policy.take(subject(id), startUs + id)!);
  deepStrictEqual(decisions.map(({ state }) => state), ["waiting", "waiting", "held", "held"]);
  match(decisions[2]!.heldBy, /the limit of 2 alerts an hour/);
  deepStrictEqual(policy.tick(startUs + 30 * minuteUs), []);
  const [digest] = policy.tick(startUs + hourUs + minuteUs);
  deepStrictEqual([digest!.kind, digest!.amount, digest!.severity], ["digest", 2, "high"]);
  match(digest!.headline, /^2 alerts held back, the gravest: 10\.0\.0\.3 scanned/);
  deepStrictEqual(policy.tick(startUs + hourUs + 2 * minuteUs), []);
});

Deno.test("in quiet hours only what is critical passes, the rest comes at their end", () => {
  const quietHours = parseQuietHours("22:00-07:00")!;
  const policy = new AlertPolicy({ ...options, quietHours });
  const nightUs = startUs + 23 * hourUs;
  deepStrictEqual(stateOf(policy.take(subject(1), nightUs)), ["held", "opened"]);
  deepStrictEqual(stateOf(policy.take(subject(2, { severity: "critical" }), nightUs)), [
    "waiting",
    "opened",
  ]);
  deepStrictEqual(policy.tick(startUs + 30 * hourUs), []);
  strictEqual(policy.tick(startUs + 31 * hourUs)[0]!.kind, "digest");
});

Deno.test("parseQuietHours() takes two times of day, also over midnight", () => {
  for (const text of ["", "22:00", "24:00-01:00", "22:00-22:00", "9:00-10:00", "22:60-23:00"]) {
    strictEqual(parseQuietHours(text), null, text);
  }
  const day = parseQuietHours("09:30-17:00")!;
  deepStrictEqual([569, 570, 1019, 1020].map((minute) => isQuiet(day, minute)), [
    false,
    true,
    true,
    false,
  ]);
});

Deno.test("a new run neither tells again what was told nor forgets what was held", () => {
  const before = new AlertPolicy({ ...options, perHourMax: 1 });
  const told = [1, 2].map((id) => before.take(subject(id), startUs)!);
  const alerts = told.map((decision, index): Alert => ({
    ...decision,
    id: index + 1,
    digestId: null,
    deliveries: [],
  }));
  const after = new AlertPolicy({ ...options, perHourMax: 1 });
  after.restore(alerts);
  deepStrictEqual([1, 2].map((id) => after.take(subject(id), startUs + 10 * minuteUs)), [
    null,
    null,
  ]);
  const [digest] = after.tick(startUs + hourUs + minuteUs);
  deepStrictEqual([digest!.kind, digest!.amount], ["digest", 1]);
});

Deno.test("what fails is told, and told to be over, and told again when it fails again", () => {
  const policy = new AlertPolicy({ ...options, intervalUs: 0 });
  const store = (isOpen: boolean) =>
    subject(0, { key: "health store", kind: "health", source: "store", severity: "low", isOpen });
  const triggers = [false, true, true, false, false, true].map((isOpen, index) =>
    policy.take(store(isOpen), startUs + index * minuteUs)?.trigger ?? null
  );
  deepStrictEqual(triggers, [null, "opened", null, "over", null, "opened"]);
});

Deno.test("a day of random findings keeps interval, limit, quiet hours and mutes, and loses nothing", () => {
  const step = fc.record({
    id: fc.integer({ min: 1, max: 6 }),
    severity: fc.constantFrom<Severity>(...SEVERITIES),
    growth: fc.constantFrom(1, 3, 12),
    succeeds: fc.boolean(),
    ends: fc.boolean(),
    afterS: fc.integer({ min: 0, max: 1800 }),
  });
  const setting = fc.record({
    perHourMax: fc.integer({ min: 1, max: 4 }),
    isQuietAtNight: fc.boolean(),
    mutes: fc.boolean(),
    severity: fc.constantFrom<Severity>("low", "medium", "high"),
  });
  fc.assert(
    fc.property(setting, fc.array(step, { maxLength: 120 }), (set, steps) => {
      const quietHours = set.isQuietAtNight ? parseQuietHours("22:00-06:00") : null;
      const chosen = { ...options, perHourMax: set.perHourMax, severity: set.severity, quietHours };
      const policy = new AlertPolicy(chosen);
      const mutes = set.mutes
        ? [mute({ source: "10.0.0.1" }), mute({ id: 2, source: "10.0.0.2" })]
        : [];
      policy.setMutes(mutes);
      const decisions: Decision[] = [];
      const state = new Map<number, AlertSubject>();
      const reached = new Set<string>();
      let nowUs = startUs;
      for (const { id, severity, growth, succeeds, ends, afterS } of steps) {
        for (const endUs = nowUs + afterS * secondUs; nowUs < endUs; nowUs += 30 * secondUs) {
          decisions.push(...policy.tick(nowUs));
        }
        const before = state.get(id);
        const next = subject(id, {
          severity,
          amount: (before?.amount ?? 1) * growth,
          hasSucceeded: (before?.hasSucceeded ?? false) || succeeds,
          isOpen: !ends,
        });
        state.set(id, next);
        if (SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(set.severity)) reached.add(next.key);
        const decision = policy.take(next, nowUs);
        if (decision) decisions.push(decision);
      }
      // A day and a half on, everything that waited has had its time.
      for (let i = 0; i < 36 * 12; i++) decisions.push(...policy.tick(nowUs += 5 * minuteUs));
      const sent = decisions.filter((each) => each.state === "waiting");
      for (const { tsUs } of sent) {
        const inHour = sent.filter((other) => other.tsUs >= tsUs && other.tsUs < tsUs + hourUs);
        ok(inHour.length <= set.perHourMax, `${inHour.length} alerts within an hour`);
      }
      for (const { tsUs, severity, kind } of sent) {
        const isNight = quietHours !== null && isQuiet(quietHours, options.minuteOfDay(tsUs));
        ok(!isNight || severity === "critical" && kind !== "digest");
      }
      const byId = Map.groupBy(
        decisions.filter((each) => each.state !== "muted"),
        (each) => each.subject,
      );
      for (const [key, each] of byId) {
        if (key === "digest") {
          continue;
        }
        for (let i = 1; i < each.length; i++) {
          ok(each[i]!.tsUs - each[i - 1]!.tsUs >= options.intervalUs);
        }
      }
      ok(
        decisions.every(({ state, source }) =>
          (state === "muted") === mutes.some((each) => each.source === source)
        ),
      );
      const held = decisions.filter((each) => each.state === "held").length;
      const inDigests = decisions.filter((each) => each.kind === "digest")
        .reduce((sum, { amount }) => sum + amount, 0);
      strictEqual(inDigests, held);
      for (const key of reached) {
        ok(decisions.some((each) => each.subject === key), `${key} is lost`);
      }
    }),
    { numRuns: 200 },
  );
});
