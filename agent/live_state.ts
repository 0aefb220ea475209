/**
 * What the main thread knows of the running program: the newest snapshot of each worker, the last quarter of an
 * hour second by second, and the log lines of the status page. The workers' owners write it, the dashboard reads it.
 */
import type { DiskState } from "./text/disk_guard.ts";
import type {
  Alert,
  CaptureSourceState,
  ChannelState,
  DetectionState,
  EveState,
  EvidenceState,
  Finding,
  FindingKind,
  FleetState,
  GeoFileState,
  Incident,
  PacketRow,
  PendingAlert,
  PipelineSnapshot,
  ProcessesState,
  RecorderState,
  RightsState,
  StatsSecond,
  StatusEntry,
  StoreState,
} from "./records.ts";
import { VERSION } from "./version.ts";

/** What a subscriber gets; the names are those of `/api/events`. */
export type LiveEvent =
  | { readonly type: "stats"; readonly data: StatsEvent }
  /** A finding is opened, has grown, or is over; "anomaly" stands for all kinds but scans. */
  | { readonly type: "scan" | "anomaly"; readonly data: Finding }
  | { readonly type: "incident"; readonly data: IncidentEvent }
  /** An alert is decided, or a channel has tried it. */
  | { readonly type: "alert"; readonly data: Alert }
  | { readonly type: "status"; readonly data: StatusEntry };

/** An incident is opened, has changed or is over; those of `absorbedIds` turned out to be part of it. */
export interface IncidentEvent {
  readonly incident: Incident;
  /** Findings that have joined it. */
  readonly joined: readonly Finding[];
  readonly absorbedIds: readonly number[];
}

/** One second: the newest full second, totals, and the state of each part. */
interface StatsEvent {
  readonly second: StatsSecond | null;
  readonly snapshot: PipelineSnapshot | null;
  readonly health: Health;
}

export interface Health {
  readonly mode: RunMode;
  readonly version: string;
  readonly startedAtUs: number;
  readonly sources: readonly CaptureSourceState[];
  readonly store: StoreState;
  readonly recorder: RecorderState;
  readonly evidence: EvidenceState;
  readonly eve: EveState;
  /** Null when it reports to no fleet. */
  readonly fleet: FleetState | null;
  readonly disk: DiskState;
  readonly detection: DetectionState;
  /** Null until they are known. */
  readonly rights: RightsState | null;
  readonly processes: ProcessesState;
  /** None when nobody is told. */
  readonly channels: readonly ChannelState[];
  readonly pendingAlerts: readonly PendingAlert[];
  /** Workers that crashed and were started again. */
  readonly workerRestarts: number;
  /** Seconds between a packet's capture and its decoding, live; 0 for files. */
  readonly behindS: number;
  readonly rssBytes: number;
  /** Share of one core, 0 to the number of cores, over the last seconds; -1 where the platform does not tell. */
  readonly cpuCores: number;
  /** Drops by place, summed over sources, in packets; at the store in rows. */
  readonly drops: Drops;
}

/** `where` labels of tapwatch_capture_drops_total. */
export interface Drops {
  readonly kernel: number;
  readonly interface: number;
  readonly queue: number;
  readonly recorder: number;
  readonly store: number;
}

/** "hub": nothing is captured here, agents tell. */
export type RunMode = "live" | "replay" | "hub";

const secondsKept = 900;
const entriesKept = 200;
const findingsKept = 200;

const noDetection: Omit<DetectionState, "observationsShed"> = {
  state: "off",
  windowsLearnt: 0,
  windowsNeeded: 0,
  windows: 0,
  windowsFlagged: 0,
  anomalyRatePct: 0,
  observations: 0,
  stateBytes: 0,
  forgotten: 0,
  findings: 0,
  findingsOpen: 0,
  isOneWay: false,
  modelFittedUs: null,
  blocklists: { lists: 0, entries: 0, badLines: 0 },
};

