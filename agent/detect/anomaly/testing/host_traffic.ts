/** For tests: what the pipeline would tell of simple traffic, window by window, played to an anomaly detector. */
import {
  Application,
  type ApplicationName,
  type Finding,
  Transport,
  WINDOW_US,
} from "../../../records.ts";
import type { DetectorContext } from "../../detector.ts";
import {
  ARP_WORDS,
  CONTACT_WORDS,
  HOST_WINDOW_WORDS,
  Mark,
  Observation,
  ObservationKind,
  SHORT_WORDS,
} from "../../observation.ts";
import { Prng } from "../../common/prng.ts";

export const epochS = 1_700_000_000;

interface Observer {
  takeRows(words: Int32Array, from: number, to: number): void;
  /** The end of a window. */
  observe?(observation: Observation): void;
}

export interface TestContext extends DetectorContext {
  readonly findings: Finding[];
  readonly notes: string[];
  /** Addresses that other findings speak of. */
  readonly suspects: Set<string>;
}

export function testContext(options: Partial<DetectorContext> = {}): TestContext {
  const findings: Finding[] = [];
  const notes: string[] = [];
  const suspects = new Set<string>();
  let lastId = 0;
  return {
    findings,
    notes,
    suspects,
    nextId: () => ++lastId,
    report: (finding) => findings.push(finding),
    formatAddress: (_word0, _word1, _word2, word3) => text(word3),
    isSuspect: (_word0, _word1, _word2, word3) => suspects.has(text(word3)),
    isOwn: () => false,
    model: null,
    blockLists: null,
    anomalyQuantile: 0.995,
    seed: 1,
    note: (line) => notes.push(line),
    isLive: true,
    ...options,
  };
}

export interface ConnectionScript {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly transport?: number;
  /** "accepted" when left out. */
  readonly outcome?: "accepted" | "refused" | "unanswered";
  readonly application?: ApplicationName;
  /** Seconds after the start of the window. */
  readonly afterS?: number;
}

export class TestTraffic {
  /** Start of the window in progress, seconds. */
  startS = epochS;
  readonly #observer: Observer;
  readonly #observation = new Observation();
  readonly #volumes = new Map<string, [number, number]>();
  #flowId = 0;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  connect(script: ConnectionScript) {
    const { from, to, port, transport = Transport.tcp, outcome = "accepted" } = script;
    const { application, afterS = 0 } = script;
    const flowId = ++this.#flowId;
    const asked = Mark.isNew | Mark.isFirstOfSide | Mark.isFirstInWindow | Mark.sentByOriginator;
    const common = { transport, flowId, application: Application[application ?? ""], afterS };
    this.#contact({ ...common, from, to, fromPort: 40_000, toPort: port, marks: asked });
    this.send(from, to, 1);
    if (outcome === "unanswered") return;
    const tcpFlags = outcome === "refused" ? 0x14 : 0x12;
    const back = { ...common, from: to, to: from, fromPort: port, toPort: 40_000 };
    this.#contact({ ...back, marks: Mark.isFirstOfSide, tcpFlags });
    this.send(to, from, 1);
  }

  /** Packets that tell the detectors nothing but their number. */
  send(from: string, to: string, packets: number): void {
    this.#volume(from)[0] += packets;
    this.#volume(to)[1] += packets;
  }

  askArp(from: string, target: string): void {
    const words = row(ARP_WORDS, ObservationKind.arp, Transport.arp, this.startS);
    writeAddress(words, 3, from);
    writeAddress(words, 7, target);
    words[13] = Mark.isLinkBroadcast;
    words[14] = 1;
    this.#observe(words);
  }

  askDns(from: string, to: string, name: string): void {
    const words = row(16 + (name.length + 3 >> 2), ObservationKind.dns, Transport.udp, this.startS);
    writeAddress(words, 3, from);
    writeAddress(words, 7, to);
    words[14] = name.length << 16 | 1;
    for (let index = 0; index < name.length; index++) {
      words[16 + (index >> 2)] |= name.charCodeAt(index) << (index & 3) * 8;
    }
    this.#observe(words);
  }

  endWindow(): void {
    for (const [host, [packetsOut, packetsIn]] of this.#volumes) {
      const words = row(HOST_WINDOW_WORDS, ObservationKind.hostWindow, 0, this.startS);
      writeAddress(words, 3, host);
      words.set([packetsOut, packetsIn, 0, packetsOut * 100, 0, packetsIn * 100], 14);
      this.#observe(words);
    }
    this.#volumes.clear();
    this.#observe(row(SHORT_WORDS, ObservationKind.windowEnd, 0, this.startS));
    this.startS += WINDOW_US / 1e6;
  }

  #volume(host: string): [number, number] {
    const volume = this.#volumes.get(host) ?? [0, 0];
    this.#volumes.set(host, volume);
    return volume;
  }

  #contact(script: {
    readonly from: string;
    readonly to: string;
    readonly fromPort: number;
    readonly toPort: number;
    readonly transport: number;
    readonly marks: number;
    readonly flowId: number;
    readonly application: number;
    readonly afterS: number;
    readonly tcpFlags?: number;
  }): void {
    const atS = this.startS + script.afterS;
    const words = row(CONTACT_WORDS, ObservationKind.contact, script.transport, atS);
    words[23] = script.application << 16;
    writeAddress(words, 3, script.from);
    writeAddress(words, 7, script.to);
    words[11] = script.fromPort << 16 | script.toPort;
    words[12] = script.flowId;
    words[13] = script.marks;
    words[14] = (script.tcpFlags ?? 2) << 16;
    this.#observe(words);
  }

  #observe(words: Int32Array): void {
    const end = this.#observation.read(words, 0);
    if (this.#observation.kind === ObservationKind.windowEnd) {
      this.#observer.observe?.(this.#observation);
    } else this.#observer.takeRows(words, 0, end);
  }
}

/** One window of an office: 20 hosts with a few connections each to servers, most of which are accepted. */
export function playOffice(traffic: TestTraffic, prng: Prng): void {
  for (let host = 1; host <= 20; host++) {
    const from = `10.0.0.${host}`;
    const connections = 1 + prng.below(5);
    for (let index = 0; index < connections; index++) {
      const to = `10.0.1.${1 + prng.below(8)}`;
      const outcome = prng.below(40) === 0 ? "refused" : "accepted";
      traffic.connect({ from, to, port: [80, 443, 53][prng.below(3)], outcome });
      traffic.send(from, to, 5 + prng.below(40));
      traffic.send(to, from, 5 + prng.below(60));
    }
  }
}

/** A scan of ports 1 to `ports`. */
export function playScan(traffic: TestTraffic, from: string, to: string, ports: number): void {
  for (let port = 1; port <= ports; port++) {
    traffic.connect({ from, to, port, outcome: "refused" });
  }
}

function row(length: number, kind: number, transport: number, atS: number): Int32Array {
  const words = new Int32Array(length);
  words[0] = length << 16 | transport << 8 | kind;
  words[1] = Math.floor(atS);
  words[2] = Math.round((atS - Math.floor(atS)) * 1e6);
  return words;
}

function writeAddress(words: Int32Array, at: number, address: string): void {
  words[at + 2] = 0xffff;
  words[at + 3] = address.split(".").reduce((word, part) => word << 8 | Number(part), 0);
}

function text(word: number): string {
  return [word >>> 24, word >>> 16 & 255, word >>> 8 & 255, word & 255].join(".");
}
