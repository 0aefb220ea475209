/**
 * The messages between the threads. Packets travel as pcap records in pooled buffers that are transferred, never
 * copied, and always find their way back to the source that owns them:
 *
 *     source worker --batch--> pipeline worker --record--> recorder worker
 *          ^------return------------'   ^------return-----------'
 *     pipeline worker --rows--> store worker --ack--> pipeline worker
 *     pipeline worker --observations--> detect worker --return--> pipeline worker
 *     detect worker --finding--> main thread --findings--> store worker --findingsTaken--> main thread
 *     store worker --firstContacts--> main thread
 *     pipeline worker --asks--> detect worker --processes--> pipeline worker, --contacts--> main thread
 *     pipeline worker, main thread --lines--> EVE worker --taken--> whoever sent them
 *
 * With --capture-threads there are several pipelines, each joined to the others' neighbours by a port of its own.
 *
 * A source is the capture worker (one a device; never waits, drops and counts when it has no free buffer) or the
 * replay worker (waits for a free buffer). Each worker talks to the main thread through its own global scope, and to
 * its neighbours through MessagePorts that the main thread hands out.
 */
import type { DiskStep } from "./text/disk_guard.ts";
import type {
  Alert,
  CaptureSourceState,
  DetectionState,
  EveState,
  EvidenceState,
  Finding,
  FirstContactNews,
  FleetState,
  Flow,
  FlowProcess,
  Hearsay,
  HostTotals,
  IncidentNews,
  JudgedWindows,
  Mute,
  PacketRow,
  PipelineSnapshot,
  ProcessesState,
  RecorderState,
  Severity,
  StatsSecond,
  StatusEntry,
  StoreState,
} from "./records.ts";
import type { Credentials } from "./fleet/credentials.ts";
import type { GeoFile } from "./geo/mmdb.ts";
import type { ConnectTraceSource } from "./process/open_trace.ts";
import type { OpenFlows, OpenFlowsQuery } from "./search/open_flows.ts";
import type { ReaderAnswer, ReaderQuestion } from "./store/reader.ts";

// ------------------------------------------------- source worker <-> pipeline worker

/**
 * Whole pcap records (16-byte header, native little-endian, then the captured bytes) from the start of `buffer`.
 * All records of a batch have one linktype and one interface.
 */
export interface BatchMessage {
  readonly type: "batch";
  readonly interfaceId: number;
  /** LINKTYPE_ value. */
  readonly linktype: number;
  /** Record timestamps are seconds and nanoseconds, else seconds and microseconds. */
  readonly isNanosecond: boolean;
  readonly buffer: ArrayBuffer;
  readonly byteLength: number;
  readonly packetCount: number;
}
/** The source has no more packets: stopped, failed for good, or the file has ended. */
interface SourceEndMessage {
  readonly type: "end";
  readonly interfaceId: number;
  /** All packets of a file have come. */
  readonly isWhole?: boolean;
}
export type SourceToPipeline = BatchMessage | SourceEndMessage;
export interface ReturnMessage {
  readonly type: "return";
  readonly buffer: ArrayBuffer;
}

// ------------------------------------------------- source worker <-> main

/** "auto" is libpcap where it is, else AF_PACKET. */
export type CaptureChoice = "auto" | "pcap" | "afpacket";

interface CaptureShare {
  /** Of the group of sockets, 16 bits. */
  readonly id: number;
  /** How many threads there are. */
  readonly count: number;
}
export interface CaptureOptions {
  readonly interfaceId: number;
  readonly device: string;
  readonly capture: CaptureChoice;
  /** BPF expression; "" captures everything. */
  readonly filter: string;
  readonly snaplen: number;
  readonly isPromiscuous: boolean;
  /** Kernel ring. */
  readonly bufferBytes: number;
  /** Most packets in a batch. */
  readonly batchPacketsMax: number;
  readonly timeoutMs: number;
  /** The device's packets are shared with other threads; all of one device have the same. */
  readonly share?: CaptureShare;
  /** This run has had the device open before: it is waited for, whatever stands against it now. */
  readonly wasOpen?: boolean;
}
export type MainToCapture =
  | { readonly type: "start"; readonly options: CaptureOptions; readonly pipeline: MessagePort }
  | { readonly type: "stop" }
  /** Another thread takes the place of this one: it lets go of the device, and nothing more is to be heard from it. */
  | { readonly type: "abandon" };

