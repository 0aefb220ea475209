/** The detectors in the order in which they see each observation. */
import { AnomalyDetector } from "./anomaly/anomaly_detector.ts";
import { ArpSpoof } from "./arp_spoof/arp_spoof.ts";
import { Beacon } from "./beacon/beacon.ts";
import { BruteForce } from "./brute_force/brute_force.ts";
import { Blocklist } from "./blocklist/blocklist.ts";
import type { DetectorFactory } from "./detector.ts";
import { DnsTunnel } from "./dns_tunnel/dns_tunnel.ts";
import { Exfiltration } from "./exfiltration/exfiltration.ts";
import { Flood } from "./flood/flood.ts";
import { ScanDetector } from "./scan/scan_detector.ts";

export const DETECTORS: readonly DetectorFactory[] = [
  (context) => new ScanDetector(context),
  (context) => new BruteForce(context),
  (context) => new Flood(context),
  (context) => new ArpSpoof(context),
  (context) => new DnsTunnel(context),
  (context) => new Beacon(context),
  (context) => new Exfiltration(context),
  (context) => new AnomalyDetector(context),
];

/** Only where there are block lists. */
export const BLOCKLIST_DETECTOR: DetectorFactory = (context) => new Blocklist(context);
