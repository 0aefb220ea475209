import { deepStrictEqual } from "node:assert/strict";
import type { Alert, Incident } from "../records.ts";
import { factsOf } from "./story.ts";

const incident = {
  id: 7,
  actor: null,
  actorName: "",
  sources: ["203.0.113.1", "203.0.113.2"],
  sourceCount: 1200,
  targets: ["10.0.0.2"],
  targetCount: 1,
  kinds: ["flood"],
  firstUs: 1e15,
  lastUs: 1e15,
  isOpen: true,
  origin: null,
} as unknown as Incident;

function ends(changes: Partial<Incident>): [string, string][] {
  const facts = factsOf({
    alert: { reason: "" } as Alert,
    incident: { ...incident, ...changes },
    advice: [],
    link: "",
    hostname: "",
    databaseId: "",
    evidence: { missing: "" },
  });
  return facts.slice(0, 2).map(({ term, text }) => [term, text]);
}

Deno.test("a message counts those it does not list, and says no more of an estimate than is known", () => {
  deepStrictEqual(ends({}), [
    ["Who", "203.0.113.1, 203.0.113.2 and 1,198 more"],
    ["To whom", "10.0.0.2"],
  ]);
  deepStrictEqual(ends({ sourceCount: 3001 })[0], [
    "Who",
    "203.0.113.1, 203.0.113.2 and others, more than 3,000 in all",
  ]);
});

Deno.test("a message about an unusual window does not say who began it", () => {
  const victim = { actor: "10.0.0.2", kinds: ["anomaly"], targets: ["10.0.0.9"] } as const;
  deepStrictEqual(ends(victim), [["About", "10.0.0.2"], ["Spoke with", "10.0.0.9"]]);
  deepStrictEqual(ends({ ...victim, kinds: ["anomaly", "scan"] }), [
    ["Who", "10.0.0.2"],
    ["To whom", "10.0.0.9"],
  ]);
});