export interface ReplayOptions {
  readonly path: string;
  /** Multiple of the capture's own speed; 0 is as fast as the pipeline takes it. */
  readonly speed: number;
}
export type MainToReplay =
  | { readonly type: "start"; readonly options: ReplayOptions; readonly pipeline: MessagePort }
  | { readonly type: "stop" };

/** A failure that no retry mends; `exitCode` as in errors.ts. */
export interface FatalMessage {
  readonly type: "fatal";
  readonly message: string;
  readonly exitCode: number;
}
export interface NoteMessage {
  readonly type: "note";
  readonly severity: StatusEntry["severity"];
  readonly text: string;
}
export interface StoppedMessage {
  readonly type: "stopped";
}
/** Capture and replay worker to main. `state` comes on each change and once a second. */
export type SourceToMain =
  | { readonly type: "state"; readonly state: CaptureSourceState }
  | NoteMessage
  | FatalMessage
  | StoppedMessage;

// ------------------------------------------------- pipeline worker -> recorder worker

export interface RecordMessage {
  readonly type: "record";
  readonly batch: BatchMessage;
}
/** What may still grow as the disk fills up; all at the start. */
export interface DiskMessage {
  readonly type: "disk";
  readonly step: DiskStep;
}
export interface RecorderOptions {
  readonly folder: string;
  /** Size at which the file in progress is put aside. */
  readonly fileBytesMax: number;
  /** Files kept, the one in progress included; 0 turns recording off. */
  readonly fileCountMax: number;
  readonly snaplen: number;
}
/** A finding whose packets are to be kept. */
export interface KeptFinding {
  /** Id of its row. */
  readonly id: number;
  readonly severity: Severity;
  /** IP addresses of which a packet has one; none takes all packets. */
  readonly hosts: readonly string[];
  /** The same of its other end, where all are known. */
  readonly peers: readonly string[];
  readonly fromUs: number;
  /** Of its last packet; null while it goes on. */
  readonly lastUs: number | null;
}
export interface EvidenceOptions {
  /** Results folder, with the ring; evidence goes to a folder in it. */
  readonly folder: string;
  /** Of all files together, and of those of one finding. */
  readonly bytesMax: number;
  readonly findingBytesMax: number;
  readonly vxlanPorts: readonly number[];
}
export type MainToRecorder =
  | {
    readonly type: "start";
    readonly options: RecorderOptions;
    readonly evidence: EvidenceOptions;
    readonly pipelines: readonly MessagePort[];
  }
  /** Its packets are to be kept; told again whenever it changes. */
  | { readonly type: "finding"; readonly finding: KeptFinding }
  | DiskMessage
  /** Close the file, take what is there of findings, write it, answer "stopped". */
  | { readonly type: "stop" };
export type RecorderToMain =
  | { readonly type: "state"; readonly state: RecorderState }
  | { readonly type: "evidence"; readonly state: EvidenceState }
  | NoteMessage
  | FatalMessage
  | StoppedMessage;

// ------------------------------------------------- pipeline worker <-> store worker

