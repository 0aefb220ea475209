/**
 * All INSERTs of the hub. What makes exactly-once of a transport that repeats is that the ledger's row and the rows of a batch are
 * written in one transaction: after a kill either both are there, and the batch that comes again is known, or neither is.
 *
 *     batches -> known by the ledger? -> rows, sums, findings -> judge() -> incidents -> ledger -> COMMIT
 *
 * With an archive, flows go there before, and all else as above: what a kill leaves there comes again under the same key.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { readFinding } from "../../finding_reader.ts";
import { type Finding, isUnspecified } from "../../records.ts";
import { type AlertChanges, AlertWriter } from "../../store/alert_writer.ts";
import { toStoreError } from "../../store/failure.ts";
import { isScan } from "../../store/finding_rows.ts";
import { FindingWriter } from "../../store/finding_writer.ts";
import { IncidentWriter } from "../../store/incident_writer.ts";
import { openForWriting } from "../../store/open.ts";
import { Retention } from "../../store/retention.ts";
import { RollupWriter } from "../../store/rollup_writer.ts";
import { RowInserter } from "../../store/row_inserter.ts";
import { databaseBytes, Transactor } from "../../store/transactor.ts";
import { encodeBase32 } from "../base32.ts";
import { type CommitNotice } from "../streams.ts";
import type { FindingItem, FlowColumns, IncidentItem } from "../wire.ts";
import { CHANNEL_OF } from "../wire.ts";
import { AGENT_LIMITS, AgentBounds, type AgentLimits } from "./agent_limits.ts";
import type { KnownNames } from "./detect/first_seen.ts";
import { bound } from "./detect/fleet_detector.ts";
import type { KnownLogIns } from "./detect/lateral.ts";
import { type CountedFlow, HubSums } from "./hub_sums.ts";
import type {
  AgentBatch,
  AgentSeen,
  ArchivedFlows,
  CommitResult,
  DeadLetter,
  FleetFinding,
  FlowArchive,
  HubStore,
  Judgement,
  NewRows,
} from "./hub_store.ts";
import { prepareStatements } from "./hub_statements.ts";
import { Ledger, type Stretch } from "./ledger.ts";
import { AGENT_MINUTE_DAYS, AGENT_SPANS, HUB_FLOW_COLUMNS, migrateHub } from "./schema.ts";

export interface HubWriterOptions {
  readonly path: string;
  readonly retentionDays: number;
  readonly historyDays: number;
  readonly retentionBytes: number;
  readonly toolVersion: string;
  /** Wall clock. */
  readonly nowUs: number;
  readonly archive: FlowArchive | null;
  /** For tests. */
  readonly limits?: AgentLimits;
}

/** Dead letters that are kept, and bytes of the bodies of them all. */
const lettersMax = 10_000;
const letterBytesMax = 64 * 2 ** 20;
/** Agents that an incident lists. */
const agentsListedMax = 1000;
/** Batches of an agent that are told apart from others with their numbers. */
const madeMax = 256;
const dayUs = 86_400_000_000;
/** Wall clock between two looks for hosts and names that are too old. */
const idleCheckUs = 600_000_000;
const checkpointPages = 4000;
const walBytesMax = 64 * 2 ** 20;

type New = { readonly agent: number } & Pick<AgentBatch, "batch">;

export class HubWriter implements HubStore {
  readonly #options: HubWriterOptions;
  readonly #database: DatabaseSync;
  readonly #work: Transactor;
  readonly #retention: Retention;
  readonly #ledger: Ledger;
  readonly #sums: HubSums;
  readonly #bounds: AgentBounds;
  readonly #rollups: RollupWriter;
  readonly #flows: RowInserter<number>;
  /** What `#flows` takes its cells from. */
  #columns: FlowColumns | null = null;
  #agent = 0;
  /** When batches were made, by agent, and by epoch, channel and first number. */
  readonly #made = new Map<string, Map<string, number>>();
  readonly #findings: FindingWriter;
  readonly #incidents: IncidentWriter;
  readonly #alerts: AlertWriter;
  readonly #numbers = new Map<string, number>();
  #names: ReadonlyMap<string, string> = new Map();
  readonly #statements: ReturnType<typeof prepareStatements>;
  #lastFindingId: number;
  #idleCheckedUs = -Infinity;
  #newestUs = -Infinity;

