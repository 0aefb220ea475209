/**
 * Subjects, streams and who may use them: the names that agents, hub, engine and `tapwatch fleet` share. An agent is the last
 * token of its subjects, which the engine enforces; nothing that it writes says who it is.
 *
 *     agent -> stream TW_FLOWS     tapwatch.v1.flows.AGENT        flows, roll-ups
 *     agent -> stream TW_FINDINGS  tapwatch.v1.findings.AGENT     findings, incidents
 *     agent -> stream TW_HEALTH    tapwatch.v1.health.AGENT       its state, the newest only
 *     agent -> hub                 tapwatch.v1.hb.AGENT           "what is committed?", see Heartbeat
 *     hub -> agent                 tapwatch.v1.ctl.AGENT.commit   see CommitNotice
 */

/** Channels whose batches are numbered, spooled and committed; each counts from 1 in an epoch. */
export const CHANNELS = ["flows", "findings"] as const;
export type Channel = typeof CHANNELS[number];
export const isChannel = (text: unknown): text is Channel =>
  CHANNELS.some((channel) => channel === text);

/** What an agent may publish. */
export const AGENT_TOPICS = [...CHANNELS, "health", "hb"] as const;
export type AgentTopic = typeof AGENT_TOPICS[number];

const prefix = "tapwatch.v1";
export const agentSubject = (topic: AgentTopic, agent: string): string =>
  `${prefix}.${topic}.${agent}`;
export const commitSubject = (agent: string): string => `${prefix}.ctl.${agent}.commit`;
export const controlSubjects = (agent: string): string => `${prefix}.ctl.${agent}.>`;
/** What the hub subscribes for heartbeats, in the queue group HUB_NAME. */
export const HEARTBEAT_SUBJECTS = `${prefix}.hb.*`;

/** Who published on a subject of an agent; null when it is none. */
export function agentOf(subject: string): { topic: AgentTopic; agent: string } | null {
  const [, topic, agent] = /^tapwatch\.v1\.(\w+)\.(\w+)$/.exec(subject) ?? [];
  if (!AGENT_TOPICS.some((known) => known === topic) || !isAgentId(agent)) return null;
  return { topic: topic as AgentTopic, agent };
}

/** 128 random bits as base32 (RFC 4648 section 6), without padding: 26 characters. */
export const isAgentId = (text: unknown): text is string =>
  typeof text === "string" && /^[A-Z2-7]{25}[AEIMQUY4]$/.test(text);

/** The durable consumer of each stream, and the queue group of heartbeats. */
export const HUB_NAME = "hub";

const secondNs = 1_000_000_000;
const dayNs = 86_400 * secondNs;

/** As the engine's API has them (STREAM.CREATE); replicas and bytes are the installation's. */
export const STREAMS = {
  flows: {
    name: "TW_FLOWS",
    subjects: [`${prefix}.flows.*`],
    retention: "workqueue",
    discard: "new",
    /** Of one agent, so that none fills the stream for all. */
    max_msgs_per_subject: 2000,
    discard_new_per_subject: true,
    max_age: 3 * dayNs,
    duplicate_window: 120 * secondNs,
  },
  findings: {
    name: "TW_FINDINGS",
    subjects: [`${prefix}.findings.*`],
    retention: "limits",
    discard: "old",
    max_msgs_per_subject: 20_000,
    max_age: 30 * dayNs,
    duplicate_window: 120 * secondNs,
  },
  health: {
    name: "TW_HEALTH",
    subjects: [`${prefix}.health.*`],
    retention: "limits",
    discard: "old",
    max_msgs_per_subject: 1,
    max_age: 30 * dayNs,
    duplicate_window: 120 * secondNs,
  },
} as const;

/**
 * The engine's message id (header Nats-Msg-Id), by which it drops what it already has. A retry after a timeout keeps it; what is proven lost takes
 * the next generation, because the engine remembers ids of messages that it no longer has. `madeUs` tells batches apart that two
 * machines have given the same numbers.
 */
export function messageId(
  agent: string,
  { epoch, firstSeq, madeUs }: {
    readonly epoch: string;
    readonly firstSeq: number;
    readonly madeUs: number;
  },
  generation: number,
): string {
  return `${agent}:${epoch}:${firstSeq}:${generation}:${madeUs}`;
}

/** What the hub tells an agent of one channel: after each transaction, and in answer to a heartbeat. */
export interface CommitNotice {
  readonly channel: Channel;
  readonly epoch: string;
  /** All up to this number is committed; 0 is nothing. */
  readonly through: number;
  /** When the stream was made, as the engine says it: another one has lost what was in the last. */
  readonly created: string;
  /** Acknowledgement floor of the hub's consumer: what has a lower number in the stream and is not committed is lost. */
  readonly floor: number;
}

/** What an agent asks with: below `base` of a channel nothing is still to come (committed, or given up). */
export interface Heartbeat {
  readonly epoch: string;
  readonly base: Readonly<Record<Channel, number>>;
}

export function encodeNotice(notice: CommitNotice): string {
  const { channel, epoch, through, created, floor } = notice;
  return JSON.stringify({ channel, epoch, through, created, floor });
}

/** Null for what is none. */
export function decodeNotice(text: string): CommitNotice | null {
  const { channel, epoch, through, created, floor } = parseObject(text);
  if (!isChannel(channel) || !isAgentId(epoch) || typeof created !== "string") return null;
  return isCount(through) && isCount(floor) ? { channel, epoch, through, created, floor } : null;
}

export function encodeHeartbeat({ epoch, base }: Heartbeat): string {
  return JSON.stringify({ epoch, base });
}

/** Null for what is none. */
export function decodeHeartbeat(text: string): Heartbeat | null {
  const { epoch, base } = parseObject(text);
  const { flows, findings } = (base ?? {}) as Record<string, unknown>;
  return isAgentId(epoch) && isCount(flows) && isCount(findings)
    ? { epoch, base: { flows, findings } }
    : null;
}

const controlTextMax = 10_000;

function parseObject(text: string): Record<string, unknown> {
  if (text.length > controlTextMax) return {};
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && value as number >= 0;
