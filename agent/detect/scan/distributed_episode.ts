/**
 * A scan of one host that several sources share, from detection until quiet. Of more than 1,024 sources only those are
 * followed that came first: at most some 110 KB.
 */
import { ADDRESSES_LISTED_MAX, FLOWS_LINKED_MAX } from "../../records.ts";
import type { PortList } from "./contact_judge.ts";
import { PORT_WORDS } from "./contact_layout.ts";
import type { JudgedProbe } from "./judged_probe.ts";
import { Family, PROBE_OF_FAMILY, Trait } from "./probe_family.ts";
import type { ScanSummary } from "./scan_finding.ts";
import { Tempo } from "./tempo.ts";

const sourcesMax = 1024;
const growthFactor = 10;
/** Fewer probes may be those of a bystander. */
const probesNamedMin = 3;

export class DistributedEpisode {
  readonly detectedUs: number;
  readonly #family: number;
  readonly #traits: number;
  readonly #sources = new Map<string, number>();
  /** A bit for each port tried. */
  readonly ports = new Int32Array(PORT_WORDS);
  readonly #tempo = new Tempo();
  readonly #flowIds: number[] = [];
  attempts = 0;
  judgedUs = 0;
  tellAt = Infinity;
  #areSourcesMore = false;
  #firstUs = Infinity;
  #lastUs = -Infinity;

  constructor(readonly id: number, readonly target: string, probe: JudgedProbe) {
    this.detectedUs = probe.atUs;
    this.#family = probe.family;
    this.#traits = probe.traits;
  }

  /** Bytes held, about. */
  get stateBytes(): number {
    return 500 + this.#sources.size * 100 + this.ports.byteLength;
  }

  take(
    source: string,
    port: number,
    probe: Pick<JudgedProbe, "startUs" | "atUs" | "flowId">,
  ): void {
    this.attempts++;
    const count = this.#sources.get(source);
    if (count === undefined && this.#sources.size === sourcesMax) this.#areSourcesMore = true;
    else this.#sources.set(source, (count ?? 0) + 1);
    this.ports[port >>> 5] |= 1 << (port & 31);
    this.#tempo.add(probe.startUs);
    this.#firstUs = Math.min(this.#firstUs, probe.startUs);
    this.#lastUs = Math.max(this.#lastUs, probe.startUs);
    this.judgedUs = probe.atUs;
    if (probe.flowId !== 0 && this.#flowIds.length < FLOWS_LINKED_MAX) {
      this.#flowIds.push(probe.flowId);
    }
  }

  noteTold(): void {
    this.tellAt = this.attempts * growthFactor;
  }

  summary(evidenceMin: number, ports: PortList): ScanSummary {
    const sources = this.#namedSources();
    const isConnect = this.#family === Family.tcp && (this.#traits & Trait.isRaw) === 0;
    return {
      id: this.id,
      kind: "distributed",
      probe: isConnect ? "connect" : PROBE_OF_FAMILY[this.#family],
      severity: "medium",
      sources: sources.slice(0, ADDRESSES_LISTED_MAX),
      sourceCount: sources.length,
      areSourcesMore: this.#areSourcesMore,
      targets: [this.target],
      targetCount: 1,
      firstUs: this.#firstUs,
      lastUs: this.#lastUs,
      detectedUs: this.detectedUs,
      ports,
      answeredPorts: { text: "", count: 0 },
      attempts: this.attempts,
      answered: 0,
      tempo: this.#tempo.name(),
      tool: "",
      decoyCount: 0,
      found: [],
      cameBack: [],
      flowIds: this.#flowIds,
      traits: this.#traits,
      evidenceMin,
      isOneSided: false,
      isWithinHost: false,
    };
  }

  /** Sources with most probes first; those with one or two only where hardly any has more. */
  #namedSources(): string[] {
    const sorted = [...this.#sources].sort((a, b) => b[1] - a[1]);
    for (let least = probesNamedMin; least > 1; least--) {
      const named = sorted.filter(([, count]) => count >= least);
      if (named.length >= probesNamedMin) return named.map(([source]) => source);
    }
    return sorted.map(([source]) => source);
  }
}
