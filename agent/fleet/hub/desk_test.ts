import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { AgentRow } from "../../store/fleet_queries.ts";
import { healthReport } from "../testing.ts";
import { joinAgents } from "./desk.ts";

const row: AgentRow = {
  id: 3,
  token: "T",
  name: "web-01",
  site: "",
  version: "1.2.3",
  url: "https://web-01.example:8055/",
  first_seen_us: 1,
  last_seen_us: 9_000_000,
  skew_us: 1_500_400,
  health: JSON.stringify(healthReport({
    drops: { kernel: 1, interface: 2, queue: 4, recorder: 8, store: 16 },
    flows: { spooled: 9, committed: 1, given_up: 5 },
    rejected: 7,
  })),
  forgotten: '{"names":3}',
  flows: 12,
  dead_letters: 1,
  open_incidents: 2,
};

Deno.test("an agent is what its row, its health and the list of credentials say", () => {
  const enrolled = [{ token: "T", name: "web-01", site: "Oslo", isRevoked: false }];
  const [agent] = joinAgents([row], enrolled, new Set(["T"]));
  const { id, name, site, credential, clockSkewMs, captureDrops, flowsGivenUp, rejected } = agent!;
  deepStrictEqual([id, name, site, credential, clockSkewMs], [3, "web-01", "Oslo", "valid", 1500]);
  deepStrictEqual([captureDrops, flowsGivenUp, rejected, agent!.isCloned], [7, 5, 7, true]);
  deepStrictEqual([agent!.spoolBytes, agent!.spoolOldestS], [4000, 2]);
  deepStrictEqual(agent!.forgotten, { names: 3 });
});

Deno.test("who is not on the list of credentials is revoked, and without a list nobody knows", () => {
  strictEqual(joinAgents([row], [], new Set())[0]!.credential, "revoked");
  strictEqual(joinAgents([row], null, new Set())[0]!.credential, "unknown");
});

Deno.test("an agent that is enrolled and has never reported is shown as such", () => {
  const enrolled = [{ token: "U", name: "new", site: "", isRevoked: false }];
  const [, waiting] = joinAgents([row], enrolled, new Set());
  deepStrictEqual([waiting!.name, waiting!.lastSeenUs, waiting!.credential], [
    "new",
    null,
    "valid",
  ]);
  strictEqual(waiting!.id < 0, true);
});

Deno.test("health of an older agent may lack parts", () => {
  const [agent] = joinAgents([{ ...row, health: "{}", skew_us: null }], null, new Set());
  deepStrictEqual([agent!.captureDrops, agent!.spoolOldestS, agent!.clockSkewMs], [0, null, null]);
});

Deno.test("a dashboard on the loopback of an agent's host leads nowhere from the hub", () => {
  const urlOf = (url: string) => joinAgents([{ ...row, url }], null, new Set())[0]!.url;
  for (
    const url of ["http://127.0.0.1:8055", "http://localhost:8055/", "http://[::1]:8055", "", "x"]
  ) {
    strictEqual(urlOf(url), "", url);
  }
  strictEqual(urlOf("http://10.0.0.7:8055"), "http://10.0.0.7:8055");
});
