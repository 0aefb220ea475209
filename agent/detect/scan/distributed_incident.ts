/**
 * A scan of one host that several sources share, from detection until quiet. Of more than 1,024 sources only those are
 * followed that came first: at most some 110 KB.
 */
import { ADDRESSES_LISTED_MAX, type Finding, FLOWS_LINKED_MAX } from "../../records.ts";
import type { JudgedProbe } from "./judged_probe.ts";
import { PortSet } from "./port_set.ts";
import { Family, PROBE_OF_FAMILY, Trait } from "./probe_family.ts";
import { ATTACK_ID_INSIDE, ATTACK_ID_OUTSIDE, confidenceOf } from "./scan_finding.ts";
import { scanReason } from "./scan_text.ts";
import { Tempo } from "./tempo.ts";

const sourcesMax = 1024;
const growthFactor = 10;
/** Fewer probes may be those of a bystander. */
const probesNamedMin = 3;

export class DistributedIncident {
  readonly detectedUs: number;
  readonly #family: number;
  readonly #traits: number;
  readonly #sources = new Map<string, number>();
  readonly #ports = new PortSet();
  readonly #tempo = new Tempo();
  readonly #flowIds: number[] = [];
  attempts = 0;
  judgedUs = 0;
  tellAt = Infinity;
  #firstUs = Infinity;
  #lastUs = -Infinity;

  constructor(readonly id: number, readonly target: string, probe: JudgedProbe) {
    this.detectedUs = probe.atUs;
    this.#family = probe.family;
    this.#traits = probe.traits;
  }

  /** Bytes held, about. */
  get stateBytes(): number {
    return 500 + this.#sources.size * 100 + this.#ports.stateBytes;
  }

  take(
    source: string,
    port: number,
    probe: Pick<JudgedProbe, "startUs" | "atUs" | "flowId">,
  ): void {
    this.attempts++;
    const count = this.#sources.get(source);
    if (count !== undefined || this.#sources.size < sourcesMax) {
      this.#sources.set(source, (count ?? 0) + 1);
    }
    this.#ports.add(port);
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

  finding(isOpen: boolean, evidenceMin: number): Finding {
    const sources = this.#namedSources();
    const ports = this.#ports.toString();
    const portCount = this.#ports.count;
    const probe = this.#family === Family.tcp && (this.#traits & Trait.isRaw) === 0
      ? "connect"
      : PROBE_OF_FAMILY[this.#family];
    const isFromOutside = (this.#traits & Trait.isSourceLocal) === 0 &&
      (this.#traits & Trait.isDestinationLocal) !== 0;
    return {
      id: this.id,
      kind: "scan",
      severity: "medium",
      attackId: isFromOutside ? ATTACK_ID_OUTSIDE : ATTACK_ID_INSIDE,
      sources: sources.slice(0, ADDRESSES_LISTED_MAX),
      sourceCount: sources.length,
      targets: [this.target],
      targetCount: 1,
      firstUs: this.#firstUs,
      lastUs: this.#lastUs,
      detectedUs: this.detectedUs,
      confidence: confidenceOf(this.attempts, evidenceMin),
      reason: scanReason({
        kind: "distributed",
        probe,
        source: sources[0],
        sourceCount: sources.length,
        target: this.target,
        targetCount: 1,
        ports,
        portCount,
        answered: 0,
        spanUs: this.#lastUs - this.#firstUs,
        decoyCount: 0,
        cameBack: [],
      }),
      isOpen,
      flowIds: [...this.#flowIds],
      scan: {
        kind: "distributed",
        probe,
        ports,
        portCount,
        attempts: this.attempts,
        answered: 0,
        answeredPorts: "",
        tempo: this.#tempo.name(),
        tool: "",
        hasDecoys: false,
        cameBack: [],
      },
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
