/** A fleet in words: which agents report, what they lost, how far behind the hub is. Pure; the same on server and browser. */
import type { CredentialState, FleetAgent, HubState } from "../agent/fleet/view.ts";
import { counted } from "../agent/text/amounts.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatWhen,
  percentOf,
  unknown,
} from "./format.ts";
import type { Problem, Verdict } from "./verdict.ts";

/** An agent says how it is every 30 s; one that has missed three of them is silent. */
export const silentAfterUs = 90e6;
/** A clock that is off by more puts flows of two hosts in the wrong order. */
const skewMaxMs = 5_000;
/** What waits for longer is late. */
const lateS = 60;
const lagMaxS = 60;
/** A hub that has just started is connecting. */
const connectUs = 10e6;
const namesShown = 3;

export type AgentState = "reports" | "silent" | "waiting" | "revoked";

export function agentState(
  { credential, lastSeenUs }: Pick<FleetAgent, "credential" | "lastSeenUs">,
  nowUs: number,
): AgentState {
  if (credential === "revoked") return "revoked";
  if (lastSeenUs === null) return "waiting";
  return nowUs - lastSeenUs > silentAfterUs ? "silent" : "reports";
}

/** "reports", "silent for 4 min", "has not reported yet", "revoked". */
export function stateWords(agent: FleetAgent, nowUs: number): string {
  const state = agentState(agent, nowUs);
  if (state === "waiting") return "has not reported yet";
  if (state !== "silent") return state;
  return `silent for ${formatDuration((nowUs - agent.lastSeenUs!) / 1e6)}`;
}

export const credentialWords: Readonly<Record<CredentialState, string>> = {
  valid: "valid",
  revoked: "revoked",
  rejected: "rejected by the server",
  unknown: "not known to the hub",
};

/** "3.1 s ahead", "in step"; an en dash before the first report. */
export function skewWords(skewMs: number | null): string {
  if (skewMs === null) return unknown;
  if (Math.abs(skewMs) < 500) return "in step";
  return `${formatDuration(Math.abs(skewMs) / 1000)} ${skewMs > 0 ? "ahead" : "behind"}`;
}

export function isSkewed({ clockSkewMs }: Pick<FleetAgent, "clockSkewMs">): boolean {
  return clockSkewMs !== null && Math.abs(clockSkewMs) > skewMaxMs;
}

/** "nothing", "12.4 MB, 3 min": how much, and how old the oldest is. */
export function spoolWords(
  { spoolBytes, spoolOldestS }: Pick<FleetAgent, "spoolBytes" | "spoolOldestS">,
): string {
  if (spoolOldestS === null) return "nothing";
  return `${formatBytes(spoolBytes)}, ${formatDuration(spoolOldestS)}`;
}

export function isSpoolLate({ spoolOldestS }: Pick<FleetAgent, "spoolOldestS">): boolean {
  return spoolOldestS !== null && spoolOldestS > lateS;
}

/** Rows that an agent gave up for good. */
export function lostRows({ flowsGivenUp, findingsGivenUp }: FleetAgent): number {
  return flowsGivenUp + findingsGivenUp;
}

/** Rows that the hub has let go, since one agent may not have more. */
export function forgottenRows({ forgotten }: Pick<FleetAgent, "forgotten">): number {
  return Object.values(forgotten).reduce((sum, rows) => sum + rows, 0);
}

const forgottenWords: Readonly<Record<string, string>> = {
  ledger: "ledger row",
  sums: "sum",
  hosts: "host",
  names: "name",
  log_ins: "log-in",
  findings: "finding",
  incidents: "incident",
  incident_findings: "incident link",
  letters: "dead letter",
};