export interface RowsMessage {
  readonly type: "rows";
  readonly sequence: number;
  readonly packets: readonly PacketRow[];
  readonly flows: readonly Flow[];
  readonly seconds: readonly StatsSecond[];
  /** What each host gained since it was last sent; the store adds up. */
  readonly hosts: readonly HostTotals[];
  /** Of a file: with these rows all is sent of the packets up to there. */
  readonly mark?: ReplayMark;
}
/** How far a file has been replayed. */
export interface ReplayMark {
  /** Packets of the file, from its first. */
  readonly packets: number;
  /** The file has ended. */
  readonly isWhole: boolean;
}
/** The rows of `sequence` have been taken (written, or given up and counted). */
interface AckMessage {
  readonly type: "ack";
  readonly sequence: number;
}
/** How many packets of the file need not be written again, Infinity for all and whatever may come of them; 0 for a new file. */
interface KnownPacketsMessage {
  readonly type: "known";
  readonly packets: number;
}
export type StoreToPipeline = AckMessage | KnownPacketsMessage;
/** A capture file, as it is known again. */
export interface ReplayedFile {
  readonly fingerprint: string;
  /** As the user named it. */
  readonly path: string;
  /** The program and what else decides which packets and flows a file gives. */
  readonly decoder: string;
}
export interface StoreOptions {
  /** The database file, `results/packet_logs.db`. */
  readonly path: string;
  readonly retentionDays: number;
  readonly historyDays?: number;
  readonly retentionBytes: number;
  /** Run of a store that crashed while the pipeline counted on: its ids go on. 0 begins a new run. */
  readonly continuedRun: number;
  /** What is replayed; null when packets come from elsewhere. */
  readonly file: ReplayedFile | null;
  /** What is written is to be told to a fleet. */
  readonly feedsFleet?: boolean;
}
/** States of findings and incidents, at most one an id; the next message waits until this one is taken. */
export interface FindingsMessage {
  readonly type: "findings";
  readonly sequence: number;
  readonly findings: readonly Finding[];
  readonly incidents: readonly IncidentNews[];
}
/** What detection has judged since the last message, for the history; not answered. */
export interface WindowsMessage {
  readonly type: "windows";
  readonly judged: readonly JudgedWindows[];
}
/** What people are told, and what they say of it; answered once it is written, or given up. */
export interface AlertsMessage {
  readonly type: "alerts";
  readonly sequence: number;
  /** Newest states. */
  readonly alerts: readonly Alert[];
  readonly mutes: readonly Mute[];
  readonly unmutedIds: readonly number[];
  /** A null time takes it back. */
  readonly acknowledged: readonly { readonly incidentId: number; readonly atUs: number | null }[];
}
export type MainToStore =
  | WindowsMessage
  | {
    readonly type: "start";
    readonly options: StoreOptions;
    readonly pipelines: readonly MessagePort[];
  }
  | FindingsMessage
  | AlertsMessage
  | GeoMessage
  | DiskMessage
  /** The fleet's thread has read `fleet_feed` up to this row. */
  | { readonly type: "fed"; readonly throughId: number }
  /** Write what has come, close the database, answer "stopped". */
  | { readonly type: "stop" };
export type StoreToMain =
  /** `run` is the number by which rows of this run are told apart (`FLOWS_PER_RUN`); 0 before the first. */
  | { readonly type: "state"; readonly state: StoreState; readonly run: number }
  /** The findings of `sequence` are written, or given up and counted. */
  | { readonly type: "findingsTaken"; readonly sequence: number }
  /** Written: what devices did for the first time. */
  | { readonly type: "firstContacts"; readonly contacts: readonly FirstContactNews[] }
  /** The alerts of `sequence` are written, or refused for good. */
  | { readonly type: "alertsTaken"; readonly sequence: number; readonly isWritten: boolean }
  | NoteMessage
  | FatalMessage
  | StoppedMessage;

// ------------------------------------------------- main <-> fleet worker

export interface FleetAgentOptions {
  readonly servers: readonly string[];
  /** As they were at the start; the file is read again before each try to connect, if it may still be read. */
  readonly credentials: Credentials;
  readonly credentialsFile: string;
  /** `results/packet_logs.db`, which it reads, and `results/fleet.db`, which is its own. */
  readonly databasePath: string;
  readonly spoolPath: string;
  readonly level: "findings" | "rollups" | "flows";
  readonly spoolBytesMax: number;
  /** Where it stands, for the hub's pages; "" without. */
  readonly site: string;
  /** Where people open the dashboard; "" where they cannot. */
  readonly dashboardUrl: string;
  /** Longest wait before a further try to connect; tests have less patience. */
  readonly waitMs?: number;
}
/** What the hub is told of the capture; counters since the start. */
export interface FleetFigures {
  readonly packets: number;
  readonly bytes: number;
  readonly flowsPerS: number;
  readonly drops: Readonly<Record<"kernel" | "interface" | "queue" | "recorder" | "store", number>>;
  readonly interfaces: readonly string[];
}
export type MainToFleet =
  | { readonly type: "start"; readonly options: FleetAgentOptions }
  | { readonly type: "figures"; readonly figures: FleetFigures }
  | {
    readonly type: "reload";
    readonly changes: Pick<FleetAgentOptions, "level" | "spoolBytesMax">;
  }
  | DiskMessage
  /** Take what the store has written, send for a moment, answer "stopped". */
  | { readonly type: "stop" };
export type FleetToMain =
  | { readonly type: "state"; readonly state: FleetState }
  /** `fleet_feed` has been read up to this row. */
  | { readonly type: "fed"; readonly throughId: number }
  | NoteMessage
  | StoppedMessage;

// ------------------------------------------------- pipeline worker <-> detect worker

