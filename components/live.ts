/**
 * The one connection of a page to `/api/events`, shared by its islands. Islands read the signals; on the server they
 * stay empty and the islands show their props.
 */
import { computed, signal } from "@preact/signals";
import type { Finding, StatsSecond, StatusEntry } from "../agent/records.ts";
import { type FindingList, readFinding } from "../agent/finding_reader.ts";
import { findingPath, isGrave, mergeFindings } from "./findings.ts";
import type { LiveMessage, StatusMessage } from "./live_message.ts";
import { secondDrops } from "./verdict.ts";
import { fromWire } from "./wire.ts";

/** `stale` after five seconds without a word from the server; `paused` by the reader. */
export type ConnectionState = "live" | "paused" | "stale";

/** The newest message; null until the first one. */
export const latest = signal<LiveMessage | null>(null);
/** Seconds since the page was made, oldest first, at most a quarter of an hour. */
export const liveSeconds = signal<readonly StatsSecond[]>([]);
/** Lines of the log since the page was made, newest last. */
export const newEntries = signal<readonly StatusEntry[]>([]);
/** Findings in their newest state as they arrived or were caught up with, at most 200. */
export const newFindings = signal<readonly Finding[]>([]);
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
/** Pages of the findings that were there when this page was; null until they are known. */
let knownPaths: Set<string> | null = null;
const gravePaths = new Set<string>();
/** By type of event. */
const followers = new Map<string, Follower>();
let source: EventSource | null = null;
let staleTimer = 0;
let lastUs = -1;

/** Connects once a page; later calls do nothing. `sinceUs` is the newest second that the page already shows. */
export function connectLive(sinceUs: number): void {
  if (lastUs >= 0 || typeof EventSource === "undefined") return;
  lastUs = Math.max(0, sinceUs);
  document.addEventListener("visibilitychange", follow);
  follow();
}

/** What a page wants of events that not every page needs. */
export interface Follower {
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
  source.addEventListener("stats", (event) => takeStats(parse<LiveMessage>(event)));
  source.addEventListener("status", (event) => takeStatus(parse<StatusMessage>(event)));
  source.addEventListener("scan", (event) => takeFindings([parseFinding("scans", event)]));
  source.addEventListener("anomaly", (event) => takeFindings([parseFinding("anomalies", event)]));
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

/** Asks for the newest findings: those told while there was no connection would be missed. */
async function catchUp(): Promise<void> {
  const lists = await Promise.all([storedFindings("scans"), storedFindings("anomalies")]);
  const findings = lists.flat();
  knownPaths ??= new Set(findings.map(findingPath));
  takeFindings(findings);
}

async function storedFindings(list: FindingList): Promise<readonly Finding[]> {
  const response = await fetch(`/api/${list}?limit=30`).catch(() => null);
  if (!response?.ok) return [];
  const rows: Record<string, unknown>[] = (await response.json())[list];
  return rows.map((row) => readFinding(list, row));
}

/** What has just been told is newer than what the database has. */
function takeFindings(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  newFindings.value = mergeFindings(newFindings.value, findings).slice(-findingsMax);
  for (const finding of findings) {
    const path = findingPath(finding);
    if (isGrave(finding) && !knownPaths?.has(path)) gravePaths.add(path);
  }
  if (gravePaths.size > 0) document.title = `(${gravePaths.size}) tapwatch`;
}

function takeStats(message: LiveMessage): void {
  const fresh = message.seconds.filter(({ tsUs }) => tsUs > lastUs);
  lastUs = fresh.at(-1)?.tsUs ?? lastUs;
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