/** What is wrong with one agent, in sentences; none when all is well. */
export function agentTroubles(agent: FleetAgent, nowUs: number): string[] {
  const state = agentState(agent, nowUs);
  if (state === "revoked") return [];
  const { captureDrops, packets, flowsGivenUp, findingsGivenUp, deadLetters } = agent;
  const troubles: string[] = [];
  if (state === "silent") {
    troubles.push(
      "Its host or network is down, tapwatch has ended there, or its credentials were refused.",
    );
  }
  if (agent.credential === "rejected") {
    troubles.push("The server turned its credentials away: enroll it again.");
  }
  if (agent.isCloned) {
    troubles.push(
      "Two machines report under this name, as after one was copied or its credentials were: enroll one of them anew.",
    );
  }
  if (findingsGivenUp > 0) {
    troubles.push(
      `${
        counted(findingsGivenUp, "finding")
      } had to be given up: its spool was full of findings, or they were lost on the way twenty times.`,
    );
  }
  if (flowsGivenUp > 0) {
    troubles.push(`Its spool was full and ${counted(flowsGivenUp, "flow")} had to be given up.`);
  }
  if (isSpoolLate(agent)) {
    const age = formatDuration(agent.spoolOldestS!);
    troubles.push(`What the hub has not taken yet was ${age} old when it last reported.`);
  }
  if (captureDrops > 0) {
    troubles.push(
      `${counted(captureDrops, "packet")} (${
        percentOf(captureDrops, captureDrops + packets)
      }\u00a0%) were lost before they were decoded.`,
    );
  }
  if (isSkewed(agent)) {
    troubles.push(`Its clock is ${skewWords(agent.clockSkewMs)} of the hub's: set it by NTP.`);
  }
  if (deadLetters > 0) {
    troubles.push(
      `${counted(deadLetters, "message")} of it could not be read and ${
        deadLetters === 1 ? "is kept as a dead letter" : "are kept as dead letters"
      }.`,
    );
  }
  const forgotten = Object.entries(agent.forgotten).filter(([, rows]) => rows > 0)
    .map(([kind, rows]) => counted(rows, forgottenWords[kind] ?? "row"));
  if (forgotten.length > 0) {
    troubles.push(
      `It told more than the hub keeps of one agent. Let go were, the oldest first: ${
        listed(forgotten)
      }.`,
    );
  }
  return troubles;
}

interface Clock {
  readonly nowUs: number;
  readonly zone: string;
}

/** The answer to "does everything report?". */
export function fleetVerdict(
  agents: readonly FleetAgent[],
  hub: HubState,
  { nowUs, zone }: Clock,
): Verdict {
  const inForce = agents.filter(({ credential }) => credential !== "revoked");
  const of = (state: AgentState) => inForce.filter((one) => agentState(one, nowUs) === state);
  const [reporting, silent, waiting] = [of("reports"), of("silent"), of("waiting")];
  const known = reporting.length + silent.length;
  const problems = [
    ...hubProblems(hub, nowUs),
    ...silentProblem(silent, { known, all: inForce.length }, { nowUs, zone }),
    ...agentProblems(inForce, nowUs),
  ].sort((a, b) => Number(b.isMain ?? false) - Number(a.isMain ?? false));
  const main = problems.find(({ isMain }) => isMain);
  if (main) return { ...main, detail: withoutStop(main.detail), problems, trouble };
  if (!hub.engine.isConnected) {
    return { tone: "plain", title: "Connecting to the engine", detail: hub.engine.url, problems };
  }
  if (known === 0) {
    const detail = waiting.length === 0
      ? "\u201ctapwatch fleet enroll NAME\u201d makes the credentials of the first"
      : `${counted(waiting.length, "agent")} ${waiting.length === 1 ? "is" : "are"} enrolled`;
    return { tone: "plain", title: "No agent has reported yet", detail, problems, trouble };
  }
  const flows = reporting.reduce((sum, agent) => sum + agent.flowsPerS, 0);
  const parts = [
    `${rateWords(flows)} flows a second`,
    waiting.length > 0 && `${formatCount(waiting.length)} enrolled that never reported`,
  ].filter(Boolean);
  return {
    tone: problems.length > 0 ? "medium" : "good",
    title: known === 1
      ? "The one agent reports"
      : known === 2
      ? "Both agents report"
      : `All ${formatCount(known)} agents report`,
    detail: parts.join(", "),
    problems,
    trouble,
  };
}
const trouble = "Not everything is well with the agents";

/** `isMain`: it is what the verdict says. */
type FleetProblem = Problem & { readonly isMain?: true };

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

