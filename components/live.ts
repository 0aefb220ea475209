/**
 * The one connection of a page to `/api/events`, shared by its islands. Islands read the signals; on the server they
 * stay empty and the islands show their props.
 */
import { computed, signal } from "@preact/signals";
import type { Finding, Incident, Mute, StatsSecond, StatusEntry } from "../agent/records.ts";
import { type FindingList, type FindingRow, readFinding } from "../agent/finding_reader.ts";
import { readIncident } from "../agent/incident_reader.ts";
import { isGrave, mergeFindings } from "./findings.ts";
import { type Arrived, type LiveIncident, mutedText, type MuteView } from "./incidents.ts";
import type { LiveMessage, StatusMessage } from "./live_message.ts";
import { secondDrops } from "./verdict.ts";
import { fromWire } from "./wire.ts";

/** `stale` after five seconds without a word from the server; `paused` by the reader. */
type ConnectionState = "live" | "paused" | "stale";

/** The newest message; null until the first one. */
export const latest = signal<LiveMessage | null>(null);
/** Seconds since the page was made, oldest first, at most a quarter of an hour. */
export const liveSeconds = signal<readonly StatsSecond[]>([]);
/** Lines of the log since the page was made, newest last. */
export const newEntries = signal<readonly StatusEntry[]>([]);
/** Findings in their newest state as they arrived or were caught up with, at most 200. */
export const newFindings = signal<readonly Finding[]>([]);
/** Incidents in their newest state, likewise, and the numbers of those that have become part of others. */
export const arrivedIncidents = signal<Arrived>({ incidents: [], absorbedIds: new Set() });
/** Numbers of incidents, by the findingPath() of what has joined them since. */
export const newIncidentOf = signal<Readonly<Record<string, number>>>({});
/** Mutes in force when the page was made. */
const mutes = signal<readonly Mute[]>([]);
const isPaused = signal(false);
const isStale = signal(false);
export const connection = computed<ConnectionState>(() =>
  isPaused.value ? "paused" : isStale.value ? "stale" : "live"
);
/** Packets lost in the last minute of those seconds. */
export const recentDrops = computed(() => {
  const seconds = liveSeconds.value;
  const sinceUs = (seconds.at(-1)?.tsUs ?? 0) - 60e6;
  return seconds.reduce((sum, s) => s.tsUs > sinceUs ? sum + secondDrops(s) : sum, 0);
});

const staleMs = 5000;
const secondsMax = 900;
const entriesMax = 200;
const findingsMax = 200;
/** A hidden page holds no connection (browsers allow six a host), but asks this often for the sake of its title. */
const hiddenPollMs = 20_000;
let hiddenTimer = 0;
/** Numbers of the incidents that were there when this page was; null until they are known. */
let knownIds: Set<number> | null = null;
const graveIds = new Set<number>();
/** By type of event. */
const followers = new Map<string, Follower>();
let source: EventSource | null = null;
let staleTimer = 0;
let lastUs = -1;
/** The first message of a connection may repeat seconds; later ones bring new ones only, whose times may go back. */
let isFirstMessage = true;

/** What arrives is muted by these. */
export function muteView(zone: string): MuteView {
  return { mutes: mutes.value, nowUs: latest.value?.nowUs ?? Date.now() * 1000, zone };
}

/**
 * Connects once a page; later calls do nothing. `sinceUs` is the newest second that the page already shows, `inForce` the
 * mutes that hold back what arrives.
 */
export function connectLive(sinceUs: number, inForce: readonly Mute[]): void {
  mutes.value = inForce;
  if (lastUs >= 0 || typeof EventSource === "undefined") return;
  lastUs = Math.max(0, sinceUs);
  document.addEventListener("visibilitychange", follow);
  follow();
}

/** What a page wants of events that not every page needs. */
interface Follower {
  /** Of the data of one event. */
  readonly take: (data: Record<string, unknown>) => void;
  /** Asks for what was missed while there was no connection. */
  readonly catchUp: () => Promise<void>;
}

/** Call it while modules load, before connectLive(). */
export function followLive(type: string, follower: Follower): void {
  followers.set(type, follower);
}

/** Stops and starts the updates; the server is told by the closed connection. */
export function togglePaused(): void {
  isPaused.value = !isPaused.value;
  follow();
}

/** Holds a connection while somebody looks. */
function follow(): void {
  const wanted = !isPaused.value && !document.hidden;
  clearInterval(hiddenTimer);
  if (document.hidden && !isPaused.value) hiddenTimer = setInterval(catchUp, hiddenPollMs);
  if (wanted && !source) open();
  if (!wanted && source) {
    source.close();
    source = null;
    clearTimeout(staleTimer);
  }
}

