/** A real pair: two agents that capture, one engine, one hub, nmap across both. One incident on the hub, with what both have seen. */
import assert from "node:assert/strict";
import { agentAddress, agentNames, FleetLab, scannerAddress } from "./fleet_lab.ts";
import {
  missingForRoot,
  missingNamespaces,
  patiently,
  type Program,
  testWith,
  withFolder,
} from "./program.ts";

const missing = missingForRoot("ip", "sysctl", "nmap", "nats-server") || await missingNamespaces();

/** Asks `path` once a second of the hub's events until what comes is as wanted. */
async function until<Answer>(
  program: Program,
  path: string,
  isWanted: (answer: Answer) => boolean,
): Promise<Answer> {
  let last: Answer;
  const abort = new AbortController();
  const wait = async () => {
    const events = await fetch(`${program.url}/api/events`, { signal: abort.signal });
    for await (const _ of events.body!) {
      last = JSON.parse(await program.get(path));
      if (isWanted(last)) return last;
    }
    throw new Error("the event stream ended");
  };
  try {
    return await patiently(path, wait());
  } catch (error) {
    throw new Error(`${error}; the last was ${JSON.stringify(last!)}\n${program.log}`);
  } finally {
    abort.abort();
  }
}

interface Agents {
  readonly hub: { readonly engine: { readonly is_connected: boolean } };
  readonly agents: readonly { readonly name: string; readonly state: string }[];
}
interface Incidents {
  readonly incidents: readonly {
    readonly id: number;
    readonly actor: string;
    readonly agent_names: readonly string[];
    readonly headline: string;
  }[];
}
interface Flows {
  readonly flows: readonly { readonly orig_h: string; readonly resp_h: string }[];
}

testWith(
  missing,
  "a scan of two agents' hosts is one incident of the hub, with the evidence of both",
  () =>
    withFolder(async (folder) => {
      await using lab = await FleetLab.create(folder);
      const hub = await lab.startHub();
      await until<Agents>(hub, "/api/agents", ({ hub }) => hub.engine.is_connected);
      assert.match(
        await hub.get("/agents"),
        /No agent has reported yet<\/h2><p>2 agents are enrolled/,
      );
      const agents = await Promise.all(agentNames.map((_, index) => lab.startAgent(index)));
      await until<Agents>(
        hub,
        "/api/agents",
        ({ agents }) => agents.filter(({ state }) => state === "reports").length === 2,
      );
      assert.match(await hub.get("/agents"), /Both agents report/);
      await lab.scan("-sS", "-T4", "-p1-300", agentAddress(0), agentAddress(1));
      const found = await until<Incidents>(
        hub,
        "/api/incidents",
        ({ incidents }) => incidents.some((one) => one.agent_names.length === 2),
      );
      const ofScanner = found.incidents.filter(({ actor }) => actor === scannerAddress);
      assert.equal(ofScanner.length, 1, JSON.stringify(found.incidents));
      assert.deepEqual([...ofScanner[0]!.agent_names].sort(), [...agentNames]);
      const page = await hub.get(`/incidents/${ofScanner[0]!.id}`);
      for (const [index, name] of agentNames.entries()) {
        assert.ok(page.includes(`>${name}</a>`), `${name} has seen it`);
        const { flows } = await until<Flows>(
          hub,
          `/api/flows?${new URLSearchParams({ agent: name, q: `src ${scannerAddress}` })}`,
          ({ flows }) => flows.length > 0,
        );
        assert.ok(flows.every(({ resp_h }) => resp_h === agentAddress(index)), "its own flows");
        const scans = JSON.parse(await hub.get(`/api/scans?agent=${name}`)).scans;
        assert.equal(scans.length, 1, "each tells its part once");
      }
      for (const agent of agents) assert.equal(await agent.stop(), 0);
      assert.equal(await hub.stop(), 0);
    }),
);