/** Rows of agent/detect/observation.ts in the first `length` words; the buffer is transferred. */
export interface ObservationsMessage {
  readonly type: "observations";
  readonly words: Int32Array<ArrayBuffer>;
  readonly length: number;
}
/** No more observations come: judge what is pending, close what is open. */
export interface ObservationsEndMessage {
  readonly type: "end";
}
export type PipelineToDetect = ObservationsMessage | ObservationsEndMessage;
/** The buffer of an ObservationsMessage on its way back, in the order they came. */
export interface ObservationsReturnMessage {
  readonly type: "return";
  readonly words: Int32Array<ArrayBuffer>;
}

// ------------------------------------------------- detect worker <-> main

export interface DetectOptions {
  /** Windows are judged as they come, by what was learnt before; else those of a file at its end, by all of it. */
  readonly isLive: boolean;
  readonly anomalyQuantile: number;
  readonly seed: number;
  /** File that the model is read from and saved to; null goes without. */
  readonly modelPath: string | null;
  /** Files of block lists. */
  readonly blocklists: readonly string[];
  /** Of the host that captures. */
  readonly ownAddresses: readonly string[];
}
export type MainToDetect =
  | {
    readonly type: "start";
    readonly options: DetectOptions;
    readonly pipelines: readonly MessagePort[];
  }
  | { readonly type: "ownAddresses"; readonly addresses: readonly string[] }
  /** The files of --blocklist are these now; what has changed is read. */
  | { readonly type: "blocklists"; readonly paths: readonly string[] }
  /** Flows of this host are to be named too. */
  | { readonly type: "processes"; readonly look: LookForProcesses }
  /** The pipeline is gone: end as after its "end". */
  | { readonly type: "stop" }
  /** Another thread takes the place of this one. */
  | { readonly type: "leave" };
export type DetectToMain =
  /** In order, of each call that found something. */
  | { readonly type: "findings"; readonly findings: readonly Finding[] }
  /** Once a second, and at the end. */
  | { readonly type: "state"; readonly state: Omit<DetectionState, "observationsShed"> }
  | WindowsMessage
  | { readonly type: "processes"; readonly news: ProcessNews }
  | NoteMessage
  /** The last finding has been told and the model saved. */
  | StoppedMessage;

// ------------------------------------------------- pipeline worker, main <-> processes, in the detect worker

/** Flows of this host that have begun; rows as agent/process/asks.ts has them, `count` of them. The buffer is transferred. */
export interface AsksMessage {
  readonly type: "asks";
  readonly rows: Float64Array<ArrayBuffer>;
  readonly count: number;
  /** Flows for which there was no room since the last message. */
  readonly passedOver: number;
}
/** What was found: of each flow its slot, its id, and which of the processes it has. Not all flows have one. */
export interface ProcessesMessage {
  readonly type: "processes";
  /** Messages of asks that it is the answer to: one, or none for what comes later. */
  readonly answers: number;
  readonly processes: readonly FlowProcess[];
  readonly flows: Float64Array<ArrayBuffer>;
}
/** Who on this host began what: of each contact its ends, and which of the processes began it. */
export interface ContactsMessage {
  readonly type: "contacts";
  readonly processes: readonly FlowProcess[];
  readonly contacts: readonly ProcessContact[];
}
export interface ProcessContact {
  readonly local: string;
  readonly remote: string;
  /** Of the other end. */
  readonly port: number;
  readonly process: number;
}
/** What the detect worker needs to look for the processes of this host. */
export interface LookForProcesses {
  readonly options: {
    /** All arguments of a process are its command, not the first alone. */
    readonly hasArguments: boolean;
  };
  readonly pipelines: readonly MessagePort[];
  /** Of what begins connections; null where the kernel does not let us. */
  readonly trace: ConnectTraceSource | null;
}
export type ProcessNews =
  /** Once a second. */
  | { readonly type: "state"; readonly state: ProcessesState }
  | ContactsMessage;

// ------------------------------------------------- pipeline worker, main -> EVE worker

/** Whole lines of the EVE log, `count` of them; answered by an EveTakenMessage once they are written or given up. */
export interface EveLinesMessage {
  readonly type: "lines";
  readonly text: string;
  readonly count: number;
  /** Lines that the sender had no room for since its last message. */
  readonly shed: number;
}
interface EveTakenMessage {
  readonly type: "taken";
}
export interface EveOptions {
  readonly folder: string;
  /** Size at which the file is put aside. */
  readonly fileBytesMax: number;
  /** Files kept, the one in progress included; 0 never puts one aside. */
  readonly fileCountMax: number;
}
export type MainToEve =
  | { readonly type: "start"; readonly options: EveOptions }
  /** The port of the pipeline; replaces that of one that crashed. */
  | { readonly type: "pipeline"; readonly port: MessagePort }
  | EveLinesMessage
  | DiskMessage
  /** Close the file and answer "stopped". */
  | { readonly type: "stop" };
