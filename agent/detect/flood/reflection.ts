/** What is said of answers that nobody asked for, and of hosts that give them. */
import type { Severity } from "../../records.ts";
import type { Episode, EpisodeFacts } from "../common/episodes.ts";
import { formatCount, formatEstimate, formatPeriod, formatSize } from "../../text/amounts.ts";
import { FloodKind, FLOODS, type FloodState } from "./kinds.ts";
import { ANSWERING_SERVICES } from "./services.ts";

/** So many answers a second fill a small link or a table of connections; so many are an outage. */
const harmfulRate = 256;
const severeMin = 100_000;
const usPerSecond = 1_000_000;
/** Of one sender it may as well be its own doing. */
const inItsName = ", as happens when somebody asks in its name";

/** In `state`, `target` is who is counted, `sources` are the others: of backscatter and reflectors those that get the answers. */
export function reflectionFacts(state: FloodState, episode: Episode): EpisodeFacts {
  const { kind, target, sources, sourceCount } = state;
  const isByTarget = kind === FloodKind.backscatter;
  const others = { list: sources, count: sourceCount };
  const own = { list: [target], count: 1 };
  const [from, to] = isByTarget ? [own, others] : [others, own];
  return {
    severity: severityOf(state, episode),
    attackId: FLOODS[kind].attackId,
    sources: from.list,
    sourceCount: from.count,
    targets: to.list,
    targetCount: to.count,
    confidence: kind === FloodKind.answers ? 0.9 : 0.8,
    reason: sentence(state, episode),
  };
}

function severityOf({ kind }: FloodState, { amount, firstUs, lastUs }: Episode): Severity {
  const rate = amount / Math.max(1, (lastUs - firstUs) / usPerSecond);
  if (kind === FloodKind.reflector) return "medium";
  if (kind === FloodKind.answers) {
    if (amount >= severeMin) return "critical";
    return rate >= harmfulRate ? "high" : "medium";
  }
  return rate >= harmfulRate ? "high" : "low";
}

function sentence(state: FloodState, { amount, firstUs, lastUs }: Episode): string {
  const { kind, target, sources, sourceCount, bytes, service } = state;
  const who = sourceCount === 1 ? sources[0] : `${formatEstimate(sourceCount)} hosts`;
  const whom = sourceCount === 1
    ? sources[0]
    : `${formatEstimate(sourceCount).toLowerCase()} hosts`;
  const count = formatCount(amount);
  const size = formatSize(bytes);
  const name = ANSWERING_SERVICES.get(service);
  const within = `within ${formatPeriod(lastUs - firstUs)}`;
  switch (kind) {
    case FloodKind.answers:
      return `${who} sent ${target} ${count} packets (${size}) from port ${service} (${name}) that it ` +
        `had not asked for, ${within}${sourceCount === 1 ? "" : inItsName}`;
    case FloodKind.handshakes:
      return `${who} sent ${target} ${count} answers to connections that it had not opened, ` +
        `${within}, as happens when somebody opens them in its name`;
    case FloodKind.backscatter:
      return `${target} sent ${whom} ${count} answers to connections that ` +
        `${
          sourceCount === 1 ? "it" : "they"
        } had not opened, ${within}, as happens when somebody ` +
        `attacks it in other names`;
    default:
      return `${who} sent ${target} ${count} answers (${size}) from port ${service} (${name}), each at ` +
        `least ten times as large as its question, ${within}, as happens when somebody asks in the ` +
        `name of ${target}`;
  }
}