function hubProblems(
  { engine, store, lagS, pending, deadLetters, startedAtUs }: HubState,
  nowUs: number,
): FleetProblem[] {
  const problems: FleetProblem[] = [];
  if (!engine.isConnected && nowUs - startedAtUs > connectUs) {
    problems.push({
      tone: "high",
      title: "The hub is not connected",
      detail: engine.text,
      isMain: true,
    });
  }
  if (!store.isOk) {
    problems.push({
      tone: "high",
      title: "The hub cannot store what arrives",
      detail: store.text,
      isMain: true,
    });
  }
  if (lagS > lagMaxS) {
    problems.push({
      tone: "medium",
      title: `The hub is behind by ${formatDuration(lagS)}`,
      detail: `${counted(pending, "message")} wait in the engine. Nothing is lost by that.`,
    });
  }
  if (deadLetters > 0) {
    problems.push({
      tone: "medium",
      title: `${counted(deadLetters, "message")} could not be read`,
      detail: "They are kept as dead letters, with the reason, on Status.",
      href: "/status",
    });
  }
  return problems;
}

function silentProblem(
  silent: readonly FleetAgent[],
  { known, all }: { readonly known: number; readonly all: number },
  { nowUs, zone }: Clock,
): FleetProblem[] {
  if (silent.length === 0) return [];
  const since = [...silent].sort((a, b) => b.lastSeenUs! - a.lastSeenUs!).map((agent) =>
    `${agent.name} since ${formatWhen(agent.lastSeenUs!, nowUs, zone)}`
  );
  const have = silent.length === 1 ? "has" : "have";
  return [{
    tone: silent.length * 2 > known ? "high" : "medium",
    title: all === 1
      ? "The one agent has been silent for more than 90\u00a0s"
      : `${formatCount(silent.length)} of ${
        formatCount(all)
      } agents ${have} been silent for more than 90\u00a0s`,
    detail: `${listed(since)}.`,
    isMain: true,
    href: "/agents",
  }];
}

/** Titles of what one agent, or several, have; the first is said of one. */
const troubles: readonly {
  readonly has: (agent: FleetAgent, nowUs: number) => boolean;
  readonly one: string;
  readonly many: string;
}[] = [
  {
    has: ({ isCloned }) => isCloned,
    one: "is used by two hosts in turn",
    many: "are used by two hosts in turn",
  },
  {
    has: ({ credential }) => credential === "rejected",
    one: "was turned away by the server",
    many: "were turned away by the server",
  },
  {
    has: (agent) => lostRows(agent) > 0,
    one: "had to give up rows, for its spool was full",
    many: "had to give up rows, for their spools were full",
  },
  {
    has: (agent, nowUs) => agentState(agent, nowUs) === "reports" && isSpoolLate(agent),
    one: "is more than a minute behind with sending",
    many: "are more than a minute behind with sending",
  },
  {
    has: (agent) => forgottenRows(agent) > 0,
    one: "tells more than the hub keeps of one agent",
    many: "tell more than the hub keeps of one agent",
  },
  {
    has: ({ captureDrops }) => captureDrops > 0,
    one: "lost packets before they were decoded",
    many: "lost packets before they were decoded",
  },
  {
    has: isSkewed,
    one: "has a clock that is off by more than 5\u00a0s",
    many: "have clocks that are off by more than 5\u00a0s",
  },
];

/** All that single agents have, as one; the Agents page shows whose it is. */
function agentProblems(agents: readonly FleetAgent[], nowUs: number): FleetProblem[] {
  const names = new Set<string>();
  const texts = troubles.flatMap(({ has, one, many }) => {
    const own = agents.filter((agent) => has(agent, nowUs)).map(({ name }) => name);
    own.forEach((name) => names.add(name));
    if (own.length === 0) return [];
    return [own.length === 1 ? `${own[0]} ${one}` : `${formatCount(own.length)} agents ${many}`];
  });
  if (texts.length === 0) return [];
  const [only] = texts;
  const title = texts.length === 1
    ? only!
    : names.size === 1
    ? `${[...names][0]} has trouble`
    : `${formatCount(names.size)} agents have trouble`;
  return [{
    tone: "medium",
    href: "/agents",
    title,
    detail: texts.length > 1
      ? `${texts.join("; ")}.`
      : names.size > 1
      ? `${listed([...names])}.`
      : "",
  }];
}

/** "0.4", "37", "1,240". */
export function rateWords(perS: number): string {
  return perS > 0 && perS < 9.95 ? perS.toFixed(1) : formatCount(perS);
}

/** "a, b, c and 4 more". */
export function listed(texts: readonly string[]): string {
  const more = texts.length - namesShown;
  if (more > 0) return `${texts.slice(0, namesShown).join(", ")} and ${formatCount(more)} more`;
  return texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}

/** The page of an agent. */
export function agentPath({ id }: Pick<FleetAgent, "id">): string {
  return `/agents/${id}`;
}
