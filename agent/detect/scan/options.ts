/**
 * What the scan detector's thresholds are, and where they come from. Probabilities are those of the sequential test of
 * Jung, Paxson, Berger and Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis Testing" (2004).
 */
export interface ScanOptions {
  /** Chance that a first contact of a benign host succeeds (theta0), and of a scanner (theta1). */
  readonly benignSuccess: number;
  readonly scannerSuccess: number;
  /** Chance to name a scanner (P_D) and to name a benign host (P_F). */
  readonly detectionRate: number;
  readonly falseAlarmRate: number;
  /** Evidence is worth half after this long. */
  readonly halfLifeUs: number;
  /** A probe without an answer has failed after this long. */
  readonly answerTimeoutUs: number;
  /** Distinct (target, port) that must have failed, by direction. */
  readonly inboundEvidenceMin: number;
  readonly internalEvidenceMin: number;
  readonly outboundEvidenceMin: number;
  /** The same for ICMP and ARP sweeps, where benign hosts reach 3 to 5 and routers 12. */
  readonly sweepEvidenceMin: number;
  /** By how much the latter is raised for a router. */
  readonly routerFactor: number;
  /** Weight of a failure that benign traffic also shows, until a scan's pattern shows. */
  readonly silentUdpWeight: number;
  /** Bare ACK and FIN-ACK: nothing, because a capture may begin within connections. */
  readonly bareAckWeight: number;
  readonly resolvedWeight: number;
  /** Distributed scan: failed contacts, ports and sources at one target. */
  readonly victimFailureMin: number;
  readonly victimPortMin: number;
  readonly victimSourceMin: number;
  /** An episode closes after this long without a probe. */
  readonly quietUs: number;
  /** New contacts with one destination in 10 s above which unknown sources are not followed one by one. */
  readonly floodContactMax: number;
}

const minuteUs = 60_000_000;

export const DEFAULT_SCAN_OPTIONS: ScanOptions = {
  benignSuccess: 0.8,
  scannerSuccess: 0.2,
  detectionRate: 0.99,
  falseAlarmRate: 0.01,
  halfLifeUs: 60 * minuteUs,
  answerTimeoutUs: 5_000_000,
  inboundEvidenceMin: 5,
  internalEvidenceMin: 5,
  outboundEvidenceMin: 12,
  sweepEvidenceMin: 10,
  routerFactor: 10,
  silentUdpWeight: 0.25,
  bareAckWeight: 0,
  resolvedWeight: 0.5,
  victimFailureMin: 25,
  victimPortMin: 20,
  victimSourceMin: 5,
  quietUs: 30 * minuteUs,
  floodContactMax: 2000,
};
