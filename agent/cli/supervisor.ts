/**
 * Starts the worker threads, joins them with message ports, feeds the live state from what they say, restarts what
 * crashes, and stops them in order: sources, pipeline, detectors, recorder, store and EVE log, so that everything in flight
 * is written.
 *
 * A crashed store, recorder, detect or EVE thread is replaced alone. A crashed source too. A crashed pipeline takes its sources
 * with it, because their buffers were lost with it, and the detectors, because its flows begin anew.
 */
import type { Config } from "../config.ts";
import {
  CaptureFormatError,
  messageOf,
  MissingError,
  RunError,
  type TapwatchError,
  UsageError,
} from "../errors.ts";
import type { GeoFile } from "../geo/places.ts";
import type { LiveState } from "../live_state.ts";
import type { Log } from "../log.ts";
import type {
  AlertsMessage,
  CaptureOptions,
  DiskMessage,
  FatalMessage,
  NoteMessage,
  PipelineToMain,
  PipelineWorkerOptions,
  SourceToMain,
  StoreToMain,
} from "../messages.ts";
import type { OpenFlows, OpenFlowsQuery } from "../search/open_flows.ts";
import type { CaptureSourceState, StoreState } from "../records.ts";
import type { StoreQueries } from "../store/queries.ts";
import { flowCountMax } from "./common_settings.ts";
import { DetectHost } from "./detect_host.ts";
import { EveHost } from "./eve_host.ts";
import { FleetHost } from "./fleet_host.ts";
import { captureOptions, type Input } from "./input.ts";
import { earlierFindings, readEarlierIncidents } from "./earlier_incidents.ts";
import { HostNames } from "./host_names.ts";
import { addressesOf, ownNetworks, watchOwnNetworks } from "./own_networks.ts";
import { OpenFlowsDesk } from "./open_flows_desk.ts";
import { Notes } from "./notes.ts";
import { PipelineGroup } from "./pipeline_group.ts";
import { joinSources } from "./pipeline_join.ts";
import { looksForProcesses, ProcessHost } from "./process_host.ts";
import { RecorderHost } from "./recorder_host.ts";
import { databasePath } from "./results_folder.ts";
import { WorkerHost } from "./worker_host.ts";

interface SupervisorOptions {
  readonly config: Config;
  readonly input: Input;
  readonly live: LiveState;
  readonly log: Log;
  /** Reads what the store has written. */
  readonly queries: StoreQueries;
  /** A store thread has begun, the first one or in place of one that crashed; and it has answered an AlertsMessage. */
  readonly onStoreBegan: () => void;
  readonly onAlertsTaken: (sequence: number, isWritten: boolean) => void;
}

