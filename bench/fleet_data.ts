/** Flows of a fleet as agents' messages bring them: hosts of their own, some hundred servers, a few who knock. */
import { randomId } from "../agent/fleet/base32.ts";
import type { HubMessage } from "../agent/fleet/hub/hub_service.ts";
import { agentSubject } from "../agent/fleet/streams.ts";
import { storedFlow } from "../agent/fleet/testing.ts";
import { encodeBatch } from "../agent/fleet/wire.ts";
import type { StoredFlow } from "../agent/store/schema.ts";

export interface BenchAgent {
  readonly number: number;
  readonly token: string;
  readonly epoch: string;
  next: number;
}

export function makeAgents(count: number): BenchAgent[] {
  return Array.from({ length: count }, (_, number) => ({
    number,
    token: randomId(),
    epoch: randomId(),
    next: 1,
  }));
}

/** Deterministic and quick: a linear congruential generator (Numerical Recipes). */
let state = 12_345;
function below(count: number): number {
  state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0;
  return state % count;
}

/** Flows of an agent that end within `spanUs` from `fromUs` on. */
export function makeFlows(
  { number }: BenchAgent,
  { count, fromUs, spanUs }: {
    readonly count: number;
    readonly fromUs: number;
    readonly spanUs: number;
  },
): StoredFlow[] {
  return Array.from({ length: count }, (_, at) => {
    const endUs = fromUs + Math.floor((at + 1) / count * spanUs);
    const server = below(400);
    const isIn = below(20) === 0;
    const own = `10.${number >> 8}.${number & 255}.${1 + below(12)}`;
    const other = isIn
      ? `203.${below(200)}.${below(250)}.${1 + below(250)}`
      : `198.51.${server >> 8}.${server & 255}`;
    const service = server % 3 === 0 ? "dns" : "tls";
    return storedFlow(at, {
      start_us: endUs - below(20_000_000),
      end_us: endUs,
      orig_h: isIn ? other : own,
      orig_p: 32_768 + below(28_000),
      resp_h: isIn ? own : other,
      resp_p: service === "dns" ? 53 : 443,
      proto: service === "dns" ? "udp" : "tcp",
      service,
      name: `www${server}.example${server % 40}.com`,
      ja4: service === "dns" ? "" : `t13d1516h2_8daaf6152771_${server % 30}`,
      orig_bytes: 300 + below(5000),
      orig_wire_bytes: 6000 + below(5000),
      resp_bytes: 1000 + below(50_000),
      resp_wire_bytes: 52_000 + below(50_000),
      local_orig: isIn ? 0 : 1,
      local_resp: isIn ? 1 : 0,
    });
  });
}

/** The next message of an agent. */
export function makeMessage(agent: BenchAgent, rows: readonly StoredFlow[]): HubMessage {
  const { token, epoch } = agent;
  const publishedUs = rows.at(-1)!.end_us;
  const head = { epoch, firstSeq: agent.next, madeUs: publishedUs };
  agent.next += rows.length;
  const data = encodeBatch({ kind: "flows", rows }, head);
  return { subject: agentSubject("flows", token), data, messageId: "", publishedUs };
}