  /** Opens or makes the database. Throws UsageError for one of a single host or a newer hub, StoreError. */
  constructor(options: HubWriterOptions) {
    this.#options = options;
    const { path, nowUs } = options;
    const { database } = openForWriting({ path, checkpointPages, walBytesMax, nowUs });
    this.#database = database;
    try {
      migrateHub(database, path);
      // What is acknowledged has to outlast a power failure.
      database.exec("PRAGMA synchronous = FULL");
      this.#work = new Transactor(database, path, () => {
        // What was given inside the transaction is not there.
        this.#numbers.clear();
        this.#rollups.forget();
        this.#sums.discard();
        this.#bounds.discard();
      });
      this.#retention = new Retention(database, options, (table, rows) => {
        if (table === "flows") this.#add("flows_rows", -rows);
      });
      this.#ledger = new Ledger(database);
      this.#sums = new HubSums(database);
      this.#bounds = new AgentBounds(database, options.limits ?? AGENT_LIMITS);
      this.#rollups = new RollupWriter(database);
      this.#flows = new RowInserter({
        database,
        table: "flows",
        columns: HUB_FLOW_COLUMNS,
        pushCells: (row, cells) => {
          const columns = this.#columns!;
          for (const name of HUB_FLOW_COLUMNS) {
            cells.push(name === "agent" ? this.#agent : columns[name][row]!);
          }
        },
      });
      this.#findings = new FindingWriter(database);
      this.#incidents = new IncidentWriter(database);
      this.#alerts = new AlertWriter(database);
      this.#statements = prepareStatements(database);
      this.#work.transact(() => {
        this.#findings.closeAll();
        this.#put("tool_version", options.toolVersion);
        database.prepare(
          "INSERT OR IGNORE INTO meta(key, value) VALUES ('created_us', CAST(? AS INTEGER))",
        ).run(nowUs);
      });
      this.#lastFindingId = this.#highestFindingId();
    } catch (error) {
      database.close();
      throw toStoreError(error, path);
    }
  }

  async commit(
    batches: readonly AgentBatch[],
    { nowUs, judge }: Parameters<HubStore["commit"]>[1],
  ): Promise<CommitResult> {
    const { archive } = this.#options;
    const { told, cloned } = this.#tellApart(batches);
    if (archive !== null) await archive.insert(this.#flowsToArchive(told));
    let result: CommitResult | null = null;
    const rowCount = told.reduce((sum, { batch }) => sum + batch.rowCount, 0);
    this.#work.guard(() => this.#retention.makeRoom(rowCount));
    this.#work.transact(() => result = { ...this.#write(told, nowUs, judge), cloned });
    return result!;
  }

  /**
   * A batch with the numbers of another one, of a machine that was copied while it ran, gets an epoch of its own, which is the same
   * when it comes again. Known are the last batches of each agent, since this hub's start.
   */
  #tellApart(batches: readonly AgentBatch[]) {
    const cloned = new Set<string>();
    const told = batches.map(({ agent, batch }): AgentBatch => {
      const { epoch, firstSeq, madeUs, kind } = batch;
      let made = this.#made.get(agent);
      if (made === undefined) this.#made.set(agent, made = new Map());
      const key = `${epoch} ${CHANNEL_OF[kind]} ${firstSeq}`;
      const known = made.get(key);
      if (known === undefined) {
        made.set(key, madeUs);
        bound(made, madeMax);
      }
      if (known === undefined || known === madeUs) return { agent, batch };
      cloned.add(agent);
      const other = createHash("sha256").update(`${epoch} ${madeUs}`).digest();
      return { agent, batch: { ...batch, epoch: encodeBase32(other.subarray(0, 16)) } };
    });
    return { told, cloned: [...cloned] };
  }

  /** Writes a batch whose stretch the ledger has had since it was buried, and lets the letter go. */
  async redeem(
    id: number,
    letter: AgentBatch,
    { nowUs, judge }: Parameters<HubStore["commit"]>[1],
  ): Promise<CommitResult> {
    const { archive } = this.#options;
    const agent = this.agentNumber(letter.agent, nowUs);
    if (archive !== null && letter.batch.kind === "flows") {
      await archive.insert([{ agent, ...letter.batch }]);
    }
    let result: CommitResult | null = null;
    this.#work.transact(() => {
      result = this.#writeNew([{ agent, batch: letter.batch }], judge);
      this.#statements.dropLetter.run(id);
    });
    return result!;
  }

  bury(letters: readonly DeadLetter[], nowUs: number): void {
    if (letters.length === 0) return;
    this.#work.transact(() => {
      for (const letter of letters) {
        const agent = this.#numberOf(letter.agent, nowUs);
        const { subject, messageId, reason, version, body, stretch } = letter;
        this.#statements.bury.run(
          nowUs,
          agent,
          subject.slice(0, 200),
          messageId.slice(0, 200),
          reason.slice(0, 500),
          version,
          body.length,
          body,
        );
        this.#bounds.wrote("letters", agent, 1);
        if (stretch === null) continue;
        const { epoch, channel, firstSeq, rowCount } = stretch;
        const lastSeq = firstSeq + rowCount - 1;
        this.#note({ agent, epoch, channel, firstSeq, lastSeq });
      }
      this.#add("dead_letters", letters.length);
      this.#bounds.enforce();
      this.#statements.trimLetters.run(lettersMax, letterBytesMax);
    });
  }

  through(agent: string, epoch: string, channel: CommitNotice["channel"]): number {
    const number = this.#knownNumber(agent);
    if (number === null) return 0;
    return this.#work.guard(() => this.#ledger.through({ agent: number, epoch, channel }));
  }

  giveUp(agent: string, epoch: string, channel: CommitNotice["channel"], base: number): void {
    if (base <= 1 || this.through(agent, epoch, channel) >= base - 1) return;
    this.#work.transact(() => {
      const number = this.#numberOf(agent, this.#options.nowUs);
      this.#note({ agent: number, epoch, channel, firstSeq: 1, lastSeq: base - 1 });
      this.#bounds.enforce();
    });
  }

  note(seen: readonly AgentSeen[]): void {
    if (seen.length === 0) return;
    this.#work.transact(() => {
      for (const { agent, seenUs, health } of seen) {
        const number = this.#numberOf(agent, seenUs);
        this.#statements.seen.run(seenUs, number);
        if (health === undefined) continue;
        const { report, epoch } = health;
        this.#statements.health.run(
          this.nameOf(agent, report.name),
          report.site,
          report.version,
          epoch,
          report.dashboard_url,
          Math.round(report.now_us - seenUs),
          JSON.stringify(report),
          number,
        );
      }
    });
  }

  /** By token, of those that are enrolled: they count more than what agents call themselves. */
  setNames(names: ReadonlyMap<string, string>): void {
    this.#work.transact(() => {
      for (const [token, name] of names) this.#statements.rename.run(name, token, name);
    });
    this.#names = names;
  }

  /** What an agent is called, which says of itself that it is `told`. */
  nameOf(agent: string, told: string): string {
    return this.#names.get(agent) ?? told;
  }

  writeFindings(judgement: Judgement): void {
    this.#work.transact(() => this.#writeJudgement(judgement));
  }

  writeAlerts(changes: AlertChanges): void {
    this.#work.transact(() => this.#alerts.write(changes));
  }

  /** What detectors ask of earlier traffic, and have remembered with the transaction that judges. */
  readonly known: { readonly names: KnownNames; readonly logIns: KnownLogIns } = {
    names: {
      has: (kind, text) => this.#statements.hasName.get(kind, text) !== undefined,
      sinceUs: () => this.#sinceUs(),
    },
    logIns: {
      has: ({ orig, resp, port }) => this.#statements.hasLogIn.get(orig, resp, port) !== undefined,
      add: ({ orig, resp, port, us }, agent) => {
        this.#statements.addLogIn.run(orig, resp, port, us, agent);
        this.#bounds.wrote("log_ins", agent, 1);
      },
      sinceUs: () => this.#sinceUs(),
    },
  };

  #sinceUs(): number | null {
    const us = this.#statements.since.get(AGENT_SPANS[1])!.us;
    return us === null ? null : Number(us);
  }

  /** The body of a newer agent's payload that this hub may read by now, the next after one; null for none. */
  letterToRead(afterId: number, versionMax: number): {
    readonly id: number;
    readonly token: string;
    readonly body: Uint8Array;
  } | null {
    const row = this.#work.guard(() => this.#statements.letter.get(afterId, versionMax));
    return row as unknown as ReturnType<HubWriter["letterToRead"]> ?? null;
  }

  /** Agents that have been heard of, as presence and names need them. */
  agents(): readonly {
    readonly id: number;
    readonly token: string;
    readonly name: string;
    readonly site: string;
    readonly lastSeenUs: number;
    readonly skewUs: number;
  }[] {
    return this.#work.guard(() => this.#statements.agents.all()).map((row) => ({
      id: Number(row.id),
      token: String(row.token),
      name: String(row.name),
      site: String(row.site),
      lastSeenUs: Number(row.last_seen_us),
      skewUs: Number(row.skew_us ?? 0),
    }));
  }

  /** A number for a finding of the hub's own. */
  nextFindingId(): number {
    return ++this.#lastFindingId;
  }

  /** `agents.id` of one that has been heard of before; else it is given one. */
  agentNumber(agent: string, nowUs: number): number {
    const known = this.#knownNumber(agent);
    if (known !== null) return known;
    let number = 0;
    this.#work.transact(() => number = this.#numberOf(agent, nowUs));
    return number;
  }

  async deleteOld(nowUs: number): Promise<void> {
    const { archive, retentionDays, historyDays } = this.#options;
    const newestUs = Math.min(this.#newestUs, nowUs);
    if (newestUs === -Infinity) return;
    this.#work.guard(() => {
      this.#retention.deleteOld(newestUs);
      this.#retention.trimRollups();
    });
    if (Math.abs(nowUs - this.#idleCheckedUs) < idleCheckUs) return;
    this.#idleCheckedUs = nowUs;
    this.#retention.beginTrim();
    this.#work.guard(() => this.#retention.deleteIdle(newestUs));
    const oldUs = newestUs - retentionDays * dayUs;
    const longUs = newestUs - Math.max(retentionDays, historyDays) * dayUs;
    this.#work.transact(() => {
      const { deleteSums, deleteIdle } = this.#statements;
      deleteSums.run(AGENT_SPANS[0], newestUs - AGENT_MINUTE_DAYS * dayUs);
      deleteSums.run(AGENT_SPANS[1], longUs);
      deleteIdle.hosts.run(longUs);
      deleteIdle.names.run(longUs);
      deleteIdle.logIns.run(longUs);
      deleteIdle.incidents.run(oldUs);
      for (const statement of deleteIdle.links) statement.run();
    });
    await archive?.deleteBefore(oldUs);
  }

  /** Flows that are stored, and the end of the oldest; null without one, or where an archive has them. */
  stored(): { readonly flows: number; readonly oldestUs: number | null } {
    const row = this.#work.guard(() => this.#statements.stored.get());
    return {
      flows: Number(row?.flows ?? 0),
      oldestUs: row?.us === null || row?.us === undefined ? null : Number(row.us),
    };
  }

  /** Bytes of the file and its log. */
  get sizeBytes(): number {
    return databaseBytes(this.#options.path);
  }

  get isOpen(): boolean {
    return this.#database.isOpen;
  }

  close(): void {
    if (!this.#database.isOpen) return;
    try {
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (error) {
      throw toStoreError(error, this.#options.path);
    } finally {
      this.#database.close();
    }
  }

  // ------------------------------------------------ inside a transaction

  #write(
    batches: readonly AgentBatch[],
    nowUs: number,
    judge: (rows: NewRows) => Judgement,
  ): CommitResult {
    const fresh: New[] = [];
    for (const { agent, batch } of batches) {
      const number = this.#numberOf(agent, nowUs);
      const stretch = stretchOf(number, batch);
      // The row of the ledger and those of the batch: neither is ever there without the other.
      if (this.#ledger.has(stretch)) continue;
      this.#note(stretch);
      fresh.push({ agent: number, batch });
    }
    return { ...this.#writeNew(fresh, judge), known: batches.length - fresh.length };
  }

  #writeNew(fresh: readonly New[], judge: (rows: NewRows) => Judgement): CommitResult {
    let rows = 0;
    const findings: FleetFinding[] = [];
    for (const { agent, batch } of fresh) {
      rows += batch.rowCount;
      if (batch.kind === "flows") this.#writeFlows(agent, batch);
      else if (batch.kind === "rollups") this.#writeRollups(agent, batch);
      else if (batch.kind === "findings") {
        for (const item of batch.items) {
          const finding = this.#renumbered(agent, batch.epoch, item);
          // Of agents that send findings alone nothing else says how late it is.
          this.#newestUs = Math.max(this.#newestUs, finding.lastUs);
          findings.push({ finding, agents: [agent] });
        }
      } else for (const item of batch.items) this.#writeIncident(agent, batch.epoch, item);
      this.#statements.count.run(
        batch.kind === "flows" ? batch.rowCount : 0,
        batch.kind === "findings" ? batch.rowCount : 0,
        agent,
      );
    }
    this.#rollups.addSeconds(this.#sums.totals());
    this.#rollups.flush();
    this.#writeFindings(findings);
    // Before its names are written, so that what is new can be told.
    const judgement = judge({ batches: fresh, findings });
    this.#sums.flush(this.#bounds);
    this.#writeJudgement(judgement);
    this.#bounds.enforce();
    return { batches: fresh.length, rows, known: 0, cloned: [], judgement };
  }

  #note(stretch: Stretch): void {
    this.#ledger.add(stretch);
    this.#bounds.wrote("ledger", stretch.agent, 1);
  }

  #writeFlows(
    agent: number,
    { rowCount, columns }: New["batch"] & { readonly kind: "flows" },
  ): void {
    this.#agent = agent;
    this.#columns = columns;
    this.#add("flows_rows", rowCount);
    if (this.#options.archive === null) {
      this.#flows.insert(Array.from({ length: rowCount }, (_, row) => row));
    }
    const counted: CountedFlow[] = [];
    for (let row = 0; row < rowCount; row++) {
      const summed_flows = columns.summed_flows[row] as number | null;
      const flow = { ...countedAt(columns, row), flows: summed_flows ?? 1, summed_flows };
      this.#newestUs = Math.max(this.#newestUs, flow.end_us);
      counted.push(flow);
      this.#sums.add(agent, flow);
    }
    this.#rollups.addFlows(counted);
  }

  #writeRollups(
    agent: number,
    { rowCount, columns }: New["batch"] & { readonly kind: "rollups" },
  ): void {
    const counted: CountedFlow[] = [];
    for (let row = 0; row < rowCount; row++) {
      const flows = Number(columns.flows[row]);
      const known = countedAt(columns, row);
      // Of many sources, see RollupFlow.
      const summed_flows = isUnspecified(known.orig_h) ? flows : null;
      const flow = { ...known, flows, summed_flows };
      this.#newestUs = Math.max(this.#newestUs, flow.end_us);
      counted.push(flow);
      this.#sums.add(agent, flow);
    }
    this.#rollups.addFlows(counted);
  }

  /** The finding with the hub's number, under which its next states come too. */
  #renumbered(agent: number, epoch: string, { list, row }: FindingItem): Finding {
    const finding = readFinding(list, row);
    const { findFinding, nameFinding } = this.#statements;
    const known = findFinding.get(agent, epoch, finding.id);
    const id = known === undefined ? this.nextFindingId() : Number(known.id);
    if (known === undefined) {
      nameFinding.run(agent, epoch, finding.id, id);
      this.#bounds.wrote("findings", agent, 1);
    }
    return { ...finding, id };
  }

  #writeIncident(agent: number, epoch: string, item: IncidentItem): void {
    const { putIncident, dropIncident, joinIncident } = this.#statements;
    if ("gone" in item) {
      dropIncident.run(agent, epoch, item.gone);
      return;
    }
    const { row, findings } = item;
    putIncident.run(agent, epoch, Number(row.id), JSON.stringify(row), Number(row.last_us));
    for (const { id } of findings) joinIncident.run(agent, epoch, id, Number(row.id));
    this.#bounds.wrote("incidents", agent, 1);
    this.#bounds.wrote("incident_findings", agent, findings.length);
  }

  #writeFindings(findings: readonly FleetFinding[]): void {
    const { seenBy, ofScan, ofAnomaly } = this.#statements;
    for (const { finding, agents } of findings) {
      this.#findings.write([finding], 0);
      const own = isScan(finding) ? ofScan : ofAnomaly;
      own.run(agents.length === 1 ? agents[0]! : 0, finding.id);
      for (const agent of agents) seenBy.run(finding.id, agent);
    }
  }

  #writeJudgement({ findings, incidents }: Judgement): void {
    this.#writeFindings(findings);
    this.#incidents.write(incidents, 0);
    for (const { incident } of incidents) {
      const agents = this.#statements.agentsOf.all(incident.id, agentsListedMax)
        .map(({ agent }) => Number(agent));
      this.#statements.listAgents.run(JSON.stringify(agents), incident.id);
    }
  }

  /** Inside a transaction: gives a number to an agent that is new. */
  #numberOf(agent: string, nowUs: number): number {
    const known = this.#knownNumber(agent);
    if (known !== null) return known;
    const number = Number(
      this.#statements.newAgent.get(agent, this.nameOf(agent, agent), nowUs, nowUs)!.id,
    );
    this.#numbers.set(agent, number);
    return number;
  }

  #knownNumber(agent: string): number | null {
    const known = this.#numbers.get(agent);
    if (known !== undefined) return known;
    const row = this.#work.guard(() => this.#statements.findAgent.get(agent));
    if (row === undefined) return null;
    this.#numbers.set(agent, Number(row.id));
    return Number(row.id);
  }

  // ------------------------------------------------

  /** Flows that are not known: the archive takes what comes again once more, but need not. */
  #flowsToArchive(batches: readonly AgentBatch[]): ArchivedFlows[] {
    const flows: ArchivedFlows[] = [];
    for (const { agent, batch } of batches) {
      if (batch.kind !== "flows") continue;
      const number = this.agentNumber(agent, this.#options.nowUs);
      if (this.#work.guard(() => this.#ledger.has(stretchOf(number, batch)))) continue;
      const { epoch, firstSeq, rowCount, columns } = batch;
      flows.push({ agent: number, epoch, firstSeq, rowCount, columns });
    }
    return flows;
  }

  #highestFindingId(): number {
    const row = this.#database.prepare(
      `SELECT max((SELECT ifnull(max(id), 0) FROM scans), (SELECT ifnull(max(id), 0) FROM anomalies),
         (SELECT ifnull(max(id), 0) FROM agent_findings)) AS id`,
    ).get();
    return Number(row!.id);
  }

  #put(key: string, value: string | number): void {
    this.#database.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)").run(key, value);
  }

  #add(key: string, amount: number): void {
    this.#database.prepare(
      "INSERT INTO meta(key, value) VALUES (?, CAST(? AS INTEGER)) ON CONFLICT(key) DO UPDATE SET value = value + excluded.value",
    ).run(key, amount);
  }
}

