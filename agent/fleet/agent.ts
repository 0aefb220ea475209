/**
 * An agent of a fleet: feeds the spool, sends what it holds, deletes what the hub has committed, and says how it does. Given the time
 * several times a second by its thread (agent_worker.ts); capture and store never wait for it.
 */
import type { Msg, NatsConnection } from "@nats-io/nats-core";
import type { FleetAgentOptions, FleetFigures, FleetToMain } from "../messages.ts";
import type { FleetState } from "../records.ts";
import { UsageError } from "../errors.ts";
import { StoreError, toStoreError } from "../store/failure.ts";
import { setAside } from "../store/open.ts";
import { fleetSentence } from "../text/fleet.ts";
import { VERSION } from "../version.ts";
import { type Credentials, readCredentials } from "./credentials.ts";
import { EngineLink, type LinkState } from "./engine_link.ts";
import { FeedReader } from "./feed_reader.ts";
import { Feeder } from "./feeder.ts";
import { Sender } from "./sender.ts";
import { publishBatch } from "./publish.ts";
import { Spool } from "./spool.ts";
import { agentSubject, CHANNELS, commitSubject, decodeNotice, encodeHeartbeat } from "./streams.ts";
import { encodeBatch, type HealthReport } from "./wire.ts";

const healthEveryMs = 30_000;
const heartbeatEveryMs = 5000;
const flushEveryMs = 200;
const stateEveryMs = 1000;
/** After connecting, what the hub has committed is waited for so long before anything is sent. */
const noticeWaitMs = 3000;
const reopenMs = 10_000;
/** At the end what waits is sent for so long; the rest is sent after the next start. */
const lastSendMs = 1000;

const noFigures: FleetFigures = {
  packets: 0,
  bytes: 0,
  flowsPerS: 0,
  drops: { kernel: 0, interface: 0, queue: 0, recorder: 0, store: 0 },
  interfaces: [],
};

export class FleetAgent {
  readonly #options: FleetAgentOptions;
  readonly #post: (message: FleetToMain) => void;
  readonly #link: EngineLink;
  readonly #reader: FeedReader;
  readonly #feeder: Feeder;
  readonly #startedMs = Date.now();
  #figures = noFigures;
  #diskStep = 0;
  #credentials: Credentials;
  #spool: Spool | null = null;
  #senders: readonly Sender[] = [];
  #linkState: readonly [LinkState, string] = ["connecting", ""];
  #toldState: LinkState = "connecting";
  /** When to begin to send on this connection. */
  #sendFromMs = Infinity;
  #failure = "";
  #retryAtMs = 0;
  #committedMs = 0;
  #fedThroughId = -1;
  readonly #due = { health: 0, heartbeat: 0, flush: 0, state: 0 };

