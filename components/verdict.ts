/** The answer to "is anything wrong?" in words, from the state of each part. Pure; the same on server and browser. */
import { diskSentence } from "../agent/text/disk_guard.ts";
import type { CaptureSourceState, PipelineSnapshot, StatsSecond } from "../agent/records.ts";
import {
  capitalised,
  copiesNote,
  type Coverage,
  graveGaps,
  judgeCoverage,
} from "../agent/coverage.ts";
import type { Health } from "../agent/live_state.ts";
import type { LiveMessage, SensorInfo } from "./live_message.ts";
import {
  formatClock,
  formatCount,
  formatDay,
  formatDuration,
  formatWhen,
  percentOf,
} from "./format.ts";

type Tone = "good" | "plain" | "medium" | "high";

export interface Problem {
  readonly tone: "medium" | "high";
  /** A short sentence without its stop. */
  readonly title: string;
  /** What it means, and what to do. */
  readonly detail: string;
  /** Of what was looked at, not of capturing. */
  readonly isGap?: true;
  /** Where more is said of it. */
  readonly href?: string;
}

export interface Verdict {
  readonly tone: Tone;
  readonly title: string;
  readonly detail: string;
  readonly problems: readonly Problem[];
  /** What is said of the problems beside something graver. */
  readonly trouble?: string;
}

/** Packets lost before decoding (kernel, interface, queue) by a second's own counters. */
export function secondDrops(second: StatsSecond): number {
  return second.kernelDrops + second.interfaceDrops + second.queueDrops;
}

/** Packets lost before decoding since the start. */
export function captureDrops(health: Health): number {
  return health.drops.kernel + health.drops.interface + health.drops.queue;
}

/** Share of packets lost before decoding since the start, in percent without the sign. */
export function dropPercent(message: LiveMessage): string {
  const lost = captureDrops(message.health);
  return percentOf(lost, lost + (message.snapshot?.packets ?? 0));
}

/** Buffers on their way to decoding. What has ended waits for nothing: its last word came before the last buffer. */
export function waitingBuffers(sources: readonly CaptureSourceState[]): number {
  return sources.reduce((sum, source) => sum + (isOver(source) ? 0 : source.queueDepth), 0);
}

