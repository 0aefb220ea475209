/** What passes between the hub's own thread and the main one. */
import type { HubStoreConfig } from "../../option_values.ts";
import type { AlertsMessage, FatalMessage, NoteMessage, StoppedMessage } from "../../messages.ts";
import type { Finding, IncidentNews } from "../../records.ts";
import type { Credentials } from "../credentials.ts";
import type { LinkState } from "../engine_link.ts";
import type { HubCounts } from "./hub_service.ts";

export interface HubThreadOptions {
  /** The database file. */
  readonly path: string;
  readonly retentionDays: number;
  readonly historyDays: number;
  readonly retentionBytes: number;
  readonly toolVersion: string;
  readonly servers: readonly string[];
  /** Of the fleet (fleet_folder.ts), where it is on this host. */
  readonly fleetFolder: string;
  /** File of the hub's credentials, read again for each connection. */
  readonly credentialsPath: string;
  /** As they were read at the start, perhaps by a user with more rights. */
  readonly credentials: Credentials;
  readonly store: HubStoreConfig;
}

export interface HubThreadState {
  readonly link: LinkState;
  /** A clause for people; "" while all is well. */
  readonly linkDetail: string;
  /** "" while the database takes what comes. */
  readonly storeFailure: string;
  readonly sizeBytes: number;
  /** Flows that are stored, and the end of the oldest; null without one, or where an archive has them. */
  readonly flows: number;
  readonly oldestUs: number | null;
  readonly pending: number;
  readonly counts: HubCounts;
  /** Tokens of agents that two spools use in turn. */
  readonly cloned: readonly string[];
}

export type MainToHub =
  | { readonly type: "start"; readonly options: HubThreadOptions }
  | AlertsMessage
  | { readonly type: "stop" };
export type HubToMain =
  | { readonly type: "state"; readonly state: HubThreadState }
  /** The database is there, with the tables of this version. */
  | { readonly type: "ready" }
  | {
    readonly type: "judged";
    readonly findings: readonly Finding[];
    readonly incidents: readonly IncidentNews[];
  }
  | { readonly type: "alertsTaken"; readonly sequence: number; readonly isWritten: boolean }
  | NoteMessage
  | FatalMessage
  | StoppedMessage;
