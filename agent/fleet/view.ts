/** What a hub's pages show of its agents and of itself. Types only: safe for the browser. */

/** "rejected" is one that the server turned away; "unknown" where no list of credentials is there to ask. */
export type CredentialState = "valid" | "revoked" | "rejected" | "unknown";

/** One agent: what its health said last, and what the hub counts of it. Counters are since the agent's start. */
export interface FleetAgent {
  /** The hub's number of it: in rows that it told, and in the path of its page. */
  readonly id: number;
  /** The last token of its subjects, which the server enforces. */
  readonly token: string;
  /** As it was enrolled; the token where that is not known. */
  readonly name: string;
  /** The place that the agent says it is at; "" without. */
  readonly site: string;
  readonly version: string;
  /** Of its own dashboard; "" where that is not known. */
  readonly url: string;
  /** "flows", "rollups" or "findings". */
  readonly level: string;
  readonly credential: CredentialState;
  readonly firstSeenUs: number | null;
  /** By the hub's clock; null for one that has never reported. */
  readonly lastSeenUs: number | null;
  /** Its clock minus the hub's; null before the first report. */
  readonly clockSkewMs: number | null;
  /** Of the last minute. */
  readonly flowsPerS: number;
  readonly packets: number;
  /** Packets lost before they were decoded. */
  readonly captureDrops: number;
  readonly spoolBytes: number;
  readonly spoolBytesMax: number;
  /** Age of the oldest row that waits for the hub's word, when it reported; null when nothing waits. */
  readonly spoolOldestS: number | null;
  /** Rows that it gave up because the spool was full. */
  readonly flowsGivenUp: number;
  readonly findingsGivenUp: number;
  /** Publishes that the engine turned away, batches sent again after proven loss, connections begun again. */
  readonly rejected: number;
  readonly resent: number;
  readonly reconnects: number;
  /** Flows of it that the hub has stored, in all. */
  readonly storedFlows: number;
  /** Messages of it that could not be read. */
  readonly deadLetters: number;
  /** Incidents of it that are open. */
  readonly openIncidents: number;
  /** Rows of it that the hub has let go, for one agent may not have more, by kind (hub/agent_limits.ts). */
  readonly forgotten: Readonly<Record<string, number>>;
  /** Two machines use the same credentials: their epochs alternate, or they give the same numbers. */
  readonly isCloned: boolean;
}

/** The hub's own part. */
export interface HubState {
  readonly startedAtUs: number;
  /** "connected", or why not, in words for people. */
  readonly engine: { readonly isConnected: boolean; readonly text: string; readonly url: string };
  /** "sqlite" or "clickhouse", and what it holds. */
  readonly store: {
    readonly kind: string;
    readonly isOk: boolean;
    readonly text: string;
    readonly sizeBytes: number | null;
    readonly flows: number;
    readonly oldestUs: number | null;
  };
  /** Of the newest message taken: from its publishing to its being stored. */
  readonly lagS: number;
  /** Messages that wait in the engine. */
  readonly pending: number;
  readonly messages: number;
  readonly rows: number;
  readonly duplicates: number;
  readonly deadLetters: number;
}
