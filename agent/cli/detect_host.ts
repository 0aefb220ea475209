/**
 * The detectors' thread as the supervisor has it: started, joined to the pipeline, started again when it crashes, and
 * what it finds handed on to the live state, to the store, and as suspects to the pipeline.
 *
 * Detectors know only what they have seen: when their thread is lost, what it held open is over. Ids of findings go on
 * rising, so that nothing found before is overwritten.
 */
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { FindingLines } from "../eve/finding_lines.ts";
import type { LiveState } from "../live_state.ts";
import type {
  DetectOptions,
  DetectToMain,
  FindingsMessage,
  LookForProcesses,
  NoteMessage,
  ProcessNews,
  WindowsMessage,
} from "../messages.ts";
import { IncidentBook, type OpenIncident } from "../incident/incident_book.ts";
import { remember } from "../process/remember.ts";
import type { Finding, FirstContactNews, FlowProcess, Incident, IncidentNews } from "../records.ts";
import { FLOWS_PER_RUN } from "../store/schema.ts";
import { fileSeed } from "./common_settings.ts";
import { withProcess } from "../text/processes.ts";
import { addressesOf, ownNetworks } from "./own_networks.ts";
import { FindingOutlet } from "./finding_outlet.ts";
import { FirstContactFindings } from "./first_contact_findings.ts";
import type { HostNames } from "./host_names.ts";
import { KnownFindings } from "./known_findings.ts";
import { UnnamedFindings } from "./unnamed_findings.ts";
import { WorkerHost } from "./worker_host.ts";

interface DetectHostOptions {
  readonly config: Config;
  readonly isLive: boolean;
  readonly live: LiveState;
  readonly pipelineCount: number;
  readonly joinPipeline: (index: number, port: MessagePort) => void;
  readonly sendToStore: (message: FindingsMessage | WindowsMessage) => void;
  /** Told when the sources of open findings change. */
  readonly tellSuspects: (addresses: readonly string[]) => void;
  /** A finding, as its row is to have it, has opened, changed or ended. */
  readonly onFinding: (finding: Finding) => void;
  readonly onNote: (message: NoteMessage) => void;
  readonly onCrash: (text: string) => void;
  /** The EVE log's; null without one. */
  readonly eveLines: FindingLines | null;
  readonly names: HostNames;
  /** What the thread needs to look for the processes of this host too; null when it does not. Asked of each that begins. */
  readonly lookForProcesses: () => LookForProcesses | null;
  readonly onProcessNews: (news: ProcessNews) => void;
  /** The process of this host that did what a finding tells of, as far as it is known by now. */
  readonly processOf: (finding: Finding) => FlowProcess | undefined;
  /** Whether it may be known in a moment. */
  readonly awaitsProcess: (finding: Finding) => boolean;
  readonly earlier: EarlierFindings;
}

/** What earlier runs have left in the database. */
export interface EarlierFindings {
  /** As KnownFindingsOptions has it. */
  readonly find: (finding: Finding, fromUs: number, toUs: number) => readonly Finding[];
  /** The incident of one of them; else the one of the same actor, up to a number, that a finding goes on with. */
  readonly incidentOf: (finding: Finding, lastId: number) => OpenIncident | null;
}

/** What an earlier run left: incidents that may go on, and the highest number of any. */
export interface EarlierIncidents {
  readonly open: readonly OpenIncident[];
  readonly lastId: number;
}

interface ToldIncident {
  readonly incident: Incident;
  /** As it is to be told with the names that are known now. */
  readonly describe: () => Incident;
}

const suspectsMax = 1024;
/** Incidents of a file that are remembered. */
const toldMax = 1000;

/** Where the model of an earlier run is. */
export function modelPath(resultsFolder: string): string {
  return join(resultsFolder, "model.bin");
}

export class DetectHost {
  readonly #options: DetectHostOptions;
  readonly #worker: WorkerHost<DetectToMain>;
  readonly #outlet: FindingOutlet;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #open = new Map<number, Finding>();
  /** The same as the detectors told them, without their processes. */
  readonly #found = new Map<number, Finding>();
  readonly #book: IncidentBook;
  readonly #known: KnownFindings;
  readonly #unnamed: UnnamedFindings;
  readonly #firstContacts = new FirstContactFindings();
  /** Of a file: incidents as they were told last. */
  readonly #told = new Map<number, ToldIncident>();
  /** What the book has told since it was asked last. */
  #news: IncidentNews[] = [];
  #lastIncidentId = 0;
  #earlierIncidentId = 0;
  #lastFindingId = 0;
  /** Of open findings: their number by that which the detectors' thread gave them. */
  readonly #ids = new Map<number, number>();
  /** The highest number of a finding that an earlier run left under the number of this one. */
  #earlierFindingId = 0;
  /** Of a file: when its newest finding was detected. */
  #detectedUs = -Infinity;
  #isDraining = false;
  #blocklists: readonly string[];
  #findingCount = 0;
  /** What threads that were lost had counted. */
  #countedBefore = { observations: 0, forgotten: 0 };

