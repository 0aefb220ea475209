/**
 * Password guessing: one source that has many short, similar login sessions with one service. Judged by what a session
 * was when it ended, for what is said in it is mostly encrypted; SSH by what came of each login.
 *
 * Two limits: a burst (see brute_force_services.ts), and Zeek's 30 sessions in 30 minutes
 * (SSH::password_guesses_limit, SSH::guessing_timeout) for the patient. A session in which more was done than logging
 * in shows a user who may, so it wipes the evidence; so do scheduled jobs and mail clients, known by their clockwork.
 */
import { Application, LoginOutcome, Transport } from "../../records.ts";
import {
  LOGIN_SERVICES,
  type LoginService,
  serviceOfApplication,
  serviceOfPort,
  SSH,
} from "./services.ts";
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { KeyedSlots } from "../common/keyed_slots.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import { measureRegularity } from "../common/regularity.ts";
import { counted, formatCount, formatPeriod } from "../../text/amounts.ts";
import { keyAddress } from "../common/address_words.ts";

const secondUs = 1_000_000;
const burstUs = 60 * secondUs;
const patientSessions = 30;
const patientUs = 1800 * secondUs;
const quietUs = 1800 * secondUs;
/** From so many tries on the finding is of high severity. */
const manyTries = 100;
/** Tries within burstUs that suffice, in however few sessions: more than a person's keys and typing errors. */
const burstTries = 20;
/** What is known to have come after guessing, in order of weight. */
const After = { nothing: 0, longer: 1, accepted: 2, session: 3 } as const;
const endings = [
  "",
  ", and has since held a longer session",
  ", and one login was accepted",
  ", and has since logged in",
];
/** Sessions this close belong to one moment of a schedule; schedules are no faster than scheduleMinUs. */
const momentUs = 5 * secondUs;
const scheduleMinUs = 20 * secondUs;
const scheduleDeviationMax = 0.1;
const scheduleGapsMin = 4;

/** Key: source, destination, destination port. */
const keyWords = 9;
const capacity = 1024;
/** Newest sessions remembered of each key. */
const ringLength = 32;

export class BruteForce implements Detector {
  readonly interests: readonly Interest[] = [
    {
      kind: ObservationKind.end,
      marks: 0,
      skips: (words, at) => serviceOfEnd(words, at) < 0,
    },
    { kind: ObservationKind.login, marks: 0 },
  ];
  readonly #context: DetectorContext;
  readonly #slots: KeyedSlots;
  readonly #episodes: Episodes;
  readonly #key = new Int32Array(keyWords);
  readonly #timesUs = new Float64Array(capacity * ringLength);
  readonly #flowIds = new Uint32Array(capacity * ringLength);
  readonly #triesOf = new Uint8Array(capacity * ringLength);
  /** Since the evidence was wiped last: rows, and refused tries in connections. */
  readonly #counts = new Uint32Array(capacity);
  readonly #tries = new Uint32Array(capacity);
  readonly #connections = new Uint32Array(capacity);
  /** Tries and connections that were before the episode. */
  readonly #triesBefore = new Uint32Array(capacity);
  readonly #connectionsBefore = new Uint32Array(capacity);
  readonly #services = new Uint8Array(capacity);
  /** One of After, and when it was. */
  readonly #after = new Uint8Array(capacity);
  readonly #afterUs = new Float64Array(capacity);