/** Longest that the packets' way may take to stop, and that the writers then may, before they are ended. */
const drainMs = 3500;
const writeMs = 1200;
const fleetMs = 2500;
/** So long without a word a pipeline counts as behind; it is looked at so often. */
const silentSMax = 3;
const silenceMs = 1000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #notes: Notes;
  readonly #sources: WorkerHost<SourceToMain>[] = [];
  readonly #pipelines: PipelineGroup;
  readonly #recorder: RecorderHost;
  readonly #store: WorkerHost<StoreToMain>;
  /** What the threads of the store before this one had counted. */
  #storeBefore: StoreState;
  readonly #detect: DetectHost;
  readonly #eve: EveHost | null;
  readonly #fleet: FleetHost | null;
  /** Of live capture. */
  readonly #processes: ProcessHost | null;
  readonly #pipelineStopped = Promise.withResolvers<void>();
  #storeStopped = Promise.withResolvers<void>();
  readonly #storeReady = Promise.withResolvers<void>();
  readonly #failure = Promise.withResolvers<never>();
  #stopping: Promise<void> | null = null;
  #hasGivenUp = false;
  /** What a store does from now on has nothing to do with the file. */
  #isFileOver = false;
  #stopWatching = () => {};
  #geoFiles: readonly GeoFile[] = [];
  #blocklists: readonly string[];
  readonly #openFlows = new OpenFlowsDesk((sequence, query) => {
    if (this.#pipelines.isRunning) this.#pipelines.post({ type: "openFlows", sequence, query });
    return this.#pipelines.isRunning;
  });

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#notes = new Notes(options.live, options.log);
    this.#blocklists = options.config.blocklists;
    this.#failure.promise.catch(() => {}); // raised where `failure` is awaited
    this.#pipelines = this.#makePipelines();
    this.#recorder = this.#makeRecorder();
    this.#storeBefore = options.live.store;
    this.#store = this.#makeStore();
    this.#eve = options.config.hasEveLog ? this.#makeEve() : null;
    this.#fleet = options.config.fleetServers.length > 0 ? this.#makeFleet() : null;
    this.#processes = looksForProcesses(options.config, options.input.kind === "live")
      ? this.#makeProcesses()
      : null;
    this.#detect = this.#makeDetect();
    const { input } = options;
    const count = input.kind === "live" ? input.devices.length : 1;
    for (let id = 0; id < count; id++) {
      for (let thread = 0; thread < this.#pipelines.count; thread++) {
        this.#sources.push(this.#makeSource(id, thread));
      }
    }
  }

  /** Rejects with the error that ends the program, if one comes. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Resolves when all sources have ended and all they brought is handed on. */
  get drained(): Promise<void> {
    return this.#pipelineStopped.promise.then(() => this.#detect.drain());
  }

  /**
   * Makes the thread that start() waits for, and those that capture, unless root is to be given up before: call it when there
   * is something else to do before that.
   */
  prepare(): void {
    this.#store.prepare();
    const { config, input } = this.#options;
    if (input.kind !== "live" || config.user !== null) return;
    for (const source of this.#sources) source.prepare();
  }

  /**
   * Starts all threads; resolves when the database is open, before which nothing else is touched. Rejects with the
   * failure that stands against it.
   */
  async start(): Promise<void> {
    this.#store.start();
    await Promise.race([this.#storeReady.promise, this.#failure.promise]);
    this.#restoreIncidents();
    this.#recorder.start();
    this.#eve?.start();
    this.#fleet?.start();
    this.#pipelines.start();
    this.#eve?.join(this.#options.live.storeRun);
    // What they bring waits in the pipeline for the detectors.
    for (const source of this.#sources) source.start();
    this.#detect.start();
    if (this.#options.input.kind !== "live") return;
    const stopNetworks = watchOwnNetworks((networks) => {
      this.#pipelines.post({ type: "ownNetworks", networks });
      this.#detect.tellOwn(addressesOf(networks));
    });
    const silence = setInterval(() => this.#lookForSilence(), silenceMs);
    this.#stopWatching = () => {
      stopNetworks();
      clearInterval(silence);
    };
  }

  #lookForSilence(): void {
    const { live } = this.#options;
    if (this.#pipelines.silentS <= silentSMax) return;
    live.behindS = this.#behind(live.behindS);
    live.publish({ type: "stats", data: live.statsEvent() });
  }

  /** A pipeline that says nothing cannot say that it is behind. */
  #behind(toldS: number): number {
    const { silentS } = this.#pipelines;
    return silentS > silentSMax ? Math.max(toldS, silentS) : toldS;
  }

  /** Flows under way; none when the pipeline is gone, or has no time to answer. */
  openFlows(query: OpenFlowsQuery): Promise<OpenFlows> {
    return this.#openFlows.ask(query);
  }

  /** Tells those who write what may still grow, as the live state has it. */
  tellDisk(): void {
    this.#recorder.tellDisk(this.#diskMessage);
    this.#fleet?.tellDisk(this.#diskMessage);
    this.#eve?.tellDisk(this.#diskMessage);
    this.#store.post(this.#diskMessage);
  }

  get #diskMessage(): DiskMessage {
    return { type: "disk", step: this.#options.live.disk.step };
  }

  /** These hold from now on; those that hold already are read again if they have changed. */
  setBlocklists(paths: readonly string[]): void {
    this.#blocklists = paths;
    if (this.#pipelines.isRunning) {
      this.#pipelines.post({ type: "observesNames", value: paths.length > 0 });
    }
    this.#detect.setBlocklists(paths);
  }

  /** For searches of flows under way. */
  setGeoFiles(files: readonly GeoFile[]): void {
    this.#geoFiles = files;
    if (this.#pipelines.isRunning) this.#pipelines.post({ type: "geo", files });
    if (this.#store.isRunning) this.#store.post({ type: "geo", files });
  }

  /** Gives the store what it alone may write, behind the incidents that it is about. */
  sendToStore(message: AlertsMessage): void {
    const incidentIds = message.alerts.flatMap(({ incidentId }) => incidentId ?? []);
    this.#detect.sendBehind(incidentIds, () => this.#store.post(message));
  }

  /** Stops all threads in order, with everything written. Calling again waits for the same end. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopInOrder();
    return this.#stopping;
  }

  /** What the fleet is told, and how much may wait for it. */
  setFleet(config: Pick<Config, "fleetLevel" | "fleetSpoolMb">): void {
    this.#fleet?.reload(config);
  }

  /** After stop(): what was written last is sent, or waits in the spool for the next start. */
  async stopFleet(): Promise<void> {
    if (this.#fleet === null) return;
    await this.#within(fleetMs, this.#fleet.stop());
    this.#fleet.terminate();
  }

  /** After stop(), while the dashboard stays: people may still mute and acknowledge. Ended by another stop(). */
  async reopenStore(): Promise<void> {
    await this.#stopping;
    this.#stopping = null;
    this.#isFileOver = true;
    this.#storeStopped = Promise.withResolvers<void>();
    this.#store.start();
  }

  async #stopInOrder(): Promise<void> {
    this.#stopWatching();
    for (const source of this.#sources) source.post({ type: "stop" });
    if (this.#pipelines.isRunning) await this.#within(drainMs, this.drained);
    this.#pipelines.terminate();
    this.#processes?.end();
    this.#detect.end();
    for (const source of this.#sources) source.terminate();
    this.#store.post({ type: "stop" });
    await this.#within(
      writeMs,
      Promise.all([
        this.#recorder.stop(),
        this.#store.isRunning && this.#storeStopped.promise,
        this.#eve?.stop(),
      ]),
    );
    this.#eve?.terminate();
    this.#recorder.terminate();
    this.#store.terminate();
  }

  /** Whether something in flight was left behind at the end. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  /** Waits for `promise`, but not longer than `ms`. */
  async #within(ms: number, promise: Promise<unknown>): Promise<void> {
    const { promise: timeout, resolve } = Promise.withResolvers<"late">();
    const timer = setTimeout(() => resolve("late"), ms);
    if (await Promise.race([promise, timeout]) === "late") {
      this.#hasGivenUp = true;
      this.#options.log.warning(
        "Not everything in flight could be written in time; what is left is given up.",
      );
    }
    clearTimeout(timer);
  }

  /** A database that cannot be read now may be written later: then incidents begin anew. */
  #restoreIncidents(): void {
    try {
      const { queries, live } = this.#options;
      this.#detect.restore(readEarlierIncidents(queries), queries.lastFindingId(live.storeRun));
    } catch (error) {
      const reason = messageOf(error);
      this.#notes.warn(`Incidents of earlier runs are not continued: ${reason}.`);
    }
  }

  /** Devices that have been open in this run. */
  readonly #opened = new Set<number>();

  /** What each thread of a device has said, by `interfaceId`. */
  readonly #sourceStates = new Map<number, (CaptureSourceState | undefined)[]>();

  /** `thread` is which part of a device's packets it takes, and the pipeline that it brings them to. */
  #makeSource(interfaceId: number, thread: number): WorkerHost<SourceToMain> {
    const { input, config } = this.#options;
    const isLive = input.kind === "live";
    const suffix = this.#pipelines.count === 1 ? "" : `, thread ${thread + 1}`;
    return new WorkerHost<SourceToMain>({
      name: isLive ? `capture (${input.devices[interfaceId]}${suffix})` : "replay",
      spawn: () =>
        isLive
          ? new Worker(new URL("../capture/capture_worker.ts", import.meta.url), { type: "module" })
          : new Worker(new URL("../capture/replay_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => {
        const { port1, port2 } = new MessageChannel();
        this.#pipelines.postTo(thread, { type: "source", interfaceId, port: port1 }, [port1]);
        const options = isLive
          ? {
            ...captureOptions(config, input.devices[interfaceId]!, interfaceId),
            ...this.#shareOptions(interfaceId),
            wasOpen: this.#opened.has(interfaceId),
          }
          : { path: input.path, speed: input.speed };
        worker.postMessage({ type: "start", options, pipeline: port2 }, [port2]);
      },
      onMessage: (message) => this.#onSourceMessage(message, thread),
      onCrash: (text) => {
        this.#leaveGroup(interfaceId);
        this.#notes.crashed(text);
      },
    });
  }

  readonly #fanoutIds = new Map<number, number>();

  /** A thread has crashed, and its socket may go on taking its part of the packets: the other threads form a group without it. */
  #leaveGroup(interfaceId: number): void {
    if (!this.#fanoutIds.delete(interfaceId)) return;
    const { count } = this.#pipelines;
    const threads = this.#sources.slice(interfaceId * count, (interfaceId + 1) * count);
    for (const thread of threads) if (thread.isRunning) thread.restart({ type: "abandon" });
  }

  /** Of one of several threads of a device: the group of sockets that share its packets, and its part of the ring. */
  #shareOptions(interfaceId: number): Partial<CaptureOptions> {
    const { count } = this.#pipelines;
    if (count === 1) return {};
    const id = this.#fanoutIds.get(interfaceId) ?? crypto.getRandomValues(new Uint16Array(1))[0];
    this.#fanoutIds.set(interfaceId, id);
    const bufferBytes = Math.ceil(this.#options.config.bufferMb * 2 ** 20 / count);
    return { share: { id, count }, bufferBytes };
  }

  /** Sockets of a thread that ends stay open, and would go on taking their part, unless it closes them. */
  #restartSources(): void {
    this.#fanoutIds.clear();
    const isLive = this.#options.input.kind === "live";
    for (const source of this.#sources) source.restart(isLive ? { type: "stop" } : undefined);
  }

  #makePipelines(): PipelineGroup {
    let isFirst = true;
    const { config } = this.#options;
    return new PipelineGroup({
      count: config.captureThreads,
      spawn: () =>
        new Worker(new URL("../pipeline/pipeline_worker.ts", import.meta.url), { type: "module" }),
      begin: (workers) => {
        const { length: count } = workers;
        workers.forEach((worker, index) => {
          const options = pipelineOptions(this.#options, { index, count });
          worker.postMessage({
            type: "start",
            options: { ...options, observesNames: this.#blocklists.length > 0 },
            sourceCount: this.#sources.length / count,
          });
          worker.postMessage({ type: "geo", files: this.#geoFiles });
        });
        // Flows of other pipelines count from 1 again: the store begins a new run.
        if (!isFirst) {
          this.#options.live.storeRun = 0;
          this.#eve?.leave();
        }
        if (config.pcapFiles > 0) this.#joinToPipelines("recorder");
        this.#joinToPipelines("store");
        if (!isFirst) {
          this.#detect.start();
          this.#restartSources();
        }
        isFirst = false;
      },
      onMessage: (message) => this.#onPipelineMessage(message),
      onCrash: (text) => {
        this.#detect.terminate();
        this.#notes.crashed(text);
      },
    });
  }

  /** A channel to each pipeline: this thread's ends, and the pipelines'. */
  #channels(): { own: MessagePort[]; far: MessagePort[] } {
    const channels = Array.from({ length: this.#pipelines.count }, () => new MessageChannel());
    return { own: channels.map(({ port1 }) => port1), far: channels.map(({ port2 }) => port2) };
  }

  #makeRecorder(): RecorderHost {
    const { config, live } = this.#options;
    return new RecorderHost({
      config,
      live,
      joinPipelines: () => {
        const { own, far } = this.#channels();
        this.#offer("recorder", far);
        return own;
      },
      onNote: (message) => this.#onOtherMessage(message),
      onCrash: this.#notes.crashed,
    });
  }

  #makeStore(): WorkerHost<StoreToMain> {
    const { config, input } = this.#options;
    return new WorkerHost<StoreToMain>({
      name: "store",
      spawn: () =>
        new Worker(new URL("../store/store_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => {
        const { own, far } = this.#channels();
        const options = {
          path: databasePath(config.resultsFolder),
          retentionDays: config.retentionDays,
          historyDays: config.historyDays,
          retentionBytes: config.retentionMb * 1e6,
          continuedRun: this.#options.live.storeRun,
          file: input.kind === "file" && !this.#isFileOver ? input.file : null,
          feedsFleet: config.fleetServers.length > 0,
        };
        this.#storeBefore = this.#options.live.store;
        worker.postMessage({ type: "geo", files: this.#geoFiles });
        worker.postMessage({ type: "start", options, pipelines: own }, own);
        worker.postMessage(this.#diskMessage);
        this.#detect.storeBegan();
        this.#options.onStoreBegan();
        this.#offer("store", far);
      },
      onMessage: (message) => {
        if (message.type === "state") {
          this.#options.live.store = addCounts(message.state, this.#storeBefore);
          this.#options.live.storeRun = message.run;
          if (this.#isPipelineUp) this.#eve?.setRun(message.run);
          this.#storeReady.resolve();
        } else if (message.type === "stopped") this.#storeStopped.resolve();
        else if (message.type === "findingsTaken") this.#detect.storeTook(message.sequence);
        else if (message.type === "firstContacts") {
          if (config.hasFirstContactFindings) this.#detect.takeFirstContacts(message.contacts);
        } else if (message.type === "alertsTaken") {
          this.#options.onAlertsTaken(message.sequence, message.isWritten);
        } else this.#onOtherMessage(message);
      },
      onCrash: this.#notes.crashed,
    });
  }

  #makeEve(): EveHost {
    const { config, live } = this.#options;
    return new EveHost({
      config,
      live,
      pipelineCount: this.#pipelines.count,
      joinPipeline: (index, port, firstFlowId) =>
        this.#pipelines.postTo(
          index,
          { type: "eve", port, firstFlowId },
          port === null ? [] : [port],
        ),
      onNote: (message) => this.#onOtherMessage(message),
      onCrash: this.#notes.crashed,
    });
  }

  #makeFleet(): FleetHost {
    const { config, live } = this.#options;
    return new FleetHost({
      config,
      live,
      onFed: (throughId) => this.#store.post({ type: "fed", throughId }),
      onNote: (message) => this.#onOtherMessage(message),
      onCrash: this.#notes.crashed,
    });
  }

  #makeProcesses(): ProcessHost {
    const { config, live } = this.#options;
    return new ProcessHost({
      config,
      live,
      pipelineCount: this.#pipelines.count,
      joinPipeline: (index, port) =>
        this.#pipelines.postTo(index, { type: "process", port }, [port]),
      onContacts: () => this.#detect.nameProcesses(),
      onNote: (message) => this.#onOtherMessage(message),
    });
  }

  #makeDetect(): DetectHost {
    const { config, live, input, queries } = this.#options;
    return new DetectHost({
      config,
      live,
      isLive: input.kind === "live",
      pipelineCount: this.#pipelines.count,
      joinPipeline: (index, port) =>
        this.#pipelines.postTo(index, { type: "detect", port }, [port]),
      sendToStore: (message) => this.#store.post(message),
      tellSuspects: (addresses) => this.#pipelines.post({ type: "suspects", addresses }),
      onNote: (message) => this.#onOtherMessage(message),
      onCrash: this.#notes.crashed,
      onFinding: (finding) => this.#recorder.take(finding),
      eveLines: this.#eve?.lines ?? null,
      names: new HostNames(live, queries),
      lookForProcesses: () => this.#processes?.begin() ?? null,
      onProcessNews: (news) => this.#processes?.take(news),
      processOf: (finding) => this.#processes?.processOf(finding),
      awaitsProcess: (finding) => this.#processes?.awaitsProcess(finding) ?? false,
      earlier: earlierFindings(queries, this.#notes.warn),
    });
  }

  /** Ports of recorder and store that wait for the pipelines to be started. */
  readonly #offered = new Map<"recorder" | "store", MessagePort[]>();
  #isPipelineUp = false;

  #offer(part: "recorder" | "store", ports: MessagePort[]): void {
    if (this.#isPipelineUp) this.#hand(part, ports);
    else this.#offered.set(part, ports);
  }

  #hand(part: "recorder" | "store", ports: readonly MessagePort[]): void {
    ports.forEach((port, index) => this.#pipelines.postTo(index, { type: part, port }, [port]));
  }

  #joinToPipelines(part: "recorder" | "store"): void {
    const ports = this.#offered.get(part);
    this.#offered.delete(part);
    this.#isPipelineUp = true;
    if (ports) this.#hand(part, ports);
    else (part === "recorder" ? this.#recorder : this.#store).restart();
  }

  #onSourceMessage(message: SourceToMain, thread: number): void {
    const { live } = this.#options;
    if (message.type === "state") {
      const { state } = message;
      if (state.state === "capturing") this.#opened.add(state.interfaceId);
      const states = this.#sourceStates.get(state.interfaceId) ?? [];
      states[thread] = state;
      this.#sourceStates.set(state.interfaceId, states);
      live.setSource(joinSources(states.filter((one) => one !== undefined)));
      return;
    }
    // All threads of a device have the same to say of it.
    const isSaid = message.type === "note" && thread > 0;
    if (message.type !== "stopped" && !isSaid) this.#onOtherMessage(message);
  }

  #onPipelineMessage(message: PipelineToMain): void {
    const { live } = this.#options;
    if (message.type === "stopped") return this.#pipelineStopped.resolve();
    if (message.type === "openFlows") {
      return this.#openFlows.answer(message.sequence, message.flows);
    }
    if (message.type === "hearsay") return; // there is nobody else
    if (message.type !== "snapshot") return this.#onOtherMessage(message);
    live.behindS = this.#behind(message.behindS);
    live.setSnapshot(message.snapshot, message.seconds);
    this.#eve?.takeSeconds(message.seconds);
    const { kernel, interface: atInterface, queue } = live.drops();
    this.#pipelines.tellDrops({ type: "drops", kernel, interface: atInterface, queue });
  }

  #onOtherMessage(message: NoteMessage | FatalMessage): void {
    if (message.type === "fatal") this.#failure.reject(errorOf(message));
    else this.#notes.note(message.severity, message.text);
  }
}

function pipelineOptions(
  { config, input }: SupervisorOptions,
  part: PipelineWorkerOptions["part"],
): Omit<PipelineWorkerOptions, "observesNames"> {
  return {
    flowCountMax: Math.ceil(flowCountMax / part.count),
    part,
    rowPolicy: config.logPackets,
    isLive: input.kind === "live",
    homeNets: config.homeNets,
    vxlanPorts: config.vxlanPorts,
    ownNetworks: input.kind === "live" ? ownNetworks() : [],
    writesEve: config.hasEveLog,
    namesProcesses: looksForProcesses(config, input.kind === "live"),
  };
}

function errorOf({ message, exitCode }: FatalMessage): TapwatchError {
  if (exitCode === 2) return new UsageError(message);
  if (exitCode === 3) return new MissingError(message);
  if (exitCode === 4) return new CaptureFormatError(message);
  return new RunError(message);
}

/** A store's state with what was counted before it. */
function addCounts(state: StoreState, before: StoreState): StoreState {
  return {
    ...state,
    rowsWritten: state.rowsWritten + before.rowsWritten,
    rowsLost: state.rowsLost + before.rowsLost,
    rowsRemoved: state.rowsRemoved + before.rowsRemoved,
    findingsRemoved: state.findingsRemoved + before.findingsRemoved,
    rowsHeldBack: state.rowsHeldBack + before.rowsHeldBack,
  };
}
