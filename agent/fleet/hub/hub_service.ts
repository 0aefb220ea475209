/**
 * What the hub does with messages, whoever brings them: reads them, commits what can be read, buries the rest, and says what is done.
 * Free of threads, engine and clocks, so that tests can drive it; receiver.ts and hub_worker.ts are its shells.
 *
 *     messages -> decode -> commit (one transaction, exactly once by the ledger) -> acknowledge -> notice
 *                   |          '-> a batch that the database refuses -> dead letters
 *                   '-> cannot be read -> dead letters
 */
import type { AlertChanges } from "../../store/alert_writer.ts";
import { StoreError } from "../../store/failure.ts";
import { StoreQueries } from "../../store/queries.ts";
import { agentOf, type Channel, CHANNELS, decodeHeartbeat } from "../streams.ts";
import {
  type Batch,
  BATCH_ROWS_MAX,
  CHANNEL_OF,
  decodeBatch,
  inflatedBytes,
  readStretch,
  WIRE_VERSION,
  WireError,
} from "../wire.ts";
import { checkRows } from "./check_rows.ts";
import { HubJudge } from "./hub_judge.ts";
import type { AgentBatch, AgentSeen, DeadLetter, Judgement } from "./hub_store.ts";
import { HubWriter, type HubWriterOptions } from "./hub_writer.ts";

/** A message as the engine has it. */
export interface HubMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Its header; "" without one. */
  readonly messageId: string;
  /** When the engine took it, in microseconds. */
  readonly publishedUs: number;
}

export interface HubCounts {
  messages: number;
  rows: number;
  /** Batches that came again. */
  duplicates: number;
  deadLetters: number;
  /** Of the newest message taken: from its publishing to its commit. */
  lagS: number;
}

export interface HubServiceOptions extends Omit<HubWriterOptions, "nowUs"> {
  readonly nowUs: () => number;
  /** What people and alerts are told, once it is committed. */
  readonly onJudged: (judgement: Judgement) => void;
}

/** A channel of an agent of which something has been committed. */
export interface Touched {
  readonly agent: string;
  readonly epoch: string;
  readonly channel: Channel;
}

/** A batch, and the payload that it was read from. */
interface SentBatch extends AgentBatch {
  readonly data: Uint8Array;
}

/** What messages say. */
interface Read {
  readonly letters: DeadLetter[];
  readonly batches: readonly SentBatch[];
  readonly touched: readonly Touched[];
}

const bodyKeptMax = 1024 * 1024;
/** Inflated, of what is decoded and committed together: four of the largest, and 64 of what agents send. */
const partBytesMax = 16 * 2 ** 20;

export class HubService {
  readonly counts: HubCounts = { messages: 0, rows: 0, duplicates: 0, deadLetters: 0, lagS: 0 };
  readonly #options: HubServiceOptions;
  readonly #queries: StoreQueries;
  #writer: HubWriter;
  #judge: HubJudge;
  #names: ReadonlyMap<string, string> = new Map();
  /** Tokens of those whose credentials have been taken back. */
  #revoked: readonly string[] = [];
  /** Heard of since the last tick. */
  readonly #seen = new Map<string, AgentSeen>();
  /** One transaction at a time, also where an archive is waited for. */
  #last: Promise<unknown> = Promise.resolve();