export class LiveState {
  readonly mode: RunMode;
  /** Wall clock. */
  readonly startedAtUs = Date.now() * 1000;
  workerRestarts = 0;
  snapshot: PipelineSnapshot | null = null;
  store: StoreState;
  recorder: RecorderState;
  evidence: EvidenceState = {
    state: "off",
    detail: "",
    path: "",
    files: 0,
    sizeBytes: 0,
    bytesMax: 0,
    findings: 0,
    following: 0,
    packetsWritten: 0,
    packetsLeftOut: 0,
    filesRemoved: 0,
  };
  eve: EveState = {
    state: "off",
    detail: "",
    path: "",
    linesWritten: 0,
    linesLost: 0,
    files: 0,
    sizeBytes: 0,
  };
  fleet: FleetState | null = null;
  disk: DiskState = { freeBytes: null, minFreeBytes: 0, step: 0 };
  rights: RightsState | null = null;
  processes: ProcessesState = {
    state: "off",
    detail: "",
    source: "",
    hasTap: false,
    hasTrace: false,
    traceLost: 0,
    named: 0,
    userOnly: 0,
    unknown: 0,
    passedOver: 0,
    closedProcesses: 0,
    processes: 0,
    hidesOthers: false,
  };
  /** What the store's rows of this run are told apart by (`FLOWS_PER_RUN`); 0 before the first. */
  storeRun = 0;
  /** All but what only the pipeline knows. */
  detectionOwn = noDetection;
  /** Findings of this run that the store never got. */
  findingsLost = 0;
  behindS = 0;
  cpuCores = -1;
  channels: readonly ChannelState[] = [];
  pendingAlerts: readonly PendingAlert[] = [];
  /** Files of --geo-db. */
  geoFiles: readonly GeoFileState[] = [];
  #sources = new Map<number, CaptureSourceState>();
  #seconds: StatsSecond[] = [];
  /** Seconds since the start; their times may go back. */
  secondCount = 0;
  #entries: StatusEntry[] = [];
  /** The newest state of each, in the order of these states. */
  readonly #findings = new Map<number, Finding>();
  readonly #openFindings = new Set<number>();
  readonly #findingCounts = new Map<FindingKind, number>();
  readonly #alerts = new Map<number, Alert>();
  readonly #incidents = new Map<number, Incident>();
  #listeners = new Set<(event: LiveEvent) => void>();

  constructor(mode: RunMode) {
    this.mode = mode;
    this.store = {
      state: "off",
      detail: "",
      path: "",
      sizeBytes: 0,
      rowsWritten: 0,
      rowsLost: 0,
      rowsRemoved: 0,
      findingsRemoved: 0,
      rowsHeldBack: 0,
      queueDepth: 0,
      queueMax: 0,
      oldestUs: null,
    };
    this.recorder = {
      state: "off",
      detail: "",
      path: "",
      bytesWritten: 0,
      packetsWritten: 0,
      packetsLost: 0,
      files: 0,
      sizeBytes: 0,
      bytesMax: 0,
      filesMax: 0,
      oldestUs: null,
    };
  }