function stretchOf(agent: number, { kind, epoch, firstSeq, rowCount }: AgentBatch["batch"]) {
  const channel = CHANNEL_OF[kind]!;
  return { agent, epoch, channel, firstSeq, lastSeq: firstSeq + rowCount - 1 };
}

/** Columns that flows and roll-ups have both. */
type CountedColumns = Pick<FlowColumns, Exclude<keyof CountedFlow, "flows" | "summed_flows">>;

function countedAt(columns: CountedColumns, row: number): Omit<CountedFlow, "flows"> {
  const local = (cell: FlowColumns["local_orig"][number]) => cell === null ? null : Number(cell);
  return {
    start_us: columns.start_us[row] as number,
    end_us: columns.end_us[row] as number,
    orig_h: columns.orig_h[row] as string,
    resp_h: columns.resp_h[row] as string,
    resp_p: columns.resp_p[row] as number,
    proto: columns.proto[row] as string,
    service: columns.service[row] as string,
    name: columns.name[row] as string,
    ja4: columns.ja4[row] as string,
    orig_pkts: columns.orig_pkts[row] as number,
    resp_pkts: columns.resp_pkts[row] as number,
    orig_wire_bytes: columns.orig_wire_bytes[row] as number,
    resp_wire_bytes: columns.resp_wire_bytes[row] as number,
    local_orig: local(columns.local_orig[row]!),
    local_resp: local(columns.local_resp[row]!),
  };
}
