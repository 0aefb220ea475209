/**
 * Owns the database while the program runs: gathers rows, writes them at most once a second (or when they are many),
 * and keeps going when the database fails. Failures are shown in the state, told once as a note, and retried with
 * back-off; rows wait in a bounded backlog meanwhile, and what has no room there is counted as lost.
 *
 *     rows -> backlog -> transaction -> ack
 *               |  the database fails: ack at once, retry after 0.5 s, 1 s, … 8 s
 *               '-> full: the oldest are lost and counted
 *
 * Findings do not wait for the second to end: they are few, and somebody may be looking. While the database fails they stay
 * unanswered, and their sender keeps the ones after them.
 *
 * Free of threads and clocks, so that tests can drive it; store_worker.ts is its shell.
 */
import type { DiskStep } from "../text/disk_guard.ts";
import { messageOf, UsageError } from "../errors.ts";
import type {
  AlertsMessage,
  FindingsMessage,
  ReplayMark,
  RowsMessage,
  StoreOptions,
  StoreToMain,
  WindowsMessage,
} from "../messages.ts";
import type { StoreState } from "../records.ts";
import { counted } from "../text/amounts.ts";
import { Backlog, backlogBatchesMax, countRows } from "./backlog.ts";
import { ClockWatch } from "./clock_watch.ts";
import { StoreError, toStoreError } from "./failure.ts";
import { setAside } from "./open.ts";
import type { KnownFile } from "./replayed_files.ts";
import { type StoreRows, StoreWriter } from "./writer.ts";

/** Rows after which a transaction does not wait for the second to end; also about the rows in one. */
export const transactionRows = 5000;
/** Batches after which it does not wait either: the pipeline may have no more on their way. */
const transactionBatches = 4;
/** So often it is looked whether there has been little to write: fewer rows than so many. */
const ticksPerLook = 10;
const quietRows = 2000;
const retryFirstMs = 500;
const retryMaxMs = 8000;

interface StoreServiceOptions extends StoreOptions {
  readonly toolVersion: string;
  readonly post: (message: StoreToMain) => void;
  readonly ack: (sequence: number) => void;
  /** Told when a run begins: how many packets of the file are known, see KnownPacketsMessage. */
  readonly tellKnown?: (packets: number) => void;
  /** Wall clock in microseconds. */
  readonly nowUs: () => number;
  /** A clock that nobody sets, in microseconds; the wall clock unless given. */
  readonly elapsedUs?: () => number;
}

export class StoreService {
  readonly #options: StoreServiceOptions;
  readonly #backlog = new Backlog();
  /** Batches of the backlog, from its end, that the pipeline has not been told of. */
  #unacknowledged = 0;
  #writer: StoreWriter | null = null;
  /** Size that the database was left with. */
  #closedBytes = 0;
  #failure: StoreError | null = null;
  #retryMs = retryFirstMs;
  #retryAtUs = 0;
  /** Findings that wait for the database. */
  readonly #findings: FindingsMessage[] = [];
  /** Alerts that do. */
  readonly #alerts: AlertsMessage[] = [];
  #run = 0;
  #rowsWritten = 0;
  #ticks = 0;
  /** When it was looked last. */
  #rowsAtLook = 0;
  #rowsLost = 0;
  #rowsLostTold = 0;
  #rowsHeldBack = 0;
  #diskStep: DiskStep = 0;
  /** Rows of this run are not in the database, be it that it was removed. */
  #hasLostAny = false;
  #removedBefore = { rowsRemoved: 0, findingsRemoved: 0 };
  #oldestUs: number | null = null;
  #hasOpened = false;
  #fedThroughId = 0;
  readonly #elapsedUs: () => number;
  readonly #clock = new ClockWatch();

  constructor(options: StoreServiceOptions) {
    this.#options = options;
    this.#elapsedUs = options.elapsedUs ?? options.nowUs;
  }

  /** Opens the database. Throws UsageError when it must not be touched; any other failure is retried later. */
  open(): void {
    this.#attempt(() => void this.#opened());
    this.#hasOpened = true;
    this.postState();
  }

