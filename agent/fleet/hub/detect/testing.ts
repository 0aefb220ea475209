/** Traffic of many agents for the tests of the fleet's detectors. */
import type { StoredFlow } from "../../../store/schema.ts";
import { startUs, storedFlow } from "../../testing.ts";
import { decodeBatch, encodeBatch } from "../../wire.ts";
import type { FleetRows, FleetView } from "./fleet_detector.ts";

export const minuteUs = 60_000_000;
export { startUs };

export function makeView(agentCount: number, changes: Partial<FleetView> = {}): FleetView {
  let id = 0;
  return {
    agentCount: () => agentCount,
    agentName: (agent) => `web-${agent}`,
    skewUs: () => 0,
    siteOf: () => "",
    nextFindingId: () => ++id,
    ...changes,
  };
}

/** An agent's own host. */
export const hostOf = (agent: number): string => `10.1.${agent >> 8}.${agent & 255}`;

/** A batch as the wire brings it. */
export function rowsOf(
  agent: number,
  flows: readonly Partial<StoredFlow>[],
): FleetRows & { readonly kind: "flows" } {
  const rows = flows.map((changes, at) => storedFlow(at, changes));
  const epoch = "AAAAAAAAAAAAAAAAAAAAAAAAAA";
  const batch = decodeBatch(
    encodeBatch({ kind: "flows", rows }, { epoch, firstSeq: 1, madeUs: 1 }),
  );
  if (batch.kind !== "flows") throw new TypeError("not flows");
  return { agent, kind: "flows", rowCount: batch.rowCount, columns: batch.columns };
}

/** Somebody knocks at an agent's host and gets no answer. */
export function knock(
  source: string,
  agent: number,
  us: number,
  changes: Partial<StoredFlow> = {},
): Partial<StoredFlow> {
  return {
    orig_h: source,
    orig_p: 50_000,
    resp_h: hostOf(agent),
    resp_p: 22,
    proto: "tcp",
    service: "",
    name: "",
    ja4: "",
    start_us: us,
    end_us: us + 1000,
    orig_pkts: 1,
    orig_bytes: 0,
    orig_wire_bytes: 60,
    resp_pkts: 0,
    resp_bytes: 0,
    resp_wire_bytes: 0,
    conn_state: "S0",
    history: "S",
    local_orig: 0,
    local_resp: 1,
    ...changes,
  };
}

/** Somebody is served by an agent's host. */
export function visit(
  source: string,
  agent: number,
  us: number,
  changes: Partial<StoredFlow> = {},
): Partial<StoredFlow> {
  return knock(source, agent, us, {
    resp_p: 443,
    orig_pkts: 8,
    orig_bytes: 900,
    resp_pkts: 9,
    resp_bytes: 12_000,
    conn_state: "SF",
    history: "ShADadFf",
    ...changes,
  });
}

/** An agent's host speaks with somebody outside. */
export function call(
  agent: number,
  target: string,
  us: number,
  changes: Partial<StoredFlow> = {},
): Partial<StoredFlow> {
  return visit(hostOf(agent), agent, us, {
    resp_h: target,
    local_orig: 1,
    local_resp: 0,
    ...changes,
  });
}
