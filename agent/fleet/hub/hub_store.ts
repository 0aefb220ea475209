/** What the hub asks of its store, whichever keeps the mass of flows: see hub_writer.ts (SQLite) and clickhouse_flows.ts. */
import type { AlertChanges } from "../../store/alert_writer.ts";
import type { Finding, IncidentNews } from "../../records.ts";
import type { Batch, BatchHead, FlowColumns, HealthReport } from "../wire.ts";
import type { CommitNotice } from "../streams.ts";

/** A batch that has been read, and whose it is by its subject. */
export interface AgentBatch {
  readonly agent: string;
  readonly batch: Exclude<Batch, { readonly kind: "health" }>;
}

/** A message that cannot be read; `stretch` is what its head says, so that its agent need not send it again. */
export interface DeadLetter {
  readonly agent: string;
  readonly subject: string;
  readonly messageId: string;
  readonly reason: string;
  /** Of a payload that a newer hub may read. */
  readonly version: number | null;
  readonly body: Uint8Array;
  readonly stretch:
    | Pick<BatchHead, "epoch" | "firstSeq" | "rowCount"> & Pick<CommitNotice, "channel">
    | null;
}

/** A finding with the hub's number, and the agents (`agents.id`) that have seen it; none for the hub's own. */
export interface FleetFinding {
  readonly finding: Finding;
  readonly agents: readonly number[];
}

/** Batches of a transaction that are new, with the hub's numbers. */
export interface NewRows {
  readonly batches: readonly {
    readonly agent: number;
    readonly batch: AgentBatch["batch"];
  }[];
  /** Of agents. */
  readonly findings: readonly FleetFinding[];
}

/** What new rows come to: findings of the fleet's own detectors, and incidents of all findings. */
export interface Judgement {
  readonly findings: readonly FleetFinding[];
  readonly incidents: readonly IncidentNews[];
}

export interface CommitResult {
  /** Batches and rows that were new, and batches that were in the database before. */
  readonly batches: number;
  readonly rows: number;
  readonly known: number;
  /** Tokens of agents of which two batches had the same numbers. */
  readonly cloned: readonly string[];
  readonly judgement: Judgement;
}

export interface AgentSeen {
  readonly agent: string;
  readonly seenUs: number;
  readonly health?: { readonly report: HealthReport; readonly epoch: string };
}

export interface HubStore {
  /**
   * Writes what is new of `batches` and what `judge` makes of it, and that they are done, in one transaction, wholly or not at all.
   * Throws StoreError; "refused" means that some of these rows will never be taken. After a throw `judge` has seen what is not written.
   */
  commit(
    batches: readonly AgentBatch[],
    options: { readonly nowUs: number; readonly judge: (rows: NewRows) => Judgement },
  ): Promise<CommitResult>;
  /** Keeps what cannot be read, bounded, and that it is done. */
  bury(letters: readonly DeadLetter[], nowUs: number): void;
  /** What of an agent's channel is done, from 1 on without a gap. */
  through(agent: string, epoch: string, channel: CommitNotice["channel"]): number;
  /** The agent has given up what is below `base`, or knows that it is committed. */
  giveUp(agent: string, epoch: string, channel: CommitNotice["channel"], base: number): void;
  /** Agents that have been heard of. */
  note(seen: readonly AgentSeen[]): void;
  /** Findings of the hub that come of no batch: an agent that is silent, or two in the place of one. */
  writeFindings(judgement: Judgement): void;
  writeAlerts(changes: AlertChanges): void;
  deleteOld(nowUs: number): Promise<void>;
  close(): void;
}

/** Where flows are kept, if not in SQLite: inserted before the transaction that notes them, so that a row may come twice but none is lost. */
export interface FlowArchive {
  insert(batches: readonly ArchivedFlows[]): Promise<void>;
  deleteBefore(us: number): Promise<void>;
}
export interface ArchivedFlows {
  readonly agent: number;
  readonly epoch: string;
  readonly firstSeq: number;
  readonly rowCount: number;
  readonly columns: FlowColumns;
}