function open(): void {
  source = new EventSource(`/api/events?since=${lastUs}`);
  source.addEventListener("open", () => isFirstMessage = true);
  source.addEventListener("stats", (event) => takeStats(parse<LiveMessage>(event)));
  source.addEventListener("status", (event) => takeStatus(parse<StatusMessage>(event)));
  source.addEventListener("scan", (event) => takeFindings([parseFinding("scans", event)]));
  source.addEventListener("anomaly", (event) => takeFindings([parseFinding("anomalies", event)]));
  source.addEventListener("incident", takeIncidentEvent);
  for (const [type, { take, catchUp }] of followers) {
    source.addEventListener(type, (event) => take(JSON.parse(event.data)));
    source.addEventListener("open", catchUp);
  }
  source.addEventListener("open", catchUp);
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) reopenLater();
  });
  watchForSilence();
}

/** The browser gives up after an answer that is no stream (login needed, too many readers). */
function reopenLater(): void {
  source = null;
  setTimeout(follow, staleMs);
}

function parse<T>(event: MessageEvent<string>): T {
  return fromWire<T>(JSON.parse(event.data));
}

function parseFinding(list: FindingList, event: MessageEvent<string>): Finding {
  return readFinding(list, JSON.parse(event.data));
}

/** Asks for the newest of each list: what was told while there was no connection would be missed. */
async function catchUp(): Promise<void> {
  const [incidents, ...findings] = await Promise.all([
    storedRows("incidents"),
    storedRows("scans"),
    storedRows("anomalies"),
  ]);
  takeFindings(
    [...findings[0].map(scanOf), ...findings[1].map(anomalyOf)],
  );
  const read = incidents.map((row) => ({
    incident: readIncident(row),
    isAcknowledged: row.acknowledged_us !== null,
  }));
  knownIds ??= new Set(read.map(({ incident }) => incident.id));
  takeIncidents(read, []);
}

const scanOf = (row: FindingRow) => readFinding("scans", row);
const anomalyOf = (row: FindingRow) => readFinding("anomalies", row);

async function storedRows(list: FindingList | "incidents"): Promise<readonly FindingRow[]> {
  const response = await fetch(`/api/${list}?limit=30`).catch(() => null);
  return response?.ok ? (await response.json())[list] : [];
}

/** What has just been told is newer than what the database has. */
function takeFindings(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  newFindings.value = mergeFindings(newFindings.value, findings).slice(-findingsMax);
}

function takeIncidentEvent({ data }: MessageEvent<string>): void {
  const row = JSON.parse(data);
  const incident = readIncident(row);
  const joined: readonly { readonly list: string; readonly id: number }[] = row.joined;
  if (joined.length > 0) {
    const places = joined.map(({ list, id }) => [`/${list}/${id}`, incident.id]);
    newIncidentOf.value = { ...newIncidentOf.value, ...Object.fromEntries(places) };
  }
  takeIncidents([{ incident, isAcknowledged: null }], row.absorbed_ids);
}

function takeIncidents(incidents: readonly LiveIncident[], absorbedIds: readonly number[]): void {
  if (incidents.length === 0) return;
  const before = arrivedIncidents.value;
  const byId = new Map(before.incidents.map((one) => [one.incident.id, one]));
  for (const { incident, isAcknowledged } of incidents) {
    const known = byId.get(incident.id)?.isAcknowledged ?? null;
    byId.delete(incident.id);
    byId.set(incident.id, { incident, isAcknowledged: isAcknowledged ?? known });
    if (isNews(incident)) graveIds.add(incident.id);
  }
  for (const id of absorbedIds) graveIds.delete(id);
  arrivedIncidents.value = {
    incidents: [...byId.values()].slice(-findingsMax),
    absorbedIds: new Set([...before.absorbedIds, ...absorbedIds]),
  };
  if (graveIds.size > 0) document.title = `(${graveIds.size}) tapwatch`;
}

function isNews(incident: Incident): boolean {
  return isGrave(incident) && !knownIds?.has(incident.id) &&
    mutedText(incident, muteView("UTC")) === "";
}

function takeStats(message: LiveMessage): void {
  const fresh = message.seconds.filter(({ tsUs }) => !isFirstMessage || tsUs > lastUs);
  isFirstMessage = false;
  for (const { tsUs } of fresh) lastUs = Math.max(lastUs, tsUs);
  if (fresh.length > 0) liveSeconds.value = [...liveSeconds.value, ...fresh].slice(-secondsMax);
  latest.value = message;
  watchForSilence();
}

function takeStatus({ nowUs, entry, health }: StatusMessage): void {
  newEntries.value = [...newEntries.value, entry].slice(-entriesMax);
  if (latest.value) latest.value = { ...latest.value, nowUs, health };
}

function watchForSilence(): void {
  clearTimeout(staleTimer);
  isStale.value = false;
  staleTimer = setTimeout(() => isStale.value = true, staleMs);
}
