/**
 * The only INSERT, UPDATE and DELETE (with its parts writer_rows.ts, finding_writer.ts, incident_writer.ts, alert_writer.ts,
 * replayed_files.ts, rollup_writer.ts, run_times.ts, retention.ts and migrations.ts). Knows nothing of threads or retries: each call does its work or throws a StoreError and leaves the database as it was.
 */
import type { DatabaseSync } from "node:sqlite";
import type { ReplayedFile, ReplayMark } from "../messages.ts";
import type {
  Finding,
  FirstContactNews,
  Flow,
  HostTotals,
  IncidentNews,
  JudgedWindows,
  PacketRow,
  StatsSecond,
} from "../records.ts";
import { UsageError } from "../errors.ts";
import { StoreError, toStoreError } from "./failure.ts";
import { DeviceWriter } from "./device_writer.ts";
import { findingRowId, isScan } from "./finding_rows.ts";
import { FindingWriter } from "./finding_writer.ts";
import { FleetFeed } from "./fleet_feed.ts";
import { IncidentWriter } from "./incident_writer.ts";
import { openForWriting } from "./open.ts";
import { type KnownFile, ReplayedFiles } from "./replayed_files.ts";
import { reserveBytes, Retention } from "./retention.ts";
import type { RollupFlow } from "./rollup_keys.ts";
import { RollupWriter } from "./rollup_writer.ts";
import type { RowInserter } from "./row_inserter.ts";
import { RunTimes } from "./run_times.ts";
import { databaseBytes, fileBytes, Transactor } from "./transactor.ts";
import { type AlertChanges, AlertWriter } from "./alert_writer.ts";
import { FLOWS_PER_RUN } from "./schema.ts";
import {
  floorToMinute,
  flowInserter,
  hostInserter,
  packetInserter,
  statsInserter,
} from "./writer_rows.ts";

export interface StoreWriterOptions {
  readonly path: string;
  readonly retentionDays: number;
  /** Days that roll-ups are kept; a year without it. */
  readonly historyDays?: number;
  /** Limit of the file and its write-ahead log together. */
  readonly retentionBytes: number;
  readonly toolVersion: string;
  /** Wall clock. */
  readonly nowUs: number;
  /** Ids go on in this run, if it is the newest of the database; else a new one begins. */
  readonly continuedRun?: number;
  /** What is replayed, if that is where the rows come from. */
  readonly file?: ReplayedFile | null;
  /** What is written is to be told to a fleet. */
  readonly feedsFleet?: boolean;
}

/** Rows for one transaction. Hosts are what each gained since it was last written. */
export interface StoreRows {
  readonly packets: readonly PacketRow[];
  readonly flows: readonly Flow[];
  readonly seconds: readonly StatsSecond[];
  readonly hosts: readonly HostTotals[];
  /** Of a file: with these rows all is written of the packets up to there. */
  readonly mark?: ReplayMark;
}

const findingTables: readonly string[] = ["scans", "anomalies"];
/** Traffic time between two looks for idle hosts. */
const hostCheckUs = 60_000_000;
/** Size of the log from which on it is begun anew, and least time between two tries. */
const walRestartBytes = 128 * 2 ** 20;
const walRestartMs = 10_000;
/** And between two counts of the roll-ups. */
const rollupCheckUs = 600_000_000;
const pageBytes = 4096;
/** More than alerts bring at a time. */
const alertRowsMax = 500;