  /** A new pipeline takes over: its flow ids count from 1 again, and the old one waits for nothing any more. */
  beginRun(): void {
    this.flush();
    this.#giveUpAll();
    this.#unacknowledged = 0;
    const writer = this.#writer;
    if (writer) {
      this.#attempt(() => {
        writer.beginRun(this.#options.nowUs());
        this.#tellKnown(writer);
      });
    }
    this.#run = this.#writer?.run ?? 0;
  }

  /** Takes a batch; it is acknowledged once written, or at once while the database fails. */
  take(batch: RowsMessage): void {
    this.#unacknowledged++;
    for (const lost of this.#backlog.push(this.#holdBack(batch))) this.#lose(lost);
    if (this.#failure) this.#acknowledgeAll();
    else if (
      this.#backlog.rowCount >= transactionRows || this.#backlog.batchCount >= transactionBatches
    ) this.flush();
  }

  /** How much of what comes from now on is still written. */
  setDiskStep(step: DiskStep): void {
    this.#diskStep = step;
  }

  /** The batch without the rows that have to stay out for now. */
  #holdBack(batch: RowsMessage): RowsMessage {
    const packets = this.#diskStep < 2 ? batch.packets : [];
    const flows = this.#diskStep < 3 ? batch.flows : [];
    const held = batch.packets.length - packets.length + batch.flows.length - flows.length;
    if (held === 0) return batch;
    this.#rowsHeldBack += held;
    this.#hasLostAny = true;
    return { ...batch, packets, flows };
  }

  /** Takes findings; they are answered once written or given up. */
  takeFindings(message: FindingsMessage): void {
    this.#findings.push(message);
    if (!this.#failure) this.#attempt(() => this.#writeFindings(this.#opened()));
  }

  /** Takes alerts, mutes and acknowledgements; they are answered once written or refused. */
  takeAlerts(message: AlertsMessage): void {
    this.#alerts.push(message);
    if (!this.#failure) this.#attempt(() => this.#writeAlerts(this.#opened()));
  }

  /** Takes windows for the history; they are not kept while the database fails. */
  takeWindows({ judged }: WindowsMessage): void {
    if (!this.#failure) this.#attempt(() => this.#opened().writeWindows(judged));
  }

  /** What the fleet's thread has read goes at the next tick. */
  setFedThrough(throughId: number): void {
    this.#fedThroughId = throughId;
  }

  /** Call once a second: writes what waits, deletes what is too old, tells the state. */
  tick(): void {
    if (!this.#failure || this.#elapsedUs() >= this.#retryAtUs) {
      this.flush();
      if (!this.#failure) this.#attempt(() => this.#maintain());
    }
    this.postState();
  }

  /** Tries to write all that waits. */
  flush(): void {
    this.#attempt(() => {
      const writer = this.#opened();
      this.#writeFindings(writer);
      this.#writeAlerts(writer);
      while (this.#backlog.batchCount > 0) this.#writeSome(writer);
    });
  }

  /** Writes what it can, gives up the rest, and closes the database. */
  close(): void {
    this.flush();
    this.#acknowledgeAll();
    this.#giveUpAll();
    try {
      this.#writer?.close();
    } catch (error) {
      this.#options.post({ type: "note", severity: "warning", text: messageOf(error) });
    }
    this.#closedBytes = this.#writer?.sizeBytes ?? 0;
    this.#removedBefore = this.#removed();
    this.#writer = null;
    this.postState();
  }

  get isFailing(): boolean {
    return this.#failure !== null;
  }

  postState(): void {
    this.#options.post({ type: "state", state: this.#state(), run: this.#run });
  }

  #opened(): StoreWriter {
    if (this.#writer?.isFileGone()) {
      this.#discardWriter();
      this.#note("warning", `${this.#options.path} was removed while in use: a new one is begun.`);
    }
    if (this.#writer) return this.#writer;
    const writer = this.#writer = new StoreWriter({
      ...this.#options,
      nowUs: this.#options.nowUs(),
      continuedRun: this.#run || this.#options.continuedRun,
    });
    const isFirst = this.#run === 0;
    this.#run = writer.run;
    if (writer.setAsidePath !== null) this.#noteSetAside(writer.setAsidePath);
    if (isFirst) this.#tellKnown(writer);
    else if (!writer.isContinued) this.#hasLostAny = true;
    return writer;
  }

  #tellKnown({ knownFile, knownPackets, isContinued }: StoreWriter): void {
    this.#options.tellKnown?.(knownPackets);
    const { file } = this.#options;
    if (file && knownFile && !isContinued) {
      this.#note("info", describeKnown(file.path, knownFile, knownPackets));
    }
  }

  #writeSome(writer: StoreWriter): void {
    const batches = upToMark(this.#backlog.peek(transactionRows));
    const mark = this.#markOf(batches.at(-1)!);
    try {
      this.#write(writer, {
        packets: batches.flatMap((batch) => batch.packets),
        flows: batches.flatMap((batch) => batch.flows),
        seconds: batches.flatMap((batch) => batch.seconds),
        hosts: batches.flatMap((batch) => batch.hosts),
        ...(mark && { mark }),
      });
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== "refused") throw error;
      return this.#writeSingly(writer, batches, error);
    }
    this.#finish(batches.length, (batch) => this.#rowsWritten += countRows(batch));
  }

  /** First contacts are told before their rows are acknowledged: once the pipeline has ended, all are. */
  #write(writer: StoreWriter, rows: StoreRows): void {
    const contacts = writer.write(rows);
    if (contacts.length > 0) this.#options.post({ type: "firstContacts", contacts });
  }

  /** Some row among `batches` is refused for good: only its batch is lost. */
  #writeSingly(writer: StoreWriter, batches: readonly RowsMessage[], refusal: StoreError): void {
    for (const batch of batches) {
      try {
        if (batches.length === 1) throw refusal;
        const { packets, flows, seconds, hosts } = batch;
        const mark = this.#markOf(batch);
        this.#write(writer, { packets, flows, seconds, hosts, ...(mark && { mark }) });
        this.#finish(1, () => this.#rowsWritten += countRows(batch));
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== "refused") throw error;
        this.#finish(1, () => this.#lose(batch));
        this.#note("error", `${error.message}. The ${countRows(batch)} rows with it are lost.`);
      }
    }
  }

  /** Once rows have been lost, a file that is replayed again may bring them. */
  #markOf({ mark }: RowsMessage): ReplayMark | undefined {
    return this.#hasLostAny ? undefined : mark;
  }

  #writeFindings(writer: StoreWriter): void {
    while (this.#findings.length > 0) {
      const { findings, incidents } = this.#findings[0]!;
      try {
        writer.writeFindings(findings, incidents);
        this.#findingsDone(findings.length + incidents.length);
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== "refused") throw error;
        const taken = [
          ...findings.map((finding) =>
            this.#takes(() => writer.writeFindings([finding]), `finding "${finding.reason}"`)
          ),
          ...incidents.map((news) =>
            this.#takes(
              () => writer.writeFindings([], [news]),
              `incident "${news.incident.headline}"`,
            )
          ),
        ];
        this.#findingsDone(taken.filter((isTaken) => isTaken).length);
      }
    }
  }

  #writeAlerts(writer: StoreWriter): void {
    while (this.#alerts.length > 0) {
      const { sequence, ...changes } = this.#alerts[0]!;
      const isWritten = this.#takes(() => writer.writeAlerts(changes), "alert or mute");
      this.#alerts.shift();
      this.#options.post({ type: "alertsTaken", sequence, isWritten });
    }
  }

  /** Writes one of several, of which some are refused for good. */
  #takes(write: () => void, what: string): boolean {
    try {
      write();
      return true;
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== "refused") throw error;
      this.#note("error", `${error.message}. The ${what} is lost.`);
      return false;
    }
  }

  /** Answers the oldest findings that wait, of which `written` are in the database. */
  #findingsDone(written: number): void {
    const message = this.#findings.shift();
    if (message === undefined) return;
    this.#rowsWritten += written;
    this.#rowsLost += message.findings.length + message.incidents.length - written;
    this.#options.post({ type: "findingsTaken", sequence: message.sequence });
  }

  #finish(count: number, each: (batch: RowsMessage) => void): void {
    const unacknowledgedFrom = this.#backlog.batchCount - this.#unacknowledged;
    this.#backlog.take(count).forEach((batch, index) => {
      each(batch);
      if (index < unacknowledgedFrom) return;
      this.#unacknowledged--;
      this.#options.ack(batch.sequence);
    });
  }

  #maintain(): void {
    const writer = this.#opened();
    const nowUs = this.#options.nowUs();
    const setByUs = this.#clock.look(nowUs, this.#elapsedUs());
    if (setByUs !== 0) this.#note("warning", clockText(setByUs));
    writer.beat(nowUs);
    if (this.#clock.isSettled(this.#elapsedUs())) writer.deleteOld(nowUs);
    if (this.#options.feedsFleet) writer.trimFeed(this.#fedThroughId);
    this.#oldestUs = writer.oldestUs();
    if (++this.#ticks % ticksPerLook === 0) this.#look(writer);
  }

  /** While there is little to write, what SQLite remembers of the file is not worth its memory. */
  #look(writer: StoreWriter): void {
    if (this.#rowsWritten - this.#rowsAtLook < quietRows) writer.forgetPages();
    this.#rowsAtLook = this.#rowsWritten;
  }

  /** Runs `work`; a failure of the database puts the service into the retrying state, success out of it. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof UsageError && !this.#hasOpened) throw error;
      return this.#fail(toStoreError(error, this.#options.path));
    }
    if (!this.#failure) return;
    this.#failure = null;
    this.#retryMs = retryFirstMs;
    this.#note("info", `${this.#options.path} is being written again.`);
    this.#noteLosses();
    this.postState();
  }

  #fail(failure: StoreError): void {
    const isNew = this.#failure?.kind !== failure.kind;
    this.#failure = failure;
    this.#retryAtUs = this.#elapsedUs() + this.#retryMs * 1000;
    this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
    this.#acknowledgeAll();
    // A busy database is as good as before once it is free; after the other failures only a new start is sure.
    if (failure.kind !== "busy") this.#discardWriter();
    if (failure.kind === "corrupt") this.#setAsideNow();
    if (!isNew) return;
    this.#note("warning", `${failure.message}. Rows wait in memory; trying again.`);
    this.postState();
  }

  #setAsideNow(): void {
    try {
      this.#noteSetAside(setAside(this.#options.path, this.#options.nowUs()));
      this.#retryAtUs = 0;
    } catch (error) {
      this.#note("error", messageOf(error));
    }
  }

  #discardWriter(): void {
    this.#removedBefore = this.#removed();
    try {
      this.#writer?.close();
    } catch {
      // The failure that led here has been told; the log stays beside the file and is read at the next opening.
    }
    this.#writer = null;
  }

  #acknowledgeAll(): void {
    const waiting = this.#backlog.peek(Infinity);
    const count = Math.min(this.#unacknowledged, waiting.length);
    for (const batch of waiting.slice(waiting.length - count)) this.#options.ack(batch.sequence);
    this.#unacknowledged = 0;
  }

  #giveUpAll(): void {
    while (this.#findings.length > 0) this.#findingsDone(0);
    for (const { sequence } of this.#alerts.splice(0)) {
      this.#options.post({ type: "alertsTaken", sequence, isWritten: false });
    }
    for (const lost of this.#backlog.take(this.#backlog.batchCount)) this.#lose(lost);
    this.#noteLosses();
  }

  #lose(batch: RowsMessage): void {
    this.#hasLostAny = true;
    this.#rowsLost += countRows(batch);
  }

  #noteLosses(): void {
    const lost = this.#rowsLost - this.#rowsLostTold;
    this.#rowsLostTold = this.#rowsLost;
    if (lost > 0) this.#note("warning", `${lost} rows for ${this.#options.path} were lost.`);
  }

  #noteSetAside(target: string): void {
    this.#note(
      "error",
      `${this.#options.path} is damaged and was moved to ${target}; a new one is begun. sqlite3's .recover may read the old one.`,
    );
  }

  #note(severity: "info" | "warning" | "error", text: string): void {
    this.#options.post({ type: "note", severity, text });
  }

  #state(): StoreState {
    const failure = this.#failure;
    return {
      state: failure ? "retrying" : this.#writer ? "ok" : "off",
      detail: failure ? `${failure.message}; next try ${this.#nextTry()}` : "",
      path: this.#options.path,
      sizeBytes: this.#writer?.sizeBytes ?? this.#closedBytes,
      rowsWritten: this.#rowsWritten,
      rowsLost: this.#rowsLost,
      ...this.#removed(),
      rowsHeldBack: this.#rowsHeldBack,
      queueDepth: this.#backlog.batchCount,
      queueMax: backlogBatchesMax,
      oldestUs: this.#oldestUs,
    };
  }

  /** Of all writers so far. */
  #removed(): Pick<StoreState, "rowsRemoved" | "findingsRemoved"> {
    const { rowsRemoved = 0, findingsRemoved = 0 } = this.#writer ?? {};
    return {
      rowsRemoved: this.#removedBefore.rowsRemoved + rowsRemoved,
      findingsRemoved: this.#removedBefore.findingsRemoved + findingsRemoved,
    };
  }

  #nextTry(): string {
    const waitUs = this.#retryAtUs - this.#elapsedUs();
    return waitUs <= 0 ? "now" : `in ${Math.ceil(waitUs / 1e6)} s`;
  }
}

function clockText(byUs: number): string {
  const minutes = Math.round(Math.abs(byUs) / 60e6);
  const by = minutes < 1440
    ? counted(minutes, "minute")
    : counted(Math.round(minutes / 1440), "day");
  return `The clock of this host went ${byUs > 0 ? "forward" : "back"} by ${by} at once. ` +
    "Nothing is deleted for its age in the next hour.";
}

/** What stands behind a mark is another transaction's. */
function upToMark(batches: readonly RowsMessage[]): readonly RowsMessage[] {
  const marked = batches.findIndex(({ mark }) => mark !== undefined);
  return marked < 0 ? batches : batches.slice(0, marked + 1);
}

function describeKnown(path: string, known: KnownFile, packets: number): string {
  const day = new Date(known.begunUs / 1000).toISOString().slice(0, 10);
  if (known.isWhole) {
    return `${path} was read into this results folder before (on ${day}): nothing of it is added twice.`;
  }
  const part = `${path} was read into this results folder before (on ${day}), ` +
    `its first ${known.packets} packets`;
  return packets === Infinity
    ? `${part}, by another version or with other options: nothing is added. Name another folder with --results DIR.`
    : `${part}: the rest is added, and nothing twice.`;
}
