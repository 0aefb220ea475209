/** From an anomalous window to the finding that people read. */
import { type Finding, type Severity, type TopFeature, WINDOW_US } from "../../records.ts";
import type { DetectorContext } from "../detector.ts";
import { formatCount } from "../common/sentence.ts";
import { FEATURE_COUNT, FEATURES, formatFeature, fromScale } from "./features.ts";
import type { ScoredWindow } from "./judged_window.ts";
import { type Model, RANGE_WIDTH, tellingFeature } from "./model.ts";

const topCount = 3;
/** Scores this far above the threshold, as a share of what is left up to 1, are medium and high. */
const mediumFrom = 0.2;
const highFrom = 0.45;
const windowS = WINDOW_US / 1e6;

export function anomalyFinding(
  window: ScoredWindow,
  model: Model,
  context: Pick<DetectorContext, "nextId" | "formatAddress">,
): Finding {
  const { tsUs, address, score, threshold } = window;
  const text = (words: Int32Array) => context.formatAddress(words[0], words[1], words[2], words[3]);
  const entity = address === null ? "link" : text(address);
  const leading = tellingFeature(model.ranges, window.vector, 0);
  const excess = (score - threshold) / (1 - threshold);
  const targets = window.peers.map((peer) => text(peer.address));
  return {
    id: context.nextId(),
    kind: "anomaly",
    severity: severityOf(excess),
    attackId: FEATURES[leading].attackId,
    sources: address === null ? [] : [entity],
    sourceCount: address === null ? 0 : 1,
    targets,
    targetCount: Math.max(targets.length, peerCount(window)),
    firstUs: tsUs,
    lastUs: tsUs + WINDOW_US,
    detectedUs: tsUs + WINDOW_US,
    confidence: Math.min(0.99, 0.5 + excess),
    reason: sentence(entity, window, model, leading),
    isOpen: false,
    flowIds: window.flowIds,
    amount: 1,
    anomaly: {
      tsUs,
      windowUs: WINDOW_US,
      entity,
      score,
      threshold,
      topFeatures: topFeatures(window, model),
    },
  };
}

/** The features that shortened the path most, at most three. */
export function topFeatures({ vector }: ScoredWindow, model: Model): TopFeature[] {
  const shares = new Float64Array(FEATURE_COUNT);
  model.forest.explain(vector, 0, shares);
  const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
  return order.slice(0, topCount).filter((index) => shares[index] > 0).map((index) => ({
    name: FEATURES[index].name,
    value: Number.isNaN(vector[index]) ? null : naturalValue(index, vector[index]),
    typical: typicalRange(model, index),
    contribution: fourDigits(shares[index]),
  }));
}

function severityOf(excess: number): Severity {
  if (excess >= highFrom) return "high";
  return excess >= mediumFrom ? "medium" : "low";
}

/** As "10.0.0.9 opened 412 connections to 398 hosts in 10 s; usually 3 to 20" */
function sentence(entity: string, { vector }: ScoredWindow, model: Model, index: number): string {
  const feature = FEATURES[index];
  const text = formatFeature(feature, fromScale(feature, vector[index]));
  const [low, high] = typicalRange(model, index).map((value) => formatFeature(feature, value));
  const who = entity === "link" ? "All hosts together" : entity;
  const usual = low === high ? low : `${low} to ${high}`;
  return `${who} ${deed(vector, index, text)} in ${windowS} s; usually ${usual}`;
}

function deed(vector: Float64Array, index: number, text: string): string {
  const peers = valueOf(vector, "peers");
  const connections = valueOf(vector, "connections");
  const isOfPeers = FEATURES[index].name === "peers" && connections >= peers;
  if (!isOfPeers) return FEATURES[index].says(text);
  return `opened ${formatCount(connections)} connections to ${text} hosts`;
}

/** Peers that a window speaks of: those contacted, else those that came. */
function peerCount({ vector }: ScoredWindow): number {
  return Math.round(valueOf(vector, "peers") || valueOf(vector, "sources"));
}

function valueOf(vector: Float64Array, name: string): number {
  const index = FEATURES.findIndex((feature) => feature.name === name);
  return fromScale(FEATURES[index], vector[index]);
}

function typicalRange({ ranges }: Model, index: number): [number, number] {
  const base = index * RANGE_WIDTH;
  return [naturalValue(index, ranges[base]), naturalValue(index, ranges[base + 2])];
}

/** In the feature's unit: counts whole, others with four digits. */
function naturalValue(index: number, learnt: number): number {
  const feature = FEATURES[index];
  const value = fromScale(feature, learnt);
  return feature.scale === "log1p" ? Math.round(value) : fourDigits(value);
}

function fourDigits(value: number): number {
  return Number(value.toPrecision(4));
}