export class StoreWriter {
  /** Where a damaged file was moved when this one was begun. */
  readonly setAsidePath: string | null;
  /** Rows that made room for others, and those of findings among them. */
  rowsRemoved = 0;
  findingsRemoved = 0;
  readonly #path: string;
  readonly #retentionBytes: number;
  readonly #database: DatabaseSync;
  readonly #work: Transactor;
  readonly #retention: Retention;
  readonly #packets: RowInserter<PacketRow>;
  readonly #flows: RowInserter<Flow>;
  readonly #seconds: RowInserter<StatsSecond>;
  readonly #minutes: RowInserter<StatsSecond>;
  readonly #hosts: RowInserter<HostTotals>;
  readonly #devices: DeviceWriter;
  readonly #findings: FindingWriter;
  readonly #incidents: IncidentWriter;
  readonly #alerts: AlertWriter;
  readonly #files: ReplayedFiles;
  readonly #rollups: RollupWriter;
  readonly #runTimes: RunTimes;
  readonly #feed: FleetFeed | null;
  readonly #file: ReplayedFile | null;
  readonly #inode: number | null;
  /** The run goes on, in the database in which it began. */
  readonly isContinued: boolean;
  /** What an earlier replay of the file left; null for one that is new, or without a file. */
  knownFile: KnownFile | null = null;
  #run = 0;
  #newestUs = -Infinity;
  #hostsCheckedUs = -Infinity;
  #rollupsCheckedUs = -Infinity;
  #walRestartedMs = -Infinity;

