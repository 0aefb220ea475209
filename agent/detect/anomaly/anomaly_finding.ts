/** From an anomalous window to the finding that people read. */
import type { Finding, Severity, TopFeature } from "../../records.ts";
import type { DetectorContext } from "../detector.ts";
import { formatCount, formatPeriod } from "../../text/amounts.ts";
import { FEATURE_COUNT, FEATURES, formatFeature, fromScale, naturalValue } from "./features.ts";
import type { ScoredWindow } from "./judged_window.ts";
import { isUnusual, type Model, tellingFeature, usualRange } from "./model.ts";

const topCount = 3;
/** Scores this far above the threshold, as a share of what is left up to 1, are medium and high. */
const mediumFrom = 0.2;
const highFrom = 0.45;

/** In place of an address: all hosts together. */
export const linkEntity = "link";

export function anomalyFinding(
  window: ScoredWindow,
  entity: string,
  model: Model,
  context: Pick<DetectorContext, "nextId" | "formatAddress">,
): Finding {
  const { tsUs, endUs, address, score, threshold } = window;
  const text = (words: Int32Array) => context.formatAddress(words[0], words[1], words[2], words[3]);
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
    lastUs: window.lastUs,
    detectedUs: endUs,
    confidence: Math.min(0.99, 0.5 + excess),
    reason: sentence(entity, window, model, leading),
    isOpen: false,
    flowIds: window.flowIds,
    amount: 1,
    anomaly: {
      tsUs,
      windowUs: endUs - tsUs,
      entity,
      score,
      threshold,
      topFeatures: topFeatures(window, model, leading),
    },
  };
}

/**
 * The feature that the reason names, and after it those that shortened the path most, three in all; only such whose values lie
 * outside what is usual.
 */
function topFeatures({ vector }: ScoredWindow, model: Model, leading: number): TopFeature[] {
  const shares = new Float64Array(FEATURE_COUNT);
  model.forest.explain(vector, 0, shares);
  const others = [...shares.keys()].filter((index) =>
    index !== leading && shares[index] > 0 && isUnusual(model.ranges, index, vector[index])
  );
  others.sort((a, b) => shares[b] - shares[a]);
  return [leading, ...others.slice(0, topCount - 1)].map((index) => ({
    name: FEATURES[index].name,
    value: naturalValue(FEATURES[index], fromScale(FEATURES[index], vector[index])),
    typical: usualRange(model.ranges, index),
    contribution: fourDigits(shares[index]),
  }));
}

function severityOf(excess: number): Severity {
  if (excess >= highFrom) return "high";
  return excess >= mediumFrom ? "medium" : "low";
}

/** As "10.0.0.9 opened 412 connections to 398 hosts in 10 s; usually 3 to 20" */
function sentence(entity: string, window: ScoredWindow, model: Model, index: number): string {
  const { vector, tsUs, endUs } = window;
  const feature = FEATURES[index];
  const text = formatFeature(feature, fromScale(feature, vector[index]));
  const [low, high] = usualRange(model.ranges, index).map((value) => formatFeature(feature, value));
  const who = entity === linkEntity ? "All hosts together" : entity;
  const usual = low === high ? low : `${low} to ${high}`;
  return `${who} ${deed(vector, index, text)} in ${formatPeriod(endUs - tsUs)}; usually ${usual}`;
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

function fourDigits(value: number): number {
  return Number(value.toPrecision(4));
}
