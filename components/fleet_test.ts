import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { FleetAgent, HubState } from "../agent/fleet/view.ts";
import {
  agentState,
  agentTroubles,
  fleetVerdict,
  listed,
  skewWords,
  spoolWords,
  stateWords,
} from "./fleet.ts";

const nowUs = 1_767_225_600_000_000;
const clock = { nowUs, zone: "UTC" };

function agent(changes: Partial<FleetAgent> = {}): FleetAgent {
  return {
    id: 1,
    token: "A".repeat(26),
    name: "web-1",
    site: "",
    version: "0.1.0",
    url: "",
    level: "flows",
    credential: "valid",
    firstSeenUs: nowUs - 1e9,
    lastSeenUs: nowUs - 5e6,
    clockSkewMs: 12,
    flowsPerS: 2.5,
    packets: 1000,
    captureDrops: 0,
    spoolBytes: 0,
    spoolBytesMax: 1e9,
    spoolOldestS: null,
    flowsGivenUp: 0,
    findingsGivenUp: 0,
    rejected: 0,
    resent: 0,
    reconnects: 0,
    storedFlows: 100,
    deadLetters: 0,
    forgotten: {},
    openIncidents: 0,
    isCloned: false,
    ...changes,
  };
}

const hub: HubState = {
  startedAtUs: nowUs - 1e9,
  engine: { isConnected: true, text: "connected", url: "nats://127.0.0.1:4222" },
  store: { kind: "sqlite", isOk: true, text: "ok", sizeBytes: 1, flows: 1, oldestUs: null },
  lagS: 0.1,
  pending: 0,
  messages: 1,
  rows: 1,
  duplicates: 0,
  deadLetters: 0,
};

function fleet(count: number, changes: (index: number) => Partial<FleetAgent> = () => ({})) {
  return Array.from(
    { length: count },
    (_, index) => agent({ id: index + 1, name: `web-${index + 1}`, ...changes(index) }),
  );
}
const silentUs = nowUs - 91e6;

Deno.test("an agent is silent 90 s after its last report, not before", () => {
  strictEqual(agentState(agent({ lastSeenUs: nowUs - 90e6 }), nowUs), "reports");
  strictEqual(agentState(agent({ lastSeenUs: silentUs }), nowUs), "silent");
  strictEqual(
    stateWords(agent({ lastSeenUs: nowUs - 250e6 }), nowUs),
    "silent for 4\u00a0min\u00a010\u00a0s",
  );
  strictEqual(stateWords(agent({ lastSeenUs: null }), nowUs), "has not reported yet");
  strictEqual(agentState(agent({ credential: "revoked", lastSeenUs: silentUs }), nowUs), "revoked");
});

Deno.test("the verdict says how many report, and which have been silent", () => {
  const all = fleetVerdict(fleet(20), hub, clock);
  deepStrictEqual([all.tone, all.title, all.detail], [
    "good",
    "All 20 agents report",
    "50 flows a second",
  ]);
  const three = fleetVerdict(
    fleet(20, (index) => index < 3 ? { lastSeenUs: silentUs - index * 1e6 } : {}),
    hub,
    clock,
  );
  strictEqual(three.title, "3 of 20 agents have been silent for more than 90\u00a0s");
  strictEqual(three.tone, "medium");
  match(three.detail, /^web-1 since Wed 23:58, web-2 since Wed 23:58 and web-3 since Wed 23:58$/);
  const most = fleetVerdict(
    fleet(4, (index) => index < 3 ? { lastSeenUs: silentUs } : {}),
    hub,
    clock,
  );
  strictEqual(most.tone, "high");
  strictEqual(fleetVerdict(fleet(1), hub, clock).title, "The one agent reports");
  const revoked = fleet(
    2,
    (index) => index === 0 ? { credential: "revoked", lastSeenUs: silentUs } : {},
  );
  strictEqual(fleetVerdict(revoked, hub, clock).title, "The one agent reports");
});

Deno.test("a fleet without a report is told what to do", () => {
  const none = fleetVerdict([], hub, clock);
  deepStrictEqual([none.tone, none.title], ["plain", "No agent has reported yet"]);
  match(none.detail, /fleet enroll NAME/);
  match(
    fleetVerdict(fleet(2, () => ({ lastSeenUs: null })), hub, clock).detail,
    /2 agents are enrolled/,
  );
});

Deno.test("an engine that cannot be reached comes before all else", () => {
  const engine = { isConnected: false, text: "Connection refused.", url: "" };
  const young = { ...hub, engine, startedAtUs: nowUs - 1e6 };
  strictEqual(fleetVerdict([], young, clock).title, "Connecting to the engine");
  const down = fleetVerdict(fleet(3, () => ({ lastSeenUs: silentUs })), { ...hub, engine }, clock);
  deepStrictEqual([down.tone, down.title, down.detail], [
    "high",
    "The hub is not connected",
    "Connection refused",
  ]);
});

Deno.test("lag, dead letters and what single agents lost are problems beside the verdict", () => {
  const { tone, title, problems } = fleetVerdict(
    fleet(
      5,
      (index) => [{}, { flowsGivenUp: 4 }, { captureDrops: 9 }, { clockSkewMs: 9000 }][index] ?? {},
    ),
    { ...hub, lagS: 300, pending: 12, deadLetters: 1 },
    clock,
  );
  strictEqual(tone, "medium");
  strictEqual(title, "All 5 agents report");
  deepStrictEqual(problems.map(({ title }) => title), [
    "The hub is behind by 5\u00a0min",
    "1 message could not be read",
    "3 agents have trouble",
  ]);
  match(problems[2]!.detail, /web-2 had to give up rows.*web-3 lost packets.*web-4 has a clock/);
});

Deno.test("each thing that is wrong with an agent is a sentence, and none where all is well", () => {
  deepStrictEqual(agentTroubles(agent(), nowUs), []);
  const bad = agent({
    lastSeenUs: silentUs,
    credential: "rejected",
    isCloned: true,
    findingsGivenUp: 1,
    flowsGivenUp: 2000,
    spoolOldestS: 400,
    captureDrops: 10,
    clockSkewMs: -9000,
    deadLetters: 1,
  });
  const texts = agentTroubles(bad, nowUs);
  strictEqual(texts.length, 9);
  for (const text of texts) match(text, /^[A-Z0-9].*\.$/);
  deepStrictEqual(agentTroubles({ ...bad, credential: "revoked" }, nowUs), []);
});

Deno.test("clocks, spools and lists are told in few words", () => {
  strictEqual(skewWords(499), "in step");
  strictEqual(skewWords(41_000), "41\u00a0s ahead");
  strictEqual(skewWords(-3_600_000), "1\u00a0h behind");
  strictEqual(spoolWords(agent()), "nothing");
  strictEqual(spoolWords(agent({ spoolBytes: 12.4e6, spoolOldestS: 3 })), "12.4\u00a0MB, 3\u00a0s");
  strictEqual(listed(["a"]), "a");
  strictEqual(listed(["a", "b"]), "a and b");
  strictEqual(listed(["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
});

Deno.test("an agent that tells more than one may is told, with what was let go", () => {
  const hostile = agent({ forgotten: { names: 5000, letters: 1, ledger: 0 } });
  deepStrictEqual(agentTroubles(hostile, nowUs), [
    "It told more than the hub keeps of one agent. Let go were, the oldest first: 5,000 names and 1 dead letter.",
  ]);
  const { problems } = fleetVerdict([hostile], hub, clock);
  strictEqual(problems[0]!.title, "web-1 tells more than the hub keeps of one agent");
});