  /** Opens, makes or migrates the database. Throws UsageError (see open.ts) or StoreError. */
  constructor(options: StoreWriterOptions) {
    const reserve = reserveBytes(options.retentionBytes);
    const opened = openForWriting({
      path: options.path,
      checkpointPages: Math.max(32, Math.min(4000, Math.floor(reserve / 4 / pageBytes))),
      walBytesMax: Math.min(Math.floor(reserve / 2), 16 * 2 ** 20),
      nowUs: options.nowUs,
    });
    const database = this.#database = opened.database;
    this.#path = options.path;
    this.#retentionBytes = options.retentionBytes;
    this.setAsidePath = opened.setAsidePath;
    this.#work = new Transactor(database, options.path, () => {
      this.#devices.forget();
      this.#rollups.forget();
      this.#runTimes.begin();
    });
    this.#retention = new Retention(database, options, (table, rows) => {
      // What else goes is held by coarser roll-ups.
      if (table === "rollups" || table === "runs") return;
      this.#count(table, -rows);
      this.rowsRemoved += rows;
      if (findingTables.includes(table)) this.findingsRemoved += rows;
    });
    this.#packets = packetInserter(database, () => FLOWS_PER_RUN * this.#run);
    this.#flows = flowInserter(database, () => FLOWS_PER_RUN * this.#run);
    this.#seconds = statsInserter(database, "stats", (tsUs) => tsUs);
    this.#minutes = statsInserter(database, "stats_minutes", floorToMinute);
    this.#hosts = hostInserter(database);
    this.#devices = new DeviceWriter(database, options);
    this.#findings = new FindingWriter(database);
    this.#incidents = new IncidentWriter(database);
    this.#alerts = new AlertWriter(database);
    this.#files = new ReplayedFiles(database);
    this.#rollups = new RollupWriter(database);
    this.#runTimes = new RunTimes(database, !options.file);
    this.#feed = options.feedsFleet ? new FleetFeed(database) : null;
    this.#file = options.file ?? null;
    this.#inode = Deno.statSync(options.path).ino;
    try {
      this.#assertNoHub();
      this.#describe(options);
      const isContinued = options.continuedRun === this.#metaNumber("runs") ||
        options.continuedRun === this.#knownFile()?.run;
      this.isContinued = Boolean(options.continuedRun) && isContinued;
      if (this.isContinued) {
        this.#run = options.continuedRun!;
        this.knownFile = this.#knownFile();
      } else this.beginRun(options.nowUs);
    } catch (error) {
      database.close();
      throw error instanceof UsageError ? error : toStoreError(error, options.path);
    }
  }

  /**
   * Ids of the next flows and findings count from 1 again, in a new run or in that of a file which is known; open findings are
   * over. `nowUs` is the wall clock. Throws StoreError.
   */
  beginRun(nowUs: number): void {
    this.#work.transact(() => {
      this.#feed?.addOpen();
      this.#findings.closeAll();
      this.#files.closeAll();
      this.#runTimes.begin();
      const known = this.knownFile = this.#knownFile();
      // Another program would give other flows the same ids: nothing is added to what it has left.
      const isContinued = known !== null &&
        (known.isWhole || known.decoder === this.#file?.decoder);
      if (isContinued) this.#count("packets", -this.#files.rollBack(known.run));
      else this.#add("runs", 1);
      this.#run = isContinued ? known.run : this.#metaNumber("runs");
      if (this.#file && !known) this.#files.begin(this.#file, this.#run, nowUs);
    });
  }

  /** Packets of the file that need not be written again; Infinity when nothing of it is to be. */
  get knownPackets(): number {
    const known = this.knownFile;
    if (known === null) return 0;
    return known.isWhole || known.decoder !== this.#file?.decoder ? Infinity : known.packets;
  }

  /** The number of the run, see FLOWS_PER_RUN. */
  get run(): number {
    return this.#run;
  }

  /**
   * Makes room, then writes the rows in one transaction, wholly or not at all. Throws StoreError; "refused" means that these
   * rows will never be taken. Returns what devices did for the first time.
   */
  write(rows: StoreRows): readonly FirstContactNews[] {
    let firstContacts: readonly FirstContactNews[] = [];
    const { packets, flows, seconds, hosts } = rows;
    this.#makeRoom(packets.length + flows.length + seconds.length + hosts.length);
    this.#work.transact(() => {
      this.#packets.insert(rows.packets);
      const replaced = this.#replaced(rows.flows);
      this.#flows.insert(rows.flows);
      this.#feed?.add("flows", rows.flows.map(({ id }) => FLOWS_PER_RUN * this.#run + id));
      this.#rollups.addFlows(rows.flows.flatMap(rollupFlows));
      this.#rollups.addFlows(replaced, -1);
      this.#rollups.addSeconds(rows.seconds);
      this.#rollups.flush();
      this.#seconds.insert(rows.seconds);
      this.#minutes.insert(rows.seconds);
      this.#hosts.insert(rows.hosts);
      firstContacts = this.#devices.write(rows.hosts, rows.flows);
      this.#count("packets", rows.packets.length);
      this.#count("flows", rows.flows.length - replaced.length);
      this.#noteSeconds(rows.seconds);
      if (rows.mark) this.#files.mark(this.#run, rows.mark);
    });
    for (const packet of rows.packets) this.#newestUs = Math.max(this.#newestUs, packet.tsUs);
    for (const flow of rows.flows) this.#newestUs = Math.max(this.#newestUs, flow.endUs);
    for (const second of rows.seconds) this.#newestUs = Math.max(this.#newestUs, second.tsUs);
    return firstContacts;
  }

  /**
   * Makes room, then writes the newest states of findings and of incidents, wholly or not at all. Throws StoreError as write()
   * does.
   */
  writeFindings(findings: readonly Finding[], incidents: readonly IncidentNews[] = []): void {
    this.#makeRoom(findings.length + incidents.length);
    this.#work.transact(() => {
      this.#findings.write(findings, this.#run);
      this.#incidents.write(incidents, this.#run);
      this.#feedFindings(findings, incidents);
    });
    for (const { lastUs } of findings) this.#newestUs = Math.max(this.#newestUs, lastUs);
  }

  #feedFindings(findings: readonly Finding[], incidents: readonly IncidentNews[]): void {
    if (this.#feed === null) return;
    const idsOf = (isOfList: (finding: Finding) => boolean) =>
      findings.filter(isOfList).map((finding) => findingRowId(finding, this.#run));
    this.#feed.add("scans", idsOf(isScan));
    this.#feed.add("anomalies", idsOf((finding) => !isScan(finding)));
    this.#feed.add("gone", incidents.flatMap(({ absorbedIds }) => absorbedIds));
    this.#feed.add("incidents", incidents.map(({ incident }) => incident.id));
  }

  /** The fleet's thread has read what is new up to a row of `fleet_feed`. Throws StoreError. */
  trimFeed(throughId: number): void {
    this.#work.transact(() => this.#feed?.trim(throughId));
  }

  /** Adds windows to the history; those of a file once. Throws StoreError. */
  writeWindows(judged: readonly JudgedWindows[]): void {
    if (this.knownFile !== null) return;
    this.#work.transact(() => {
      this.#rollups.addWindows(judged);
      this.#rollups.flush();
    });
  }

  /** Writes what is new of alerts, mutes and acknowledgements, wholly or not at all. Throws StoreError as write() does. */
  writeAlerts(changes: AlertChanges): void {
    this.#makeRoom(alertRowsMax);
    this.#work.transact(() => this.#alerts.write(changes));
  }

  /** Notes that a live run goes on; call it about once a second. `nowUs` is the wall clock. Throws StoreError. */
  beat(nowUs: number): void {
    if (this.#runTimes.isDue(nowUs)) this.#work.transact(() => this.#runTimes.beat(nowUs));
  }

  /** Deletes some of what is too old; call it about once a second. `nowUs` is the wall clock. Throws StoreError. */
  deleteOld(nowUs: number): void {
    const newestUs = Math.min(this.#newestUs, nowUs);
    if (newestUs === -Infinity) return;
    this.#work.guard(() => {
      this.#retention.deleteOld(newestUs);
      this.#retention.trimRollups();
      if (Math.abs(newestUs - this.#hostsCheckedUs) < hostCheckUs) return;
      const { rows, isDone } = this.#retention.deleteIdle(newestUs);
      if (isDone) this.#hostsCheckedUs = newestUs;
      if (rows > 0) this.#devices.forget();
      if (Math.abs(newestUs - this.#rollupsCheckedUs) < rollupCheckUs) return;
      this.#rollupsCheckedUs = newestUs;
      this.#retention.beginTrim();
    });
  }

  /** The file and its write-ahead log. */
  get sizeBytes(): number {
    return databaseBytes(this.#path);
  }

  /** Oldest time in `packets` and `flows`; null when both are empty. Throws StoreError. */
  oldestUs(): number | null {
    const oldest = this.#work.guard(() =>
      this.#database.prepare(
        "SELECT min(us) AS us FROM (SELECT min(ts_us) AS us FROM packets UNION ALL SELECT min(end_us) FROM flows)",
      ).get()!.us
    );
    return oldest === null ? null : Number(oldest);
  }

  /** Whether the file was removed or replaced under us: what is written then reaches nobody. */
  isFileGone(): boolean {
    try {
      return Deno.statSync(this.#path).ino !== this.#inode;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      throw toStoreError(error, this.#path);
    }
  }

  /** Gives back what SQLite holds of the file's pages, up to 8 MB; what is needed again is read again. */
  forgetPages(): void {
    this.#work.guard(() => this.#database.exec("PRAGMA shrink_memory"));
  }

  /** Copies the log back into the file and closes it. A failure to do so loses nothing: the log stays. */
  close(): void {
    if (!this.#database.isOpen) return;
    try {
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (error) {
      throw toStoreError(error, this.#path);
    } finally {
      this.#database.close();
    }
  }

  #describe({ toolVersion, nowUs }: StoreWriterOptions): void {
    const put = this.#database.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)");
    put.run("tool_version", toolVersion);
    this.#database.prepare(
      "INSERT OR IGNORE INTO meta(key, value) VALUES ('created_us', CAST(? AS INTEGER))",
    ).run(nowUs);
  }

  /** What this host records would be shown as an agent's. */
  #assertNoHub(): void {
    if (this.#metaNumber("hub_schema_version") === 0) return;
    throw new UsageError(
      `${this.#path} is the database of a hub. Choose another folder with --results.`,
    );
  }

  #makeRoom(rowCount: number): void {
    this.#work.guard(() => this.#retention.makeRoom(rowCount));
    this.#assertWalFits();
  }

  /**
   * Readers without a pause keep the log from being begun anew, and it grows, which makes them slower still: now and then it waits
   * for them.
   */
  #restartWal(): void {
    const nowMs = performance.now();
    if (nowMs - this.#walRestartedMs < walRestartMs) return;
    if (fileBytes(`${this.#path}-wal`) < walRestartBytes) return;
    this.#walRestartedMs = nowMs;
    this.#work.guard(() => this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  }

  /** A reader that holds an old snapshot keeps the log from being used again: better stop than fill the disk. */
  #assertWalFits(): void {
    this.#restartWal();
    if (this.sizeBytes <= this.#retentionBytes) return;
    this.#work.guard(() => this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
    if (fileBytes(`${this.#path}-wal`) <= reserveBytes(this.#retentionBytes)) return;
    throw new StoreError(
      "busy",
      `${this.#path} has reached its size limit while another program keeps reading an old state of it`,
    );
  }

  /** Rows that the flows will replace: where a replay goes on, those that its interruption had ended. */
  #replaced(flows: readonly Flow[]): RollupFlow[] {
    if (this.knownFile === null) return [];
    const find = this.#database.prepare("SELECT * FROM flows WHERE id = ?");
    const base = FLOWS_PER_RUN * this.#run;
    return flows.map(({ id }) => find.get(base + id) as unknown as RollupFlow | undefined)
      .filter((row) => row !== undefined);
  }

  #noteSeconds(seconds: readonly StatsSecond[]): void {
    if (seconds.length === 0) return;
    this.#runTimes.sawSeconds(this.#run, seconds.map(({ tsUs }) => Math.trunc(tsUs)));
  }

  /** Keeps the number of rows in `meta`, since count(*) reads a whole table. */
  #count(table: string, rows: number): void {
    if (table === "packets" || table === "flows") this.#add(`${table}_rows`, rows);
  }

  #add(key: string, amount: number): void {
    if (amount === 0) return;
    this.#database.prepare(
      "INSERT INTO meta(key, value) VALUES (?, CAST(? AS INTEGER)) ON CONFLICT(key) DO UPDATE SET value = value + excluded.value",
    ).run(key, amount);
  }

  #knownFile(): KnownFile | null {
    return this.#file && this.#files.find(this.#file);
  }

  #metaNumber(key: string): number {
    const row = this.#database.prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return Number(row?.value ?? 0);
  }
}

