/**
 * A detector for tests of what is around detectors: it opens one scan and one brute force with the first TCP contact, tells
 * them again with each second of traffic, and closes them at the end of input. Its model is three bytes.
 */
import type { Detector, DetectorContext } from "../agent/detect/detector.ts";
import { Mark, type Observation, ObservationKind } from "../agent/detect/observation.ts";
import { type Finding, Transport } from "../agent/records.ts";

export const tinyModel = Uint8Array.of(7, 7, 7);

export class TinyDetector implements Detector {
  readonly stateBytes = 64;
  readonly forgottenCount = 0;
  readonly #context: DetectorContext;
  #findings: Finding[] = [];
  #contacts = 0;

  constructor(context: DetectorContext) {
    this.#context = context;
    if (context.model && context.model.join() !== tinyModel.join()) {
      context.note("No model of ours.");
    }
  }

  observe(observation: Observation): void {
    const { kind, transport } = observation;
    if (kind !== ObservationKind.contact || transport !== Transport.tcp) return;
    if (!observation.has(Mark.isNew) || ++this.#contacts > 1) return;
    const { formatAddress, nextId } = this.#context;
    const { words, at, timestampUs, flowId } = observation;
    const [source0, source1, source2, source3] = words.subarray(at + 3, at + 7);
    const scan: Finding = {
      id: nextId(),
      kind: "scan",
      severity: "medium",
      attackId: "T1046",
      sources: [formatAddress(source0, source1, source2, source3)],
      sourceCount: 1,
      targets: [],
      targetCount: 0,
      firstUs: timestampUs,
      lastUs: timestampUs,
      detectedUs: timestampUs,
      confidence: 0.5,
      reason: "A host met \u001b[1manother.",
      isOpen: true,
      flowIds: [flowId],
      amount: 1,
      scan: {
        kind: "vertical",
        probe: "syn",
        ports: "80",
        portCount: 1,
        attempts: 1,
        answered: 0,
        answeredPorts: "",
        tempo: "",
        tool: "",
        hasDecoys: false,
        found: [],
        cameBack: [],
      },
    };
    const { scan: _, ...rest } = scan;
    this.#tell([scan, { ...rest, id: nextId(), kind: "brute_force", attackId: "T1110" }]);
  }

  advance(nowUs: number): void {
    this.#tell(this.#findings.map((finding) => ({ ...finding, lastUs: nowUs })));
  }

  finish(nowUs: number): void {
    this.#tell(this.#findings.map((finding) => ({ ...finding, lastUs: nowUs, isOpen: false })));
  }

  learning() {
    return {
      state: "ready",
      windowsLearnt: 1,
      windowsNeeded: 1,
      windows: 1,
      windowsFlagged: 0,
      anomalyRatePct: 0,
      modelFittedUs: 1,
      blocklists: { lists: 0, entries: 0, badLines: 0 },
    } as const;
  }

  saveModel(): Uint8Array {
    return tinyModel;
  }

  #tell(findings: Finding[]): void {
    this.#findings = findings;
    for (const finding of findings) this.#context.report(finding);
  }
}

const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Statements that put this detector in the place of all others, for the module that starts a detect worker. */
export const tinyDetectorModule = `
  import { DETECTORS } from ${at("../agent/detect/detectors.ts")};
  import { TinyDetector } from ${at("./tiny_detector.ts")};
  DETECTORS.splice(0, DETECTORS.length, (context) => new TinyDetector(context));`;