export type EveToMain =
  | { readonly type: "state"; readonly state: EveState }
  | EveTakenMessage
  | NoteMessage
  | StoppedMessage;

// --------------------------------------------------- main -> whoever asks for countries and networks

/** The files of --geo-db, in place of those before. */
interface GeoMessage {
  readonly type: "geo";
  readonly files: readonly GeoFile[];
}

// --------------------------------------------------- reader worker <-> main

/** Questions are StoreQueries' methods; each is answered with the same number. */
export type MainToReader =
  | { readonly type: "start"; readonly path: string }
  | GeoMessage
  | { readonly type: "question" } & ReaderQuestion;
export type ReaderToMain = { readonly type: "answer" } & ReaderAnswer;

// ------------------------------------------------- pipeline worker <-> main

export interface PipelineWorkerOptions {
  readonly flowCountMax: number;
  /** `anomalous`: packets from and to the addresses of the last "suspects". */
  readonly rowPolicy: "all" | "sampled" | "anomalous" | "none";
  /** Packets carry the wall clock's time, so a quiet link lets traffic time pass too. */
  readonly isLive: boolean;
  /** What is local, as --home-net says it. */
  readonly homeNets: readonly string[];
  /** UDP ports of VXLAN besides the usual ones. */
  readonly vxlanPorts: readonly number[];
  /** Networks of this host's interfaces, as `203.0.113.5/24`; none for a file. */
  readonly ownNetworks: readonly string[];
  /** There are block lists to be asked. */
  readonly observesNames: boolean;
  /** An "eve" message follows. */
  readonly writesEve: boolean;
  /** A "process" message follows. */
  readonly namesProcesses: boolean;
  /** Which of how many pipelines that share the traffic this is. */
  readonly part: { readonly index: number; readonly count: number };
}
export type MainToPipeline =
  | {
    readonly type: "start";
    readonly options: PipelineWorkerOptions;
    readonly sourceCount: number;
  }
  /** A source's port; replaces the one of a source that crashed. */
  | { readonly type: "source"; readonly interfaceId: number; readonly port: MessagePort }
  /** The port of recorder, store, detectors or processes; replaces that of one that crashed. */
  | { readonly type: "recorder"; readonly port: MessagePort }
  | { readonly type: "store"; readonly port: MessagePort }
  | { readonly type: "detect"; readonly port: MessagePort }
  | { readonly type: "process"; readonly port: MessagePort }
  /** The EVE worker's port, unless it is the same, and what is added to the numbers of flows: their rows have the sum. */
  | { readonly type: "eve"; readonly port: MessagePort | null; readonly firstFlowId: number }
  /** Addresses, as text, of the sources of all open findings; replaces the ones told before. At most 1,024. */
  | { readonly type: "suspects"; readonly addresses: readonly string[] }
  /** As PipelineWorkerOptions has it, from now on. */
  | { readonly type: "observesNames"; readonly value: boolean }
  /** The host's interfaces have other networks now. */
  | { readonly type: "ownNetworks"; readonly networks: readonly string[] }
  /** Capture drops so far, for the seconds' rows. */
  | {
    readonly type: "drops";
    readonly kernel: number;
    readonly interface: number;
    readonly queue: number;
  }
  | GeoMessage
  /** Which flows are open; answered with the same number. */
  | { readonly type: "openFlows"; readonly sequence: number; readonly query: OpenFlowsQuery }
  | HearsayMessage
  /** No source will send any more: end what is open. */
  | { readonly type: "stop" };

/** Between pipelines that share the traffic, by way of the main thread: what holds for the packets of all. */
interface HearsayMessage {
  readonly type: "hearsay";
  readonly hearsay: readonly Hearsay[];
}

export type PipelineToMain =
  | HearsayMessage
  | { readonly type: "openFlows"; readonly sequence: number; readonly flows: OpenFlows }
  | {
    readonly type: "snapshot";
    readonly snapshot: PipelineSnapshot;
    readonly seconds: readonly StatsSecond[];
    readonly behindS: number;
  }
  | NoteMessage
  | FatalMessage
  /** All sources have ended, every buffer is back, every row is acknowledged. */
  | StoppedMessage;