  constructor(context: DetectorContext) {
    this.#context = context;
    this.#episodes = new Episodes({
      context,
      kind: "brute_force",
      quietUs,
      describe: (slot, episode) => this.#describe(slot, episode),
    });
    this.#slots = new KeyedSlots({
      capacity,
      keyWords,
      onForget: (slot) => this.#episodes.close(slot),
    });
  }

  get stateBytes(): number {
    return this.#slots.stateBytes + this.#timesUs.byteLength + this.#flowIds.byteLength +
      this.#triesOf.byteLength + this.#counts.byteLength * 5 + this.#services.byteLength * 2 +
      this.#afterUs.byteLength;
  }
  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  observe(observation: Observation): void {
    if (observation.kind === ObservationKind.login) return this.#observeLogin(observation);
    const index = serviceOfEnd(observation.words, observation.at);
    if (index < 0) return;
    const service = LOGIN_SERVICES[index];
    const { origBytes, respBytes } = observation;
    if (origBytes < service.clientBytesMin || respBytes < service.serverBytesMin) return;
    const isLong = observation.has(Mark.isContinued) || origBytes > service.clientBytesMax ||
      respBytes > service.serverBytesMax;
    // No server waits for a login as long as flows last before they are cut.
    if (isLong) this.#goFurther(observation, After.longer);
    else this.#attempt(observation, index, 1);
  }

  advance(nowUs: number): void {
    this.#episodes.advance(nowUs);
  }
  finish(): void {
    this.#episodes.finish();
  }

  #observeLogin(observation: Observation): void {
    const { loginOutcome, loginsRefused } = observation;
    if (loginsRefused > 0) this.#attempt(observation, SSH, loginsRefused);
    if (loginOutcome === LoginOutcome.accepted) this.#goFurther(observation, After.accepted);
    else if (loginOutcome === LoginOutcome.session) this.#goFurther(observation, After.session);
  }

  /**
   * A session in which more happened than a refused login. It may be told before earlier ones that were refused, for those are
   * told when they end.
   */
  #goFurther({ timestampUs, kind, words, at, destinationPort }: Observation, after: number): void {
    this.#readKey(words, at, destinationPort);
    const isLogin = kind === ObservationKind.login;
    const slot = isLogin ? this.#addSlot(SSH) : this.#slots.find(this.#key);
    if (slot < 0) return;
    if (this.#episodes.get(slot)) {
      if (this.#after[slot] >= after) return;
      this.#after[slot] = after;
      this.#afterUs[slot] = timestampUs;
      this.#episodes.retell(slot);
    } else {
      this.#after[slot] = after;
      this.#afterUs[slot] = timestampUs;
    }
  }

  #addSlot(service: number): number {
    const slot = this.#slots.add(this.#key);
    if (this.#slots.isNew) this.#wipe(slot);
    this.#services[slot] = service;
    return slot;
  }

  #wipe(slot: number): void {
    this.#counts[slot] = this.#tries[slot] = this.#connections[slot] = 0;
    this.#after[slot] = After.nothing;
    this.#afterUs[slot] = -Infinity;
  }

  #attempt(observation: Observation, service: number, tries: number): void {
    const { timestampUs, flowId, words, at, destinationPort } = observation;
    this.#readKey(words, at, destinationPort);
    const slot = this.#addSlot(service);
    const isOpen = this.#episodes.get(slot) !== undefined;
    // Who has worked in between may log in. An accepted login alone shows no work: it may have been guessed.
    const hasWorked = this.#after[slot] !== After.accepted && timestampUs > this.#afterUs[slot];
    if (!isOpen && hasWorked && this.#after[slot] !== After.nothing) this.#wipe(slot);
    const place = slot * ringLength + this.#counts[slot] % ringLength;
    this.#timesUs[place] = timestampUs;
    this.#flowIds[place] = flowId;
    this.#triesOf[place] = Math.min(tries, 255);
    this.#counts[slot]++;
    this.#tries[slot] += tries;
    if (!observation.has(Mark.isContinued)) this.#connections[slot]++;
    const amount = this.#tries[slot] - this.#triesBefore[slot];
    if (isOpen) this.#episodes.grow(slot, { timestampUs, amount, flowId });
    else this.#judge(slot, timestampUs);
  }

  #judge(slot: number, nowUs: number): void {
    const { burst } = LOGIN_SERVICES[this.#services[slot]];
    const isPatient = nowUs - this.#timeBefore(slot, patientSessions - 1) <= patientUs;
    const isBurst = nowUs - this.#timeBefore(slot, burst - 1) <= burstUs;
    const count = isPatient ? patientSessions : isBurst ? burst : this.#rowsOfTries(slot, nowUs);
    if (count === 0) return;
    const times = Float64Array.from({ length: count }, (_, back) => this.#timeBefore(slot, back));
    times.sort();
    if (isPatient && isScheduled(times)) return;
    const places = Array.from({ length: count }, (_, back) => this.#place(slot, back));
    const flowIds = places.map((place) => this.#flowIds[place]);
    const amount = places.reduce((sum, place) => sum + this.#triesOf[place], 0);
    this.#triesBefore[slot] = this.#tries[slot] - amount;
    const connections = Math.min(new Set(flowIds).size, this.#connections[slot]);
    this.#connectionsBefore[slot] = this.#connections[slot] - connections;
    // The connections that were refused are known by their ends, and several go on at a time.
    if (this.#afterUs[slot] < times[0] - burstUs) this.#after[slot] = After.nothing;
    this.#episodes.open(slot, times[0], { timestampUs: nowUs, amount, flowId: 0 }, flowIds);
  }

  /** Of so many of the newest rows the tries suffice; 0 when they do not. */
  #rowsOfTries(slot: number, nowUs: number): number {
    const rows = Math.min(this.#counts[slot], ringLength);
    for (let back = 0, tries = 0; back < rows; back++) {
      if (nowUs - this.#timeBefore(slot, back) > burstUs) return 0;
      tries += this.#triesOf[this.#place(slot, back)];
      if (tries >= burstTries) return back + 1;
    }
    return 0;
  }

  /** Place of the session that many before the newest one. */
  #place(slot: number, back: number): number {
    return slot * ringLength + (this.#counts[slot] - 1 - back) % ringLength;
  }
  #timeBefore(slot: number, back: number): number {
    return this.#counts[slot] > back ? this.#timesUs[this.#place(slot, back)] : -Infinity;
  }

  #readKey(words: Int32Array, at: number, destinationPort: number): void {
    for (let word = 0; word < 8; word++) this.#key[word] = words[at + 3 + word];
    this.#key[8] = destinationPort;
  }

  #describe(slot: number, episode: Episode): EpisodeFacts {
    const source = keyAddress(this.#context, this.#slots, slot, 0);
    const target = keyAddress(this.#context, this.#slots, slot, 4);
    const service = LOGIN_SERVICES[this.#services[slot]];
    const after = this.#after[slot];
    const isEntered = after >= After.accepted;
    const port = this.#slots.keyWord(slot, 8);
    // The rest of one that was under way before what is counted is one too.
    const connections = Math.max(1, this.#connections[slot] - this.#connectionsBefore[slot]);
    return {
      hasSucceeded: isEntered,
      severity: isEntered ? "critical" : episode.amount >= manyTries ? "high" : "medium",
      attackId: "T1110.001",
      sources: [source],
      sourceCount: 1,
      targets: [target],
      targetCount: 1,
      ports: String(port),
      // Twice the limit leaves little room for chance.
      confidence: Math.min(0.99, 0.6 + 0.3 * episode.amount / (2 * service.burst)),
      reason: sentence(service, { source, target, port, connections }, episode) + endings[after],
    };
  }
}

/** Index into LOGIN_SERVICES of the flow whose end is told by the row at `at`; -1 for none, and for SSH, whose ends say nothing. */
function serviceOfEnd(words: Int32Array, at: number): number {
  if ((words[at] >>> 8 & 0xff) !== Transport.tcp) return -1;
  const application = words[at + 23] >>> 16;
  if (application === Application.ssh) return -1;
  const usual = serviceOfPort[words[at + 11] & 0xffff];
  const index = usual >= 0 ? usual : serviceOfApplication[application];
  return index === SSH ? -1 : index;
}

interface Guessing {
  readonly source: string;
  readonly target: string;
  readonly port: number;
  readonly connections: number;
}

function sentence(
  service: LoginService,
  { source, target, port, connections }: Guessing,
  { amount, firstUs, lastUs }: Episode,
): string {
  const isCounted = service === LOGIN_SERVICES[SSH];
  const tries = isCounted
    ? `was refused ${formatCount(amount)} times by`
    : `tried ${formatCount(amount)} short logins to`;
  const sessions = isCounted ? ` in ${counted(connections, "connection")}` : "";
  return `${source} ${tries} ${service.name} on ${target} (port ${port})${sessions} ` +
    `within ${formatPeriod(lastUs - firstUs)}`;
}

/** Whether moments (sorted) follow a clock, as those of jobs and mail clients do. */
function isScheduled(timesUs: Float64Array): boolean {
  const gaps = new Float64Array(timesUs.length);
  let count = 0;
  let lastUs = timesUs[0];
  for (const timeUs of timesUs) {
    if (timeUs - lastUs < momentUs) continue;
    gaps[count++] = timeUs - lastUs;
    lastUs = timeUs;
  }
  if (count < scheduleGapsMin) return false;
  const { median, deviation } = measureRegularity(gaps.subarray(0, count));
  return median >= scheduleMinUs && deviation <= median * scheduleDeviationMax;
}
