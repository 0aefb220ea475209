/**
 * Password guessing: one source that has many short, similar login sessions with one service. Judged by what a session
 * was when it ended, for what is said in it is mostly encrypted.
 *
 * Two limits: a burst (see brute_force_services.ts), and Zeek's 30 sessions in 30 minutes
 * (SSH::password_guesses_limit, SSH::guessing_timeout) for the patient. A session in which more was done than logging
 * in shows a user who may, so it wipes the evidence; so do scheduled jobs and mail clients, known by their clockwork.
 */
import { Transport } from "../../records.ts";
import {
  LOGIN_SERVICES,
  type LoginService,
  serviceOfApplication,
  serviceOfPort,
} from "./services.ts";
import type { Detector, DetectorContext, Interest } from "../detector.ts";
import { type Episode, type EpisodeFacts, Episodes } from "../common/episodes.ts";
import { KeyedSlots } from "../common/keyed_slots.ts";
import { Mark, type Observation, ObservationKind } from "../observation.ts";
import { measureRegularity } from "../common/regularity.ts";
import { formatPeriod } from "../../text/amounts.ts";
import { keyAddress } from "../common/address_words.ts";

const secondUs = 1_000_000;
const burstUs = 60 * secondUs;
const patientSessions = 30;
const patientUs = 1800 * secondUs;
const quietUs = 1800 * secondUs;
/** From so many on the finding is of high severity. */
const manySessions = 100;
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
    { kind: ObservationKind.end, marks: 0 },
  ];
  readonly #context: DetectorContext;
  readonly #slots: KeyedSlots;
  readonly #episodes: Episodes;
  readonly #key = new Int32Array(keyWords);
  readonly #timesUs = new Float64Array(capacity * ringLength);
  readonly #flowIds = new Uint32Array(capacity * ringLength);
  /** Sessions since the evidence was wiped last, and those of them that were before the episode. */
  readonly #counts = new Uint32Array(capacity);
  readonly #countsBefore = new Uint32Array(capacity);
  readonly #services = new Uint8Array(capacity);
  /** 1 when more than a login was done after the episode was opened. */
  readonly #entered = new Uint8Array(capacity);

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
      this.#counts.byteLength * 2 + this.#services.byteLength + this.#entered.byteLength;
  }
  get forgottenCount(): number {
    return this.#slots.forgottenCount;
  }

  observe(observation: Observation): void {
    if (observation.transport !== Transport.tcp) return;
    const usual = serviceOfPort[observation.destinationPort];
    const index = usual >= 0 ? usual : serviceOfApplication[observation.application];
    if (index < 0 || observation.has(Mark.isContinued)) return;
    const service = LOGIN_SERVICES[index];
    const { origBytes, respBytes } = observation;
    if (origBytes < service.clientBytesMin || respBytes < service.serverBytesMin) return;
    if (origBytes > service.clientBytesMax || respBytes > service.serverBytesMax) {
      this.#work(observation);
    } else this.#attempt(observation, index);
  }

  advance(nowUs: number): void {
    this.#episodes.advance(nowUs);
  }
  finish(): void {
    this.#episodes.finish();
  }

  /** A session in which more was done than logging in. */
  #work(observation: Observation): void {
    this.#readKey(observation);
    const slot = this.#slots.find(this.#key);
    if (slot < 0) return;
    if (!this.#episodes.get(slot)) this.#counts[slot] = 0;
    else if (this.#entered[slot] === 0) {
      this.#entered[slot] = 1;
      this.#episodes.retell(slot);
    }
  }

  #attempt(observation: Observation, service: number): void {
    this.#readKey(observation);
    const slot = this.#slots.add(this.#key);
    if (this.#slots.isNew) this.#counts[slot] = 0;
    this.#services[slot] = service;
    const { timestampUs, flowId } = observation;
    const place = slot * ringLength + this.#counts[slot] % ringLength;
    this.#timesUs[place] = timestampUs;
    this.#flowIds[place] = flowId;
    const amount = ++this.#counts[slot] - this.#countsBefore[slot];
    if (this.#episodes.get(slot)) this.#episodes.grow(slot, { timestampUs, amount, flowId });
    else this.#judge(slot, timestampUs);
  }

  #judge(slot: number, nowUs: number): void {
    const { burst } = LOGIN_SERVICES[this.#services[slot]];
    const isBurst = nowUs - this.#timeBefore(slot, burst - 1) <= burstUs;
    const isPatient = nowUs - this.#timeBefore(slot, patientSessions - 1) <= patientUs;
    if (!isBurst && !isPatient) return;
    const count = isPatient ? patientSessions : burst;
    const times = Float64Array.from({ length: count }, (_, back) => this.#timeBefore(slot, back));
    times.sort();
    if (isPatient && isScheduled(times)) return;
    const flowIds = Array.from(
      { length: count },
      (_, back) => this.#flowIds[this.#place(slot, back)],
    );
    this.#countsBefore[slot] = this.#counts[slot] - count;
    this.#entered[slot] = 0;
    this.#episodes.open(slot, times[0], { timestampUs: nowUs, amount: count, flowId: 0 }, flowIds);
  }

  /** Place of the session that many before the newest one. */
  #place(slot: number, back: number): number {
    return slot * ringLength + (this.#counts[slot] - 1 - back) % ringLength;
  }
  #timeBefore(slot: number, back: number): number {
    return this.#counts[slot] > back ? this.#timesUs[this.#place(slot, back)] : -Infinity;
  }

  #readKey(observation: Observation): void {
    const { words, at } = observation;
    for (let word = 0; word < 8; word++) this.#key[word] = words[at + 3 + word];
    this.#key[8] = observation.destinationPort;
  }

  #describe(slot: number, episode: Episode): EpisodeFacts {
    const source = keyAddress(this.#context, this.#slots, slot, 0);
    const target = keyAddress(this.#context, this.#slots, slot, 4);
    const service = LOGIN_SERVICES[this.#services[slot]];
    const isEntered = this.#entered[slot] === 1;
    return {
      hasSucceeded: isEntered,
      severity: isEntered ? "critical" : episode.amount >= manySessions ? "high" : "medium",
      attackId: "T1110.001",
      sources: [source],
      sourceCount: 1,
      targets: [target],
      targetCount: 1,
      // Twice the limit leaves little room for chance.
      confidence: Math.min(0.99, 0.6 + 0.3 * episode.amount / (2 * service.burst)),
      reason: sentence(service, source, target, this.#slots.keyWord(slot, 8), episode) +
        (isEntered ? ", and has since held a session that went further" : ""),
    };
  }
}

function sentence(
  { name }: LoginService,
  source: string,
  target: string,
  port: number,
  { amount, firstUs, lastUs }: Episode,
): string {
  return `${source} tried ${amount} short logins to ${name} on ${target} (port ${port}) ` +
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
