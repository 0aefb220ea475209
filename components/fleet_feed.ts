/** A hub's agents change while a page of them stands: what `/api` says of them, asked again. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { FleetAgent } from "../agent/fleet/view.ts";
import { connection } from "./live.ts";
import type { Verdict } from "./verdict.ts";
import { fromWire } from "./wire.ts";

/** Agents report each 30 s. */
const everyMs = 10_000;

const verdict = signal<Verdict | null>(null);
let readers = 0;
let timer = 0;

/** The newest verdict, once a page for all of its islands; null before the first answer. Asked for only on a hub. */
export function useFleetVerdict(isHub: boolean): Verdict | null {
  useEffect(() => {
    if (!isHub) return;
    if (readers++ === 0) {
      timer = setInterval(async () => {
        verdict.value = await ask<Verdict>("/api/fleet") ?? verdict.value;
      }, everyMs);
    }
    return () => {
      if (--readers === 0) clearInterval(timer);
    };
  }, []);
  return verdict.value;
}

/** The rows that a query of `/api/agents` gives; null before the first answer. */
export function useAgents(query: string): readonly FleetAgent[] | null {
  const [agents, setAgents] = useState<readonly FleetAgent[] | null>(null);
  useEffect(() => {
    const own = setInterval(async () => {
      const answer = await ask<{ readonly agents: readonly FleetAgent[] }>(`/api/agents${query}`);
      if (answer !== null) setAgents(answer.agents.map(toAgent));
    }, everyMs);
    return () => clearInterval(own);
  }, []);
  return agents;
}

function toAgent(row: FleetAgent): FleetAgent {
  return { ...row, isCloned: Boolean(row.isCloned) };
}

/** Null where there is no answer, or nobody looks. */
async function ask<T>(path: string): Promise<T | null> {
  if (document.hidden || connection.value === "paused") return null;
  const response = await fetch(path).catch(() => null);
  return response?.ok ? fromWire<T>(await response.json()) : null;
}
