/** What the dashboard is given by main: it starts nothing and owns none of it. */
import type { RingSpan } from "./capture/pcap_export.ts";
import type { FleetAgent, HubState } from "./fleet/view.ts";
import type { LiveState } from "./live_state.ts";
import type { Mute, Severity, StatusEntry } from "./records.ts";
import type { OpenFlows, OpenFlowsQuery } from "./search/open_flows.ts";
import type { StoreReader } from "./store/reader.ts";
import type { StoredPacket } from "./store/schema.ts";

/** The packets that are asked for have been overwritten, or there is no such flow, finding or incident; the message is for people. */
export class PacketsGoneError extends Error {
  override readonly name = "PacketsGoneError";
}

export interface DashboardContext {
  /** Of a hub alone: pages of what many agents tell. */
  readonly fleet?: FleetDesk;
  readonly live: LiveState;
  readonly queries: StoreReader;
  readonly options: DashboardOptions;
  readonly alerts: AlertDesk;
  /** Writes a line to the log, and to that of the status page. */
  readonly note: (severity: StatusEntry["severity"], text: string) => void;
  /** Flows under way, soon or not at all; ids are those of the flow table. */
  readonly openFlows: (query: OpenFlowsQuery) => Promise<OpenFlows>;
  /** What the capture ring has; null without a packet. */
  readonly ringSpan: () => RingSpan | null;
  /** Whether packets of that time are kept as evidence of findings. */
  readonly hasEvidence: (fromUs: number, toUs: number) => boolean;
  /** The bytes of a stored packet, from the capture ring; null when they are not there (any more). Rejects as exportPcap. */
  readonly readPacket: (row: StoredPacket) => Promise<CapturedPacket | null>;
  /**
   * The packets of the capture ring that fit `filter`, as a pcap file. Rejects with RangeError or UsageError when
   * the filter is wrong, with PacketsGoneError when what it asks for is no more, and with another Error, whose message is for people, when the ring cannot be read.
   */
  readonly exportPcap: (filter: ExportFilter) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/** What a hub knows besides the answers of StoreReader. */
export interface FleetDesk {
  /** All that are enrolled or have reported. Rejects with a StoreError when the database cannot be read. */
  readonly agents: () => Promise<readonly FleetAgent[]>;
  readonly hub: () => HubState;
}

/** What people may say to alerts, and see of them besides the database. */
export interface AlertDesk {
  readonly mutes: readonly Mute[];
  /** Resolves once it is stored. Rejects with RangeError for what is no mute, with another Error when it cannot be stored. */
  readonly addMute: (mute: NewMute) => Promise<Mute>;
  /** False when there is no such mute. */
  readonly removeMute: (id: number) => Promise<boolean>;
  readonly acknowledge: (incidentId: number, isAcknowledged: boolean) => Promise<void>;
  /** Sends a test through every channel; the id of its alert. */
  readonly sendTest: () => number;
}
export type NewMute = Omit<Mute, "id" | "createdUs">;

interface DashboardOptions {
  /** The address that the server is bound to. */
  readonly host: string;
  readonly port: number;
  /** Null lets everybody in; only for loopback. Secret. */
  readonly password: string | null;
  readonly resultsFolder: string;
  /** The sensor's name. */
  readonly hostname: string;
  /** The file and its speed (0 is as fast as possible); null when capturing live. */
  readonly replay: { readonly file: string; readonly speed: number } | null;
  /** That loopback is not watched, and what to do; "" where it is. */
  readonly loopbackNote: string;
  readonly telling: TellingRules;
  /** Anomalous share of traffic that raises an alert. */
  readonly anomalyThresholdPct: number;
}

/** When people are told. */
export interface TellingRules {
  /** Least severity of an incident. */
  readonly severity: Severity;
  readonly intervalS: number;
  readonly perHourMax: number;
  /** "22:00-07:00", local time; "" without. */
  readonly quietHours: string;
}

/** What of a packet was captured. */
export interface CapturedPacket {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
  /** LINKTYPE_ value. */
  readonly linktype: number;
}

/** Packets to export; null takes all. */
export interface ExportFilter {
  /** From `fromUs` up to, but not including, `toUs`. */
  readonly fromUs: number | null;
  readonly toUs: number | null;
  /** A search of packets, or of flows; "" takes all. */
  readonly q: string;
  /** `q` is of flows also where packets could be searched so: "bytes > 1MB" are those of a flow then. */
  readonly isOfFlows: boolean;
  /** `flows.id`. */
  readonly flowId: number | null;
  /** Id in `scans` or `anomalies`, or in one of them alone: what its sources and targets exchanged while it lasted. */
  readonly findingId: number | null;
  readonly scanId: number | null;
  readonly anomalyId: number | null;
  /** `incidents.id`: what its sources exchanged with its targets while it lasted. */
  readonly incidentId: number | null;
}