/** One, or of a sum one for each of its sources. */
function rollupFlows(flow: Flow): RollupFlow[] {
  const whole = rollupFlow(flow);
  if (flow.summed === undefined) return [whole];
  return flow.summed.sources.map(({ origH, isOrigLocal, flows, origPkts, origWireBytes }) => ({
    ...whole,
    orig_h: origH,
    local_orig: isOrigLocal ? 1 : 0,
    flows,
    orig_pkts: origPkts,
    orig_wire_bytes: origWireBytes,
  }));
}

function rollupFlow(flow: Flow): RollupFlow {
  return {
    start_us: Math.trunc(flow.startUs),
    end_us: Math.trunc(flow.endUs),
    orig_h: flow.origH,
    resp_h: flow.respH,
    resp_p: flow.respP,
    proto: flow.proto,
    service: flow.service,
    orig_pkts: flow.origPkts,
    resp_pkts: flow.respPkts,
    orig_wire_bytes: flow.origWireBytes,
    resp_wire_bytes: flow.respWireBytes,
    local_orig: flow.isOrigLocal ? 1 : 0,
    local_resp: flow.isRespLocal ? 1 : 0,
    ...(flow.summed && { summed_flows: flow.summed.flows }),
  };
}

/** 0 for a file that is not there or cannot be asked; what that means shows when it is written. */