  constructor(options: DetectHostOptions) {
    this.#options = options;
    this.#blocklists = options.config.blocklists;
    this.#outlet = new FindingOutlet(options.sendToStore);
    this.#book = new IncidentBook({
      nextId: () => ++this.#lastIncidentId,
      nameOf: (address) => options.names.nameOf(address),
      report: ({ id, describe, joined, absorbedIds }) => {
        const incident = describe();
        this.#news.push({ incident, joined, absorbedIds });
        if (options.isLive) return;
        for (const absorbed of absorbedIds) this.#told.delete(absorbed);
        remember(this.#told, id, { incident, describe }, toldMax);
      },
    });
    this.#known = new KnownFindings({
      find: options.earlier.find,
      firstOwnRow: () => options.live.storeRun * FLOWS_PER_RUN + this.#earlierFindingId + 1,
    });
    this.#unnamed = new UnnamedFindings({
      awaitsProcess: options.awaitsProcess,
      tell: (found) => this.#take(found),
    });
    this.#worker = new WorkerHost<DetectToMain>({
      name: "detect",
      spawn: () =>
        new Worker(new URL("../detect/detect_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => this.#begin(worker),
      onMessage: (message) => this.#onMessage(message),
      onCrash: (text) => {
        this.#giveUpOpen();
        if (this.#isDraining) this.#stopped.resolve();
        options.onCrash(text);
      },
    });
  }

  start(): void {
    this.#worker.start();
  }

  /** Takes up what earlier runs have left; before the first finding. `lastFindingId` is that within this run's number. */
  restore({ open, lastId }: EarlierIncidents, lastFindingId: number): void {
    this.#lastIncidentId = this.#earlierIncidentId = lastId;
    this.#earlierFindingId = this.#lastFindingId = lastFindingId;
    this.#book.restore(open);
    this.#options.eveLines?.restore(open.map(({ incident }) => incident));
  }

  /** The pipeline is lost, and with it what this thread was told of flows. Start it again with the next pipeline. */
  terminate(): void {
    this.#worker.terminate({ type: "leave" });
    this.#giveUpOpen();
  }

  /** The addresses of this host are others now. */
  tellOwn(addresses: readonly string[]): void {
    this.#worker.post({ type: "ownAddresses", addresses });
  }

  setBlocklists(paths: readonly string[]): void {
    this.#blocklists = paths;
    this.#worker.post({ type: "blocklists", paths });
  }

  /** The pipeline has ended: resolves when the last observation has been judged, or nobody is left to do it. */
  drain(): Promise<void> {
    this.#isDraining = true;
    if (!this.#worker.isRunning) this.#stopped.resolve();
    return this.#stopped.promise;
  }

  /** Ends the thread and sends the store all that is left, before it is told to stop. */
  end(): void {
    this.#worker.terminate();
    this.#giveUpOpen();
    // A live link goes on at the next start, and with it what is open; a file has an end.
    if (!this.#options.isLive) {
      this.#options.names.askAgain();
      this.#book.finish();
      this.#nameAgain();
    }
    this.#tellNews();
    this.#outlet.flush();
  }

  /** A store has taken the place of one that crashed. */
  storeBegan(): void {
    this.#outlet.resend();
  }

  storeTook(sequence: number): void {
    this.#outlet.taken(sequence);
  }

  /** As FindingOutlet has it. */
  sendBehind(incidentIds: readonly number[], send: () => void): void {
    this.#outlet.sendBehind(incidentIds, send);
  }

  #begin(worker: Worker): void {
    this.#ids.clear();
    const { config, isLive } = this.#options;
    const { pipelineCount, joinPipeline } = this.#options;
    const channels = Array.from({ length: pipelineCount }, () => new MessageChannel());
    const pipelines = channels.map(({ port1 }) => port1);
    const options: DetectOptions = {
      isLive: true,
      anomalyQuantile: config.anomalyQuantile,
      seed: isLive ? crypto.getRandomValues(new Uint32Array(1))[0] : fileSeed,
      // A replay must not teach the model of the live link, which may share the folder, nor be judged by it.
      modelPath: isLive ? modelPath(config.resultsFolder) : null,
      blocklists: this.#blocklists,
      ownAddresses: isLive ? addressesOf(ownNetworks()) : [],
    };
    worker.postMessage({ type: "start", options, pipelines }, pipelines);
    channels.forEach(({ port2 }, index) => joinPipeline(index, port2));
    const look = this.#options.lookForProcesses();
    if (look !== null) worker.postMessage({ type: "processes", look }, [...look.pipelines]);
  }

  #onMessage(message: DetectToMain): void {
    if (message.type === "findings") {
      for (const each of message.findings) {
        const found = this.#numbered(each);
        this.#unnamed.take(found, !this.#open.has(found.id));
      }
    } else if (message.type === "state") this.#setState(message.state);
    else if (message.type === "windows") this.#options.sendToStore(message);
    else if (message.type === "processes") this.#options.onProcessNews(message.news);
    else if (message.type === "stopped") {
      this.#unnamed.endAll();
      this.#stopped.resolve();
    } else this.#options.onNote(message);
  }

  /** What devices did for the first time, as findings that are over when they are told. */
  takeFirstContacts(contacts: readonly FirstContactNews[]): void {
    for (const found of this.#firstContacts.findingsOf(contacts)) {
      this.#take({ ...found, id: ++this.#lastFindingId });
    }
  }

  /** The detectors' thread counts by itself, and again when it is started again. */
  #numbered(found: Finding): Finding {
    const id = this.#ids.get(found.id) ?? ++this.#lastFindingId;
    if (found.isOpen) this.#ids.set(found.id, id);
    else this.#ids.delete(found.id);
    return { ...found, id };
  }

  #setState(state: LiveState["detectionOwn"]): void {
    const nowUs = this.#options.live.snapshot?.tsUs;
    // Of a file the pipeline may be hours ahead.
    if (nowUs !== undefined && this.#options.isLive) {
      this.#book.advance(nowUs);
      this.#tellNews();
    }
    const before = this.#countedBefore;
    this.#options.live.detectionOwn = {
      ...state,
      observations: state.observations + before.observations,
      forgotten: state.forgotten + before.forgotten,
      findings: this.#findingCount,
      findingsOpen: this.#open.size,
    };
  }

  /** More is known of who began what: open findings that have another process now, or one at last, are told again. */
  nameProcesses(): void {
    this.#unnamed.look();
    for (const found of [...this.#found.values()]) {
      const process = this.#options.processOf(found);
      const before = this.#open.get(found.id)?.process;
      if (process === undefined) continue;
      if (process.name !== before?.name || process.user !== before.user) this.#take(found);
    }
  }

  #take(found: Finding): void {
    const { live, processOf } = this.#options;
    const { id, isOpen } = found;
    const before = this.#open.get(id);
    const process = processOf(found) ?? before?.process;
    const told = process === undefined || found.process ? found : withProcess(found, process);
    if (isOpen) this.#found.set(id, found);
    else this.#found.delete(id);
    if (before === undefined) this.#findingCount++;
    if (isOpen) this.#open.set(id, told);
    else this.#open.delete(id);
    const { finding, isNews } = this.#known.recognise(told);
    live.setFinding(finding);
    this.#options.onFinding(finding);
    // One that goes on in an earlier run's row has that one's number.
    if (isNews) this.#keep(finding, before === undefined && finding.id === id);
    live.findingsLost = this.#outlet.lostCount;
    const haveSourcesChanged = before?.sourceCount !== told.sourceCount;
    if (isOpen !== (before !== undefined) || isOpen && haveSourcesChanged) this.#tellSuspects();
  }

  /** What a finding means for incidents, and both to the store. */
  #keep(finding: Finding, isFirst: boolean): void {
    const { isLive, earlier } = this.#options;
    if (!isLive) {
      this.#detectedUs = Math.max(this.#detectedUs, finding.detectedUs);
      this.#book.advance(this.#detectedUs);
    }
    if (!this.#book.holds(finding)) {
      const incident = earlier.incidentOf(finding, this.#earlierIncidentId);
      if (incident !== null) {
        this.#book.restore([incident]);
        this.#options.eveLines?.restore([incident.incident]);
      }
    }
    this.#book.take(finding);
    if (isFirst) this.#options.eveLines?.finding(finding, this.#news);
    this.#tellNews(finding);
  }

  /** What is new about incidents, and the finding that brought it: to the store first, so that alerts about them come behind. */
  #tellNews(finding: Finding | null = null): void {
    const news = this.#news;
    this.#news = [];
    if (finding === null) this.#outlet.addIncidents(news);
    else this.#outlet.add(finding, news);
    for (const { incident, joined, absorbedIds } of news) {
      const findings = joined.map(({ finding }) => finding);
      this.#options.live.setIncident({ incident, joined: findings, absorbedIds });
    }
    this.#options.eveLines?.incidents(news);
  }

  /** A file is read faster than its names are stored: what was over before is told with those that are known by now. */
  #nameAgain(): void {
    for (const { incident: before, describe } of this.#told.values()) {
      const incident = describe();
      const isRenamed = incident.headline !== before.headline ||
        incident.actorName !== before.actorName || incident.detail !== before.detail;
      if (isRenamed) this.#news.push({ incident, joined: [], absorbedIds: [] });
    }
    this.#told.clear();
  }

  /** Nobody is left to close what is open. */
  #giveUpOpen(): void {
    this.#unnamed.endAll();
    const { observations, forgotten } = this.#options.live.detectionOwn;
    this.#countedBefore = { observations, forgotten };
    for (const finding of [...this.#open.values()]) this.#take({ ...finding, isOpen: false });
  }

  #tellSuspects(): void {
    if (this.#options.config.logPackets !== "anomalous") return;
    const sources = [...this.#open.values()].flatMap((finding) => finding.sources);
    this.#options.tellSuspects([...new Set(sources)].slice(-suspectsMax));
  }
}