  get sources(): readonly CaptureSourceState[] {
    return [...this.#sources.values()].sort((a, b) => a.interfaceId - b.interfaceId);
  }

  setSource(source: CaptureSourceState): void {
    this.#sources.set(source.interfaceId, source);
  }

  /** Packets come in, or the file has been read, and rows are written; for `/readyz`. */
  get isReady(): boolean {
    const isOpen = this.sources.some(({ state }) => state === "capturing" || state === "finished");
    return isOpen && this.store.state === "ok";
  }

  /** The last `count` full seconds of traffic time in their order; seconds without a packet are not listed. */
  seconds(count = secondsKept): readonly StatsSecond[] {
    return count === 0 ? [] : this.#seconds.slice(-count);
  }

  get newestPackets(): readonly PacketRow[] {
    return this.snapshot?.newestPackets ?? [];
  }

  /** Newest last, at most 200. */
  get entries(): readonly StatusEntry[] {
    return this.#entries;
  }

  /** Takes what the pipeline says each second and tells the subscribers. */
  setSnapshot(snapshot: PipelineSnapshot, seconds: readonly StatsSecond[]): void {
    this.snapshot = snapshot;
    this.#seconds.push(...seconds);
    this.secondCount += seconds.length;
    if (this.#seconds.length > secondsKept) {
      this.#seconds.splice(0, this.#seconds.length - secondsKept);
    }
    this.publish({ type: "stats", data: this.statsEvent() });
  }

  /** Adds a line to the log of the status page and tells the subscribers. */
  note(severity: StatusEntry["severity"], text: string): void {
    const entry = { tsUs: Date.now() * 1000, severity, text };
    this.#entries.push(entry);
    if (this.#entries.length > entriesKept) this.#entries.shift();
    this.publish({ type: "status", data: entry });
  }

  get detection(): DetectionState {
    return { ...this.detectionOwn, observationsShed: this.snapshot?.observationsShed ?? 0 };
  }

  /** The newest states of the last 200 findings, newest last. */
  get findings(): readonly Finding[] {
    return [...this.#findings.values()];
  }

  /** Findings since the start, by kind. */
  get findingCounts(): ReadonlyMap<FindingKind, number> {
    return this.#findingCounts;
  }

  /** Takes a finding that is new, has grown or is over, and tells the subscribers. */
  setFinding(finding: Finding): void {
    const { id, kind, isOpen } = finding;
    const isKnown = this.#openFindings.has(id);
    if (!isKnown) this.#findingCounts.set(kind, (this.#findingCounts.get(kind) ?? 0) + 1);
    if (isOpen) this.#openFindings.add(id);
    else this.#openFindings.delete(id);
    this.#findings.delete(id);
    this.#findings.set(id, finding);
    if (this.#findings.size > findingsKept) {
      const [oldest] = this.#findings.keys();
      this.#findings.delete(oldest!);
    }
    this.publish({ type: kind === "scan" ? "scan" : "anomaly", data: finding });
  }

  /** The newest states of the last 200 incidents, newest last. */
  get incidents(): readonly Incident[] {
    return [...this.#incidents.values()];
  }

  /** Takes an incident that is new, has changed or is over, and tells the subscribers. */
  setIncident(event: IncidentEvent): void {
    const { incident, absorbedIds } = event;
    for (const id of [incident.id, ...absorbedIds]) this.#incidents.delete(id);
    this.#incidents.set(incident.id, incident);
    if (this.#incidents.size > findingsKept) {
      const [oldest] = this.#incidents.keys();
      this.#incidents.delete(oldest!);
    }
    this.publish({ type: "incident", data: event });
  }

  /** The newest states of the last 200 alerts, newest last. */
  get alerts(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  /** Takes an alert that is new, or of which more is known, and tells the subscribers. */
  setAlert(alert: Alert): void {
    this.#alerts.delete(alert.id);
    this.#alerts.set(alert.id, alert);
    if (this.#alerts.size > findingsKept) this.#alerts.delete(this.#alerts.keys().next().value!);
    this.publish({ type: "alert", data: alert });
  }

  statsEvent(): StatsEvent {
    return { second: this.#seconds.at(-1) ?? null, snapshot: this.snapshot, health: this.health() };
  }

  health(): Health {
    return {
      mode: this.mode,
      version: VERSION,
      startedAtUs: this.startedAtUs,
      sources: this.sources,
      store: this.store,
      recorder: this.recorder,
      evidence: this.evidence,
      eve: this.eve,
      fleet: this.fleet,
      disk: this.disk,
      detection: this.detection,
      rights: this.rights,
      processes: this.processes,
      channels: this.channels,
      pendingAlerts: this.pendingAlerts,
      workerRestarts: this.workerRestarts,
      behindS: this.behindS,
      rssBytes: Deno.memoryUsage().rss,
      cpuCores: this.cpuCores,
      drops: this.drops(),
    };
  }

  drops(): Drops {
    const sum = (key: "kernelDrops" | "interfaceDrops" | "queueDrops") =>
      this.sources.reduce((total, source) => total + source[key], 0);
    return {
      kernel: sum("kernelDrops"),
      interface: sum("interfaceDrops"),
      queue: sum("queueDrops"),
      recorder: (this.snapshot?.recorderDrops ?? 0) + this.recorder.packetsLost,
      store: (this.snapshot?.packetRowsShed ?? 0) + (this.snapshot?.flowRowsShed ?? 0) +
        this.store.rowsLost + this.store.rowsHeldBack + this.findingsLost,
    };
  }

  /** Calls `listener` for each event until the returned function is called. */
  subscribe(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(event: LiveEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
