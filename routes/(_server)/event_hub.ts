/**
 * The streams of `/api/events`: each event is encoded once and handed to every reader. A reader that does not keep up
 * is dropped (its browser connects again), so the memory of all streams together is bounded by
 * clientsMax * queuedMax references to shared chunks. Findings come in bursts: those of a moment share a chunk, of each
 * its newest state.
 */
import type { IncidentEvent, LiveEvent, LiveState } from "../../agent/live_state.ts";
import type { Finding, StatsSecond } from "../../agent/records.ts";
import { alertRow } from "../../agent/store/alert_rows.ts";
import {
  anomalyRow,
  findingRowId,
  incidentRow,
  isScan,
  scanRow,
  withLists,
} from "../../agent/store/finding_rows.ts";
import type { LiveMessage, StatusMessage } from "../../components/live_message.ts";
import { toWire } from "../../components/wire.ts";

/** Readers at one time; the next gets 503. */
export const clientsMax = 32;
const queuedMax = 16;
const heartbeatMs = 15_000;
/** Packets in a message; the page shows fewer. */
const packetsMax = 40;
/** Seconds in a message, for a replay that runs ahead. */
const secondsMax = 900;
const findingPauseMs = 100;
/** Findings in a chunk; of more the oldest are left to `/api/scans` and `/api/anomalies`. */
const findingsMax = 200;

type FindingEvent = Extract<
  LiveEvent,
  { readonly type: "scan" | "anomaly" | "incident" | "alert" }
>;
type Controller = ReadableStreamDefaultController<Uint8Array>;

export class EventHub {
  readonly #live: LiveState;
  readonly #controllers = new Set<Controller>();
  readonly #encoder = new TextEncoder();
  #unsubscribe: (() => void) | null = null;
  #heartbeat: number | null = null;
  /** Findings and incidents of this moment, by what they are and their id. */
  readonly #findings = new Map<string, FindingEvent>();
  #findingTimer: number | undefined;
  #sentCount = 0;
  #isClosed = false;

  constructor(live: LiveState) {
    this.#live = live;
  }

  get clientCount(): number {
    return this.#controllers.size;
  }

  /**
   * A stream for one reader that has the seconds up to `sinceUs`, or null when there are too many readers or the
   * server is stopping.
   */
  open(sinceUs: number): ReadableStream<Uint8Array> | null {
    if (this.#isClosed || this.#controllers.size >= clientsMax) return null;
    let own: Controller;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        this.#controllers.add(controller);
        this.#listen();
        controller.enqueue(this.#encoder.encode("retry: 2000\n\n"));
        controller.enqueue(
          this.#encode("stats", liveMessage(this.#live, this.#secondsAfter(sinceUs))),
        );
      },
      cancel: () => this.#remove(own),
    }, new CountQueuingStrategy({ highWaterMark: queuedMax }));
  }

  /** Ends every stream and takes no more; a server can only shut down after this. */
  close(): void {
    this.#isClosed = true;
    for (const controller of [...this.#controllers]) {
      this.#remove(controller);
      controller.close();
    }
  }

  #listen(): void {
    if (this.#unsubscribe) return;
    this.#sentCount = this.#live.secondCount;
    this.#unsubscribe = this.#live.subscribe((event) => {
      if (event.type === "stats") this.#sendStats();
      else if (event.type === "status") {
        this.#send(this.#encode("status", statusMessage(this.#live, event.data)));
      } else this.#addFinding(event);
    });
    this.#heartbeat = setInterval(
      () => this.#send(this.#encoder.encode(": still here\n\n")),
      heartbeatMs,
    );
  }

  #remove(controller: Controller): void {
    this.#controllers.delete(controller);
    if (this.#controllers.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#heartbeat = null;
    clearTimeout(this.#findingTimer);
    this.#findings.clear();
  }

  #addFinding(event: FindingEvent): void {
    const id = `${event.type} ${
      event.type === "incident" ? event.data.incident.id : event.data.id
    }`;
    if (this.#findings.size === 0) {
      this.#findingTimer = setTimeout(() => this.#sendFindings(), findingPauseMs);
    }
    const before = this.#findings.get(id);
    this.#findings.delete(id);
    this.#findings.set(id, before ? merged(before, event) : event);
    if (this.#findings.size > findingsMax) {
      this.#findings.delete(this.#findings.keys().next().value!);
    }
  }

  #sendFindings(): void {
    const texts = [...this.#findings.values()].map((event) =>
      eventText(
        event.type,
        rowOf(event, this.#live.storeRun),
      )
    );
    this.#findings.clear();
    this.#send(this.#encoder.encode(texts.join("")));
  }

  #sendStats(): void {
    const count = this.#live.secondCount - this.#sentCount;
    this.#sentCount += count;
    const seconds = this.#live.seconds(Math.min(count, secondsMax));
    this.#send(this.#encode("stats", liveMessage(this.#live, seconds)));
  }

  #secondsAfter(sinceUs: number): readonly StatsSecond[] {
    return this.#live.seconds(secondsMax).filter(({ tsUs }) => tsUs > sinceUs);
  }

  #encode(type: string, data: object): Uint8Array {
    return this.#encoder.encode(eventText(type, toWire(data)));
  }

  #send(chunk: Uint8Array): void {
    for (const controller of [...this.#controllers]) {
      if ((controller.desiredSize ?? 0) > 0) {
        controller.enqueue(chunk);
      } else {
        this.#remove(controller);
        controller.error(new Error("The reader of /api/events does not keep up"));
      }
    }
  }
}

function eventText(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What a page or an event shows of the present state. */
export function liveMessage(live: LiveState, seconds: readonly StatsSecond[]): LiveMessage {
  const { snapshot } = live;
  return {
    nowUs: Date.now() * 1000,
    seconds,
    snapshot: snapshot &&
      { ...snapshot, newestPackets: snapshot.newestPackets.slice(-packetsMax) },
    health: live.health(),
  };
}

/** The finding as `/api/scans` or `/api/anomalies` lists it once it is stored. */
function findingRow(finding: Finding, run: number) {
  return isScan(finding) ? scanRow(finding, run) : anomalyRow(finding, run);
}

/** The newer event, with all that joined or became part of an incident meanwhile. */
function merged(before: FindingEvent, event: FindingEvent): FindingEvent {
  if (before.type !== "incident" || event.type !== "incident") return event;
  return {
    ...event,
    data: {
      ...event.data,
      joined: [...before.data.joined, ...event.data.joined],
      absorbedIds: [...before.data.absorbedIds, ...event.data.absorbedIds],
    },
  };
}

function rowOf(event: FindingEvent, run: number) {
  if (event.type === "incident") return withLists(incidentEventRow(event.data, run));
  return event.type === "alert" ? alertRow(event.data) : withLists(findingRow(event.data, run));
}

/** The incident as `/api/incidents` lists it once it is stored, findings that joined it, and those that have become part of it. */
function incidentEventRow({ incident, joined, absorbedIds }: IncidentEvent, run: number) {
  return {
    ...incidentRow(incident),
    joined: joined.map((finding) => ({
      list: isScan(finding) ? "scans" : "anomalies",
      id: findingRowId(finding, run),
    })),
    absorbed_ids: absorbedIds,
  };
}

function statusMessage(live: LiveState, entry: StatusMessage["entry"]): StatusMessage {
  return { nowUs: Date.now() * 1000, entry, health: live.health() };
}