  /** Opens the database. Throws UsageError, StoreError. */
  constructor(options: HubServiceOptions) {
    this.#options = options;
    this.#queries = new StoreQueries(options.path);
    this.#writer = this.#open();
    this.#judge = new HubJudge(this.#writer, this.#queries);
    this.#last = this.#readLetters().catch((error) => {
      // They are read at the next start.
      if (!(error instanceof StoreError)) throw error;
    });
  }

  get writer(): HubWriter {
    return this.#writer;
  }

  /** By token, as they were enrolled. */
  setNames(names: ReadonlyMap<string, string>): void {
    this.#names = names;
    this.#writer.setNames(names);
  }

  /** Agents whose credentials two machines use. */
  get cloned(): readonly { readonly token: string; readonly name: string }[] {
    return this.#writer.agents().filter(({ id }) => this.#judge.presence.isCloned(id));
  }

  /** Of agents that have been heard of. */
  setRevoked(tokens: readonly string[]): void {
    this.#revoked = tokens;
  }

  listen(isListening: boolean): void {
    this.#judge.presence.listen(isListening, this.#options.nowUs());
  }

  /**
   * Commits all of the messages, or throws StoreError and none of them may be acknowledged; taking them again does no harm. Resolves
   * with the channels of which agents are to be told. What small messages can grow to is in memory a part at a time.
   */
  async take(messages: readonly HubMessage[]): Promise<readonly Touched[]> {
    const touched = new Map<string, Touched>();
    for (const part of partsOf(messages)) {
      // Read at once: while an archive is waited for the next messages are.
      const read = this.#read(part);
      const taken = this.#last.then(() => this.#take(part, read));
      this.#last = taken.catch(() => {});
      for (const one of await taken) touch(touched, one);
    }
    return [...touched.values()];
  }

  #read(messages: readonly HubMessage[]): Read {
    const nowUs = this.#options.nowUs();
    const letters: DeadLetter[] = [];
    const batches: SentBatch[] = [];
    const touched = new Map<string, Touched>();
    for (const message of messages) {
      const sender = agentOf(message.subject);
      // Who sent it is what the engine has let it publish to; no agent can have published elsewhere.
      if (sender === null) continue;
      const { agent, topic } = sender;
      this.#saw({ agent, seenUs: Math.min(nowUs, message.publishedUs) });
      try {
        const batch = decodeBatch(message.data);
        if ((CHANNEL_OF[batch.kind] ?? "health") !== topic) {
          throw new WireError("damaged", `${batch.kind} do not belong on ${topic}`);
        }
        checkRows(batch);
        if (batch.kind === "health") this.#takeHealth(agent, batch, message.publishedUs);
        else {
          batches.push({ agent, batch, data: message.data });
          touch(touched, { agent, epoch: batch.epoch, channel: CHANNEL_OF[batch.kind]! });
        }
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        const letter = letterOf(message, agent, topic, error);
        letters.push(letter);
        if (letter.stretch !== null) touch(touched, { agent, ...letter.stretch });
      }
    }
    return { letters, batches, touched: [...touched.values()] };
  }

  async #take(
    messages: readonly HubMessage[],
    { letters, batches, touched }: Read,
  ): Promise<readonly Touched[]> {
    const nowUs = this.#options.nowUs();
    this.#ensureOpen();
    await this.#commit(batches, letters, nowUs);
    this.#writer.bury(letters, nowUs);
    this.counts.messages += messages.length;
    this.counts.deadLetters += letters.length;
    const newest = messages.at(-1);
    if (newest !== undefined && batches.length > 0) {
      this.counts.lagS = Math.max(0, this.#options.nowUs() - newest.publishedUs) / 1e6;
    }
    return touched;
  }

  /** All in one transaction; where the database refuses something for good, one by one. */
  async #commit(
    batches: readonly SentBatch[],
    letters: DeadLetter[],
    nowUs: number,
  ): Promise<void> {
    if (batches.length === 0) return;
    try {
      const { rows, known, cloned, judgement } = await this.#writer.commit(batches, {
        nowUs,
        judge: (fresh) => this.#judge.judge(fresh, nowUs),
      });
      for (const agent of cloned) {
        this.#judge.presence.sawClone(this.#writer.agentNumber(agent, nowUs), nowUs);
      }
      this.counts.rows += rows;
      this.counts.duplicates += known;
      this.#options.onJudged(judgement);
    } catch (error) {
      // Detectors and incidents have seen what is not written.
      this.#reopen();
      if (!(error instanceof StoreError) || error.kind !== "refused") throw error;
      if (batches.length > 1) {
        for (const batch of batches) await this.#commit([batch], letters, nowUs);
        return;
      }
      const { agent, batch, data } = batches[0]!;
      const { epoch, firstSeq, rowCount } = batch;
      const channel = CHANNEL_OF[batch.kind]!;
      letters.push({
        agent,
        subject: `${channel} ${batch.kind}`,
        messageId: `${agent}:${epoch}:${firstSeq}`,
        reason: error.message,
        version: null,
        body: data.slice(0, bodyKeptMax),
        stretch: { epoch, firstSeq, rowCount, channel },
      });
    }
  }

  /** What is committed of a channel, for a notice. */
  through({ agent, epoch, channel }: Touched): number {
    return this.#writer.through(agent, epoch, channel);
  }

  /** An agent asks; the channels that it is to be told of. None when it cannot be read. */
  heartbeat(subject: string, text: string): Touched[] {
    const sender = agentOf(subject);
    const heartbeat = decodeHeartbeat(text);
    if (sender === null || heartbeat === null) return [];
    const { agent } = sender;
    const { epoch, base } = heartbeat;
    const nowUs = this.#options.nowUs();
    this.#saw({ agent, seenUs: nowUs });
    // Of epochs of earlier starts agents ask too: which is the present one health says.
    this.#judge.saw(this.#writer.agentNumber(agent, nowUs), nowUs);
    for (const channel of CHANNELS) this.#writer.giveUp(agent, epoch, channel, base[channel]);
    return CHANNELS.map((channel) => ({ agent, epoch, channel }));
  }

  /** Once a second: who has been heard of, who has not, what is too old. */
  tick(): Promise<void> {
    const ticked = this.#last.then(async () => {
      const nowUs = this.#options.nowUs();
      this.#ensureOpen();
      const seen = [...this.#seen.values()];
      this.#writer.note(seen);
      this.#seen.clear();
      for (const { agent, seenUs, health } of seen) {
        const number = this.#writer.agentNumber(agent, nowUs);
        if (health !== undefined) {
          const { now_us, site } = health.report;
          const name = this.#writer.nameOf(agent, health.report.name);
          this.#judge.setAgent(number, { name, site, skewUs: now_us - seenUs });
        }
        this.#judge.saw(number, seenUs, health?.epoch ?? null);
      }
      this.#judge.presence.setRetired(this.#retired());
      const judgement = this.#judge.tick(nowUs);
      if (judgement.findings.length + judgement.incidents.length > 0) {
        this.#writer.writeFindings(judgement);
        this.#options.onJudged(judgement);
      }
      await this.#writer.deleteOld(nowUs);
    });
    this.#last = ticked.catch(() => {});
    return ticked;
  }

  #retired(): ReadonlySet<number> {
    if (this.#revoked.length === 0) return new Set();
    const revoked = new Set(this.#revoked);
    const known = this.#writer.agents().filter(({ token }) => revoked.has(token));
    return new Set(known.map(({ id }) => id));
  }

  writeAlerts(changes: AlertChanges): void {
    this.#writer.writeAlerts(changes);
  }

  close(): void {
    this.#queries.close();
    this.#writer.close();
  }

  #takeHealth(
    agent: string,
    { items, epoch }: Extract<Batch, { kind: "health" }>,
    publishedUs: number,
  ): void {
    const report = items.at(-1)!;
    // The skew is between its clock and the engine's at one moment, however long the message lay there.
    const seenUs = Math.min(publishedUs, this.#options.nowUs());
    this.#seen.set(agent, { agent, seenUs, health: { report, epoch } });
  }

  #saw(seen: AgentSeen): void {
    const known = this.#seen.get(seen.agent);
    if (known === undefined || known.health === undefined && known.seenUs < seen.seenUs) {
      this.#seen.set(seen.agent, seen);
    }
  }

  /** Payloads that an older hub could not read, and that their agents no longer have. */
  async #readLetters(): Promise<void> {
    for (let lastId = 0;;) {
      const letter = this.#writer.letterToRead(lastId, WIRE_VERSION);
      if (letter === null) return;
      const { id, token, body } = letter;
      lastId = id;
      const nowUs = this.#options.nowUs();
      try {
        const batch = decodeBatch(body);
        checkRows(batch);
        if (batch.kind === "health") continue;
        const { rows, judgement } = await this.#writer.redeem(id, { agent: token, batch }, {
          nowUs,
          judge: (fresh) => this.#judge.judge(fresh, nowUs),
        });
        this.counts.rows += rows;
        this.#options.onJudged(judgement);
      } catch (error) {
        if (error instanceof WireError) continue;
        if (!(error instanceof StoreError)) throw error;
        this.#reopen();
      }
    }
  }

  #open(): HubWriter {
    return new HubWriter({ ...this.#options, nowUs: this.#options.nowUs() });
  }

  /** Where it could not be opened again: a database that is not open refuses everything, and nothing of that is the agents' fault. */
  #ensureOpen(): void {
    if (!this.#writer.isOpen) this.#reopen();
  }

  #reopen(): void {
    try {
      this.#writer.close();
    } catch {
      // What it could not write stands in the log beside the file.
    }
    this.#writer = this.#open();
    this.#writer.setNames(this.#names);
    const isListening = this.#judge.presence.isListening;
    this.#judge = new HubJudge(this.#writer, this.#queries);
    this.listen(isListening);
  }
}

/** At least one message each; none for none. */
function partsOf(messages: readonly HubMessage[]): HubMessage[][] {
  const parts: HubMessage[][] = [];
  let bytes = Infinity;
  for (const message of messages) {
    const own = inflatedBytes(message.data);
    if (bytes + own > partBytesMax) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(message);
    bytes += own;
  }
  return parts;
}

function touch(all: Map<string, Touched>, { agent, epoch, channel }: Touched): void {
  all.set(`${agent} ${epoch} ${channel}`, { agent, epoch, channel });
}

function letterOf(
  { subject, messageId, data }: HubMessage,
  agent: string,
  topic: string,
  error: WireError,
): DeadLetter {
  const isNewer = error.fault === "version" || error.fault === "kind";
  const channel = CHANNELS.find((name) => name === topic);
  const head = readStretch(data);
  return {
    agent,
    subject,
    messageId,
    reason: error.message,
    version: isNewer ? data[0] ?? null : null,
    body: data.slice(0, bodyKeptMax),
    stretch: head === null || channel === undefined || head.rowCount > BATCH_ROWS_MAX * 50
      ? null
      : { ...head, channel },
  };
}
