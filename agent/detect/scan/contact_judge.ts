/**
 * The way of a contact, from its first packet to the scan that it is part of: kept until an answer, silence or the end
 * of the input judges it, dropped if a guard finds it no evidence, weighed against its source, counted in the scan under
 * way. That is WebAssembly (assembly/), because nearly every row passes here, and a file is over before V8 would have
 * compiled it; here is the door to it.
 */
import { copyRows } from "../observation.ts";
import { contactModule } from "./contact_code.ts";
import {
  JUDGED_AT,
  JUDGED_WORDS,
  LISTED_PORTS_AT,
  O_ANSWER_TIMEOUT_US,
  O_BARE_ACK_WEIGHT,
  O_FAILURE_STEP,
  O_FLOOD_CONTACT_MAX,
  O_HALF_LIFE_US,
  O_INBOUND_MIN,
  O_INTERNAL_MIN,
  O_OUTBOUND_MIN,
  O_RESOLVED_WEIGHT,
  O_ROUTER_FACTOR,
  O_SILENT_UDP_WEIGHT,
  O_SUCCESS_STEP,
  O_SWEEP_MIN,
  O_THRESHOLD,
  OPTION_COUNT,
  OPTIONS_AT,
  PORT_TEXT_AT,
  PORT_TEXT_BYTES,
  PORT_WORDS,
  ROW_WORDS_MAX,
  ROWS_AT,
} from "./contact_layout.ts";
import { JudgedProbe } from "./judged_probe.ts";
import type { ScanOptions } from "./options.ts";

/** What becomes of contacts. Episodes are known by their addresses; see Episode. */
export interface ContactHooks {
  /** A number for a new episode. */
  nextId(): number;
  /** An episode was opened, with the probes kept of its source. */
  opened(episode: number): void;
  /** An episode has grown so that it is to be told again. */
  grown(episode: number): void;
  /** Data went both ways between an episode's source and a port of `target`, four words, that it had found. */
  cameBack(episode: number, target: Int32Array, port: number): void;
  /** The source of an episode has to be forgotten: it is to be closed. */
  forget(episode: number, nowUs: number): void;
  /**
   * A probe failed and may be part of a distributed scan; with `isNamed` its source has an episode of its own. `probe` is
   * filled again for the next one.
   */
  failed(probe: JudgedProbe, isNamed: boolean): void;
}

/** Some ports. */
export interface PortList {
  /** As "22,80,1000-1024"; after 200 ranges "…". */
  readonly text: string;
  readonly count: number;
}

/** Exports of the module; some of them for tests only. */
export interface ContactExports {
  readonly memory: WebAssembly.Memory;
  takeRows(length: number): number;
  advance(nowUs: number): void;
  finish(nowUs: number): void;
  closeEpisode(episode: number, nowUs: number): void;
  noteShared(openCount: number): void;
  evidenceMin(family: number, traits: number): number;
  countSharedPorts(episode: number, other: number): number;
  countPorts(): number;
  writePorts(): number;
  isOneSided(): number;
  isUnanswered(): number;
  forgottenCount(): number;
}

const textDecoder = new TextDecoder();

/** An instance with a memory of its own. */
export function instantiateContacts<Exports extends ContactExports>(
  options: ScanOptions,
  hooks: ContactHooks,
): Exports {
  const env = {
    pow: Math.pow,
    nextId: () => hooks.nextId(),
    opened: (episode: number) => hooks.opened(episode),
    grown: (episode: number) => hooks.grown(episode),
    cameBack: (episode: number, target: number, port: number) =>
      hooks.cameBack(episode, new Int32Array(buffer, target, 4), port),
    forget: (episode: number, nowUs: number) => hooks.forget(episode, nowUs),
    failed: (isNamed: number) => hooks.failed(probe, isNamed !== 0),
  };
  const instance = new WebAssembly.Instance(contactModule(), { env });
  const exports = instance.exports as unknown as Exports & SetUpExports;
  exports.setUp();
  const { buffer } = exports.memory;
  const probe = new JudgedProbe(buffer, JUDGED_AT, JUDGED_WORDS);
  writeOptions(new Float64Array(buffer, OPTIONS_AT, OPTION_COUNT), options);
  return exports;
}

