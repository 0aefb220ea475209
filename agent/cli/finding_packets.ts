/** Which packets a finding or an incident has: whose, and of what time. What is kept, exported and mailed are the same. */
import { parseIp } from "../decode/addresses.ts";
import { type FindingList, readFinding } from "../finding_reader.ts";
import type { Finding, Incident } from "../records.ts";
import type { StoreReader } from "../store/reader.ts";

export interface PacketScope {
  /** First and last time, included; Infinity while it goes on. */
  readonly fromUs: number;
  readonly lastUs: number;
  /** IP addresses of which a packet has one; none takes all packets. */
  readonly hosts: readonly string[];
  /** The same of its other end, where all are known. */
  readonly peers: readonly string[];
}

type Ends = Pick<Finding, "sources" | "sourceCount" | "targets" | "targetCount">;

/** What led up to a finding. */
const leadUs = 5e6;

export function packetsOfFinding(
  { firstUs, lastUs, isOpen, ...ends }: Pick<Finding, "firstUs" | "lastUs" | "isOpen"> & Ends,
): PacketScope {
  return { fromUs: firstUs - leadUs, lastUs: isOpen ? Infinity : lastUs, ...hostsOf(ends) };
}

/** From the first to the last packet also of its flows. Rejects when the database cannot be read. */
export async function packetsOfIncident(
  queries: Pick<StoreReader, "incidentFlowSpan">,
  incident: Pick<Incident, "id" | "firstUs" | "lastUs"> & Ends,
): Promise<PacketScope> {
  const { id, firstUs, lastUs } = incident;
  const flows = await queries.incidentFlowSpan(id);
  return {
    fromUs: Math.min(firstUs - leadUs, flows?.fromUs ?? firstUs),
    lastUs: Math.max(lastUs, flows?.toUs ?? lastUs),
    ...hostsOf(incident),
  };
}

/** The finding of this row id, which scans and anomalies count together; null when there is none. */
export async function findFinding(
  queries: StoreReader,
  id: number,
  lists: readonly FindingList[] = ["scans", "anomalies"],
): Promise<Finding | null> {
  for (const list of lists) {
    const row = await (list === "scans" ? queries.scan(id) : queries.anomaly(id));
    if (row !== null) return readFinding(list, row);
  }
  return null;
}

/** Of many sources and few targets it is the targets that tell all packets. */
function hostsOf(
  { sources, sourceCount, targets, targetCount }: Ends,
): Pick<PacketScope, "hosts" | "peers"> {
  const [from, to] = [sources.filter(isIp), targets.filter(isIp)];
  const areAllSources = from.length >= sourceCount;
  const areAllTargets = to.length > 0 && to.length >= targetCount;
  return {
    hosts: areAllSources || to.length === 0 ? from : to,
    peers: areAllSources && areAllTargets ? to : [],
  };
}

/** What all traffic did, or a MAC address, has none. */
function isIp(address: string): boolean {
  return parseIp(address) !== null;
}
