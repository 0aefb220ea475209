/** The detectors in the order in which they see each observation. */
import type { DetectorFactory } from "./detector.ts";

export const DETECTORS: readonly DetectorFactory[] = [];