  constructor(options: FleetAgentOptions, post: (message: FleetToMain) => void) {
    this.#options = { ...options };
    this.#post = post;
    this.#credentials = options.credentials;
    this.#reader = new FeedReader(options.databasePath);
    this.#feeder = new Feeder(this.#reader, Date.now);
    this.#link = new EngineLink({
      servers: options.servers,
      credentials: () => this.#readCredentials(),
      onConnected: (connection) => this.#connected(connection),
      onState: (state, detail) => this.#onLink(state, detail),
      ...(options.waitMs !== undefined && { waitMs: options.waitMs }),
    });
  }

  setFigures(figures: FleetFigures): void {
    this.#figures = figures;
  }

  setDiskStep(step: number): void {
    this.#diskStep = step;
  }

  reload(changes: Pick<FleetAgentOptions, "level" | "spoolBytesMax">): void {
    Object.assign(this.#options, changes);
  }

  /** Does what is due. */
  tick(nowMs = Date.now()): void {
    if (nowMs >= this.#retryAtMs) this.#attempt(() => this.#work(nowMs));
    if (this.#isDue("state", nowMs, stateEveryMs)) this.#tellState();
  }

  /** Takes what the store has written last, sends for a moment, and ends. */
  async stop(): Promise<void> {
    this.#attempt(() => this.#feed(true));
    const untilMs = Date.now() + lastSendMs;
    while (Date.now() < untilMs && !this.#isSent()) {
      this.#attempt(() => this.#work(Date.now()));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { connection } = this.#link;
    if (connection) this.#attempt(() => this.#sendHealth(connection));
    await this.#link.stop();
    this.#attempt(() => {
      for (const sender of this.#senders) sender.flush();
    });
    this.#tellState();
    this.#spool?.close();
    this.#spool = null;
    this.#reader.close();
  }

  /** Nothing is under way, and nothing could be. */
  #isSent(): boolean {
    const spool = this.#spool;
    if (this.#link.connection === null || spool === null) return true;
    return this.#senders.every((sender) => sender.isIdle) &&
      CHANNELS.every((channel) => spool.waiting(channel, 1).length === 0);
  }

  #work(nowMs: number): void {
    this.#feed(false);
    this.#opened().limit(this.#options.spoolBytesMax);
    const { connection } = this.#link;
    if (connection !== null && nowMs >= this.#sendFromMs) {
      for (const sender of this.#senders) sender.pump();
    }
    if (this.#isDue("flush", nowMs, flushEveryMs)) {
      for (const sender of this.#senders) sender.flush();
    }
    if (connection === null) return;
    const isWaiting = this.#opened().state.batches > 0 || this.#committedMs === 0;
    if (isWaiting && this.#isDue("heartbeat", nowMs, heartbeatEveryMs)) this.#ask(connection);
    if (this.#isDue("health", nowMs, healthEveryMs)) this.#sendHealth(connection);
  }

  #feed(isLast: boolean): void {
    const throughId = this.#feeder.feed(this.#opened(), {
      level: this.#options.level,
      takesFlows: this.#diskStep < 2,
      isLast,
    });
    if (throughId === null || throughId === this.#fedThroughId) return;
    this.#fedThroughId = throughId;
    this.#post({ type: "fed", throughId });
  }

  #opened(): Spool {
    if (this.#spool) return this.#spool;
    const { spoolPath } = this.#options;
    const { agent } = this.#credentials;
    try {
      this.#spool = new Spool(spoolPath, agent);
    } catch (error) {
      const failure = toStoreError(error, spoolPath);
      if (failure.kind !== "corrupt") throw failure;
      const aside = setAside(spoolPath, Date.now() * 1000);
      this.#note(
        "error",
        `${spoolPath} is damaged and was moved to ${aside}; what waited for the fleet in it is lost.`,
      );
      this.#spool = new Spool(spoolPath, agent);
    }
    const spool = this.#spool;
    this.#senders = CHANNELS.map((channel) =>
      new Sender({
        channel,
        spool,
        publish: (batch) =>
          publishBatch(this.#link.connection, { agent: this.#credentials.agent, batch }),
        random: Math.random,
        nowMs: Date.now,
      })
    );
    return spool;
  }

  /** Whom root has handed its work to may have no right to the file; then those hold that root has read. */
  #readCredentials(): Credentials {
    try {
      this.#credentials = readCredentials(this.#options.credentialsFile, "agent");
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
    return this.#credentials;
  }

  /** Each state is told once, however often it is tried. */
  #onLink(state: LinkState, detail: string): void {
    this.#linkState = [state, detail];
    if (state === "connecting" || state === this.#toldState) return;
    this.#toldState = state;
    this.#note(state === "connected" ? "info" : "warning", fleetSentence(this.#state()));
  }

  #connected(connection: NatsConnection): void {
    const { agent } = this.#credentials;
    connection.subscribe(commitSubject(agent), {
      callback: (error, message) => {
        if (error === null) this.#heed(message);
      },
    });
    // Another agent's credentials: another spool's numbers.
    if (this.#spool && agent !== this.#spool.agent) {
      this.#spool.close();
      this.#spool = null;
    }
    this.#sendFromMs = Date.now() + noticeWaitMs;
    this.#due.health = 0;
    this.#attempt(() => {
      this.#opened();
      for (const sender of this.#senders) sender.resume();
      this.#ask(connection);
    });
  }

  #heed(message: Msg): void {
    const notice = decodeNotice(message.string());
    if (notice === null) return;
    this.#attempt(() => {
      for (const sender of this.#senders) sender.flush();
      this.#opened().heed(notice);
    });
    this.#committedMs = Date.now();
    if (notice.channel === "flows") this.#sendFromMs = Math.min(this.#sendFromMs, Date.now());
    if (Date.now() < this.#sendFromMs) return;
    for (const sender of this.#senders) sender.pump();
  }

  #ask(connection: NatsConnection): void {
    const spool = this.#opened();
    for (const epoch of spool.epochs) {
      const base = { flows: spool.base("flows", epoch), findings: spool.base("findings", epoch) };
      connection.publish(
        agentSubject("hb", this.#credentials.agent),
        encodeHeartbeat({ epoch, base }),
      );
    }
  }

  #sendHealth(connection: NatsConnection): void {
    const nowUs = Date.now() * 1000;
    const { epoch } = this.#opened();
    const rows = [this.#healthReport(nowUs)];
    connection.publish(
      agentSubject("health", this.#credentials.agent),
      encodeBatch({ kind: "health", rows }, { epoch, firstSeq: 0, madeUs: nowUs }),
    );
  }

  #healthReport(nowUs: number): HealthReport {
    const { level, site, dashboardUrl, spoolBytesMax } = this.#options;
    const { packets, bytes, flowsPerS, drops, interfaces } = this.#figures;
    const { batches, bytes: spoolBytes, oldestUs, counts, resent } = this.#opened().state;
    const countsOf = ({ spooled, committed, givenUp }: typeof counts.flows) => ({
      spooled,
      committed,
      given_up: givenUp,
    });
    return {
      name: this.#credentials.name,
      site,
      version: VERSION,
      level,
      dashboard_url: dashboardUrl,
      now_us: nowUs,
      started_us: this.#startedMs * 1000,
      packets,
      bytes,
      flows_per_s: flowsPerS,
      drops,
      interfaces,
      spool: {
        batches,
        bytes: spoolBytes,
        bytes_max: spoolBytesMax,
        oldest_s: oldestUs === null ? 0 : Math.max(0, Math.round((nowUs - oldestUs) / 1e6)),
      },
      flows: countsOf(counts.flows),
      findings: countsOf(counts.findings),
      rejected: this.#refusals(),
      resent,
      reconnects: this.#link.reconnects,
    };
  }

  #refusals(): number {
    return this.#senders.reduce((sum, { refusals }) => sum + refusals, 0);
  }

  /** A failure of the disk is told, and tried again. */
  #attempt(work: () => void): void {
    try {
      work();
      if (this.#failure !== "") this.#note("info", "The fleet's spool is being written again.");
      this.#failure = "";
    } catch (error) {
      const failure = error instanceof StoreError
        ? error
        : toStoreError(error, this.#options.spoolPath);
      this.#retryAtMs = Date.now() + reopenMs;
      if (this.#failure === "") {
        this.#note("warning", `The fleet waits: ${failure.message}. Trying again.`);
      }
      this.#failure = failure.message;
    }
  }

  #tellState(): void {
    this.#post({ type: "state", state: this.#state() });
  }

  #state(): FleetState {
    const [state, detail] = this.#linkState;
    const refusal = this.#senders.map((sender) => sender.refusal).find((text) => text !== "") ?? "";
    const { batches = 0, bytes = 0, oldestUs = null, counts, resent = 0 } = this.#spool?.state ??
      {};
    return {
      state: this.#failure !== ""
        ? "failing"
        : state === "connected" && refusal !== ""
        ? "refused"
        : state,
      detail: this.#failure || detail || refusal,
      name: this.#credentials.name,
      agent: this.#credentials.agent,
      level: this.#options.level,
      servers: this.#options.servers,
      batches,
      bytes,
      bytesMax: this.#options.spoolBytesMax,
      oldestUs,
      committedUs: this.#committedMs === 0 ? null : this.#committedMs * 1000,
      flows: counts?.flows ?? noCounts,
      findings: counts?.findings ?? noCounts,
      refusals: this.#refusals(),
      resent,
      reconnects: this.#link.reconnects,
    };
  }

  #isDue(
    what: "health" | "heartbeat" | "flush" | "state",
    nowMs: number,
    everyMs: number,
  ): boolean {
    if (nowMs < this.#due[what]) return false;
    this.#due[what] = nowMs + everyMs;
    return true;
  }

  #note(severity: "info" | "warning" | "error", text: string): void {
    this.#post({ type: "note", severity, text });
  }
}

const noCounts = { spooled: 0, committed: 0, givenUp: 0 };