export class ContactJudge {
  readonly memory: ArrayBuffer;
  readonly #exports: ContactExports;
  readonly #rows: Int32Array;
  readonly #ports: Int32Array;
  readonly #portText: Uint8Array;

  constructor(options: ScanOptions, hooks: ContactHooks) {
    this.#exports = instantiateContacts(options, hooks);
    this.memory = this.#exports.memory.buffer;
    this.#rows = new Int32Array(this.memory, ROWS_AT, ROW_WORDS_MAX);
    this.#ports = new Int32Array(this.memory, LISTED_PORTS_AT, PORT_WORDS);
    this.#portText = new Uint8Array(this.memory, PORT_TEXT_AT, PORT_TEXT_BYTES);
  }

  get stateBytes(): number {
    return this.memory.byteLength;
  }

  /** Entries that a full table forgot, contacts left out, and scans not told. */
  get forgottenCount(): number {
    return this.#exports.forgottenCount();
  }

  /** Connections go on although only one side of them is seen. */
  get isOneSided(): boolean {
    return this.#exports.isOneSided() !== 0;
  }

  /** Of many contacts, none has been answered. */
  get isUnanswered(): boolean {
    return this.#exports.isUnanswered() !== 0;
  }

  /** Takes the whole rows from words[from] up to words[to], of any kind and number; they are copied. */
  takeRows(words: Int32Array, from: number, to: number): void {
    copyRows(words, from, to, this.#rows, this.#exports.takeRows);
  }

  advance(nowUs: number): void {
    this.#exports.advance(nowUs);
  }

  /** The input has ended: judges all that is pending. */
  finish(nowUs: number): void {
    this.#exports.finish(nowUs);
  }

  /** An episode is over and has been told: its source is weighed anew, its words are given up. */
  closeEpisode(episode: number, nowUs: number): void {
    this.#exports.closeEpisode(episode, nowUs);
  }

  /** How many distributed scans are under way: without one, probes of named sources are not told to failed(). */
  noteShared(openCount: number): void {
    this.#exports.noteShared(openCount);
  }

  /** Failures that a source needs to be named, by its family of probes and their traits. */
  evidenceMin(family: number, traits: number): number {
    return this.#exports.evidenceMin(family, traits);
  }

  /** How many ports two episodes have in common. */
  countSharedPorts(episode: number, other: number): number {
    return this.#exports.countSharedPorts(episode, other);
  }

  /** Ports from a bit for each. */
  listPorts(bits: Int32Array): PortList {
    this.#ports.set(bits);
    const length = this.#exports.writePorts();
    const text = textDecoder.decode(this.#portText.subarray(0, length));
    return { text, count: this.#exports.countPorts() };
  }
}

interface SetUpExports {
  setUp(): void;
}

/** Logarithms of the sequential test: see assembly/evidence.ts. */
function writeOptions(words: Float64Array, options: ScanOptions): void {
  const { benignSuccess, scannerSuccess, detectionRate, falseAlarmRate } = options;
  words[O_ANSWER_TIMEOUT_US] = options.answerTimeoutUs;
  words[O_FLOOD_CONTACT_MAX] = options.floodContactMax;
  words[O_HALF_LIFE_US] = options.halfLifeUs;
  words[O_FAILURE_STEP] = Math.log((1 - scannerSuccess) / (1 - benignSuccess));
  words[O_SUCCESS_STEP] = Math.log(benignSuccess / scannerSuccess);
  words[O_THRESHOLD] = Math.log(detectionRate / falseAlarmRate);
  words[O_INBOUND_MIN] = options.inboundEvidenceMin;
  words[O_INTERNAL_MIN] = options.internalEvidenceMin;
  words[O_OUTBOUND_MIN] = options.outboundEvidenceMin;
  words[O_SWEEP_MIN] = options.sweepEvidenceMin;
  words[O_ROUTER_FACTOR] = options.routerFactor;
  words[O_SILENT_UDP_WEIGHT] = options.silentUdpWeight;
  words[O_BARE_ACK_WEIGHT] = options.bareAckWeight;
  words[O_RESOLVED_WEIGHT] = options.resolvedWeight;
}