/** Names of the sources, as a sentence has them. */
export function sourceNames(sources: readonly CaptureSourceState[]): string {
  const names = sources.map((source) => baseName(source.name));
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Last part of a path. */
export function baseName(path: string): string {
  return path.split("/").at(-1) || path;
}

/** Judges a message; `recentDrops` are the packets lost in the last minute. */
export function judge(message: LiveMessage, sensor: SensorInfo, recentDrops: number): Verdict {
  const { sources } = message.health;
  const problems = [
    ...[
      ...sourceProblems(message.health),
      ...lossProblems(message, recentDrops),
      ...storeProblems(message.health),
    ].map((problem) => ({ ...problem, href: "/status" })),
    ...gapProblems(message),
  ].sort((a, b) => Number(b.tone === "high") - Number(a.tone === "high"));
  const [first] = problems;
  if (!first) return { ...calmVerdict(message, sensor), problems };
  // What was not looked at is said at once: it is what the reader would take for granted.
  if (first.isGap) {
    return { tone: "medium", title: first.title, detail: withoutStop(first.detail), problems };
  }
  const count = problems.length === 1
    ? "1 thing needs a look"
    : `${problems.length} things need a look`;
  const isDown = sources.length > 0 && sources.every(isBroken);
  const { tone } = first;
  return isDown
    ? { tone, title: "Not capturing", detail: count, problems }
    : { tone, title: count, detail: "Everything else works", problems };
}

/** A detector's thread has its first word to say within this time. */
const startUs = 10e6;

/** What of the traffic was not looked at. */
export function coverageOf({ snapshot, health, nowUs }: LiveMessage): Coverage {
  const { detection, mode, sources } = health;
  const isStarting = detection.state === "off" && nowUs - health.startedAtUs < startUs;
  return judgeCoverage({
    isFile: mode === "replay" && sources.length > 0 && sources.every(isOver),
    packets: snapshot?.packets ?? 0,
    unreadPackets: snapshot?.unreadPackets ?? 0,
    decodeStopList: snapshot?.decodeStopList ?? [],
    detection: isStarting ? { ...detection, state: "ready" } : detection,
    observationsShed: detection.observationsShed,
    rowsShed: (snapshot?.packetRowsShed ?? 0) + (snapshot?.flowRowsShed ?? 0),
    flowsEvicted: snapshot?.flowsEvicted ?? 0,
    copies: snapshot?.copies ?? 0,
    isOneWay: detection.isOneWay,
  });
}

/** What is said of packets that the capture sees twice; "" without many. */
export function copiesText(message: LiveMessage): string {
  return copiesNote(coverageOf(message));
}

/** Learning is no trouble: it is told with the findings. */
function gapProblems(message: LiveMessage): Problem[] {
  return graveGaps(coverageOf(message)).filter(({ kind }) => kind !== "learning")
    .map(({ text, remedy }) => ({
      tone: "medium",
      title: capitalised(text),
      detail: remedy,
      isGap: true,
    }));
}

function stopped(sentence: string): string {
  return `${withoutStop(sentence)}.`;
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

function isOver({ state }: CaptureSourceState): boolean {
  return state === "finished" || state === "stopped";
}

function isBroken({ state }: CaptureSourceState): boolean {
  return state === "failed" || state === "retrying";
}

function calmVerdict(message: LiveMessage, sensor: SensorInfo): Omit<Verdict, "problems"> {
  const { health, snapshot, nowUs } = message;
  if (health.mode === "replay") return replayVerdict(message, sensor);
  const names = sourceNames(health.sources);
  if (health.sources.length === 0 || health.sources.every(({ state }) => state === "starting")) {
    return { tone: "plain", title: `Opening ${names || "the interface"}`, detail: "One moment" };
  }
  if (health.sources.every(isOver)) {
    return { tone: "plain", title: "Capture has stopped", detail: "The numbers stay as they were" };
  }
  const since = `since ${formatWhen(health.startedAtUs, nowUs, sensor.zone)}`;
  if ((snapshot?.packets ?? 0) === 0) {
    return { tone: "plain", title: "Waiting for the first packet", detail: `${names}, ${since}` };
  }
  const lost = captureDrops(health);
  if (lost === 0) {
    return { tone: "good", title: "Capturing without loss", detail: `on ${names} ${since}` };
  }
  return {
    tone: "plain",
    title: `Capturing, ${dropPercent(message)}\u00a0% lost`,
    detail: `on ${names} ${since}; ${formatCount(lost)} packets lost, none in the last minute`,
  };
}

function replayVerdict(message: LiveMessage, sensor: SensorInfo): Omit<Verdict, "problems"> {
  const { sources } = message.health;
  const file = baseName(sensor.replay?.file ?? sourceNames(sources));
  const pace = paceText(sensor.replay?.speed ?? 1);
  if (sources.length === 0 || !sources.every(isOver)) {
    return { tone: "plain", title: `Replaying ${file}`, detail: pace };
  }
  const count = formatCount(message.snapshot?.packets ?? 0);
  return {
    tone: "good",
    title: `Replay of ${file} has finished`,
    detail: `${count} packets, ${pace}${lastText(message, sensor)}`,
  };
}

/** Which day it was: the clock at the top tells the time alone. */
function lastText({ snapshot, nowUs }: LiveMessage, { zone }: SensorInfo): string {
  if (!snapshot || snapshot.packets === 0) return "";
  const { tsUs } = snapshot;
  return `, up to ${formatDay(tsUs, nowUs, zone)}, ${formatClock(tsUs, zone)}`;
}

function paceText(speed: number): string {
  if (speed === 0) return "as fast as possible";
  return speed === 1 ? "at its own speed" : `at ${speed} times its speed`;
}

function sourceProblems(health: Health): Problem[] {
  const problems: Problem[] = [];
  for (const source of health.sources) {
    const name = baseName(source.name);
    if (source.state === "failed") {
      problems.push({ tone: "high", title: `Not capturing from ${name}`, detail: source.detail });
    } else if (source.state === "retrying") {
      problems.push({ tone: "high", title: `${name} cannot be read`, detail: source.detail });
    }
  }
  return problems;
}

function lossProblems(message: LiveMessage, recentDrops: number): Problem[] {
  const { health } = message;
  const problems: Problem[] = [];
  if (recentDrops > 0) {
    problems.push({
      tone: "high",
      title: "Packets are being lost",
      detail: `${formatCount(recentDrops)} in the last minute; ${mainLoss(health)}`,
    });
  }
  if (health.behindS > 5) {
    problems.push({
      tone: "medium",
      title: `Behind by ${formatDuration(health.behindS)}`,
      detail: "Packets wait to be decoded.",
    });
  }
  return problems;
}

function mainLoss({ drops }: Health): string {
  if (drops.queue >= drops.kernel && drops.queue >= drops.interface) {
    return "decoding is too slow for this traffic. A capture filter would lessen it.";
  }
  return drops.kernel >= drops.interface
    ? "the kernel's buffer was full. A larger --buffer-mb or a capture filter helps."
    : "the network card dropped them before the system saw them.";
}

function storeProblems({ store, recorder, evidence, eve, disk }: Health): Problem[] {
  const problems: Problem[] = [];
  if (disk.step > 0) {
    problems.push({
      tone: disk.step > 1 ? "high" : "medium",
      title: "The disk is nearly full",
      detail: diskSentence(disk),
    });
  }
  if (store.state === "failed" || store.state === "retrying") {
    const isOver = store.state === "failed";
    problems.push({
      tone: isOver ? "high" : "medium",
      title: isOver ? "The database is not being written" : "The database is waiting to be written",
      detail: [
        store.detail,
        isOver
          ? "Look at the disk and the rights of the results folder, then start tapwatch again."
          : "It is tried again; look at the disk and the rights of the results folder.",
      ].filter(Boolean).map(stopped).join(" "),
    });
  }
  if (recorder.state === "failed") {
    problems.push({
      tone: "medium",
      title: "Capture files are not being written",
      detail: recorder.detail,
    });
  }
  if (evidence.state === "failed") {
    problems.push({
      tone: "medium",
      title: "Packets of findings are not being kept",
      detail: evidence.detail,
    });
  }
  if (eve.state === "failed") {
    problems.push({
      tone: "medium",
      title: "The EVE log is not being written",
      detail: eve.detail,
    });
  }
  return problems;
}

/** Rates of the newest second; zeros when a live sensor has had none for three seconds. */
export function currentSecond(
  newest: StatsSecond | null,
  message: LiveMessage,
): StatsSecond | null {
  const isSilent = newest !== null && message.health.mode === "live" &&
    message.nowUs - newest.tsUs > 4e6;
  return isSilent ? null : newest;
}

/** Time that the page calls now: the sensor's clock, or in a replay the traffic's. */
export function pageNowUs(
  message: { nowUs: number; health: Health; snapshot: PipelineSnapshot | null },
): number {
  return message.health.mode === "replay" ? message.snapshot?.tsUs ?? message.nowUs : message.nowUs;
}
