/** Finds all that a message says of an alert: the incident as it stands, what to do, the packets. */
import { hostname } from "node:os";
import { adviceFor } from "../text/advice.ts";
import type { AlertStory, Evidence } from "../alert/story.ts";
import { readFinding } from "../finding_reader.ts";
import type { LiveState } from "../live_state.ts";
import type { Alert, Incident } from "../records.ts";
import type { StoreQueries } from "../store/queries.ts";
import { readHere } from "../store/reader.ts";
import { readIncident } from "../incident_reader.ts";
import { packetsOfIncident } from "./finding_packets.ts";
import { openRingSlice } from "./ring_export.ts";
import { messageOf } from "../errors.ts";

interface StoryOptions {
  readonly live: LiveState;
  readonly queries: StoreQueries;
  readonly resultsFolder: string;
  readonly dashboardUrl: string;
  readonly vxlanPorts: readonly number[];
}

/** Of the packets attached to a mail. */
const evidenceBytesMax = 1_000_000;
/** Longest that the ring is searched for them. */
const evidenceMs = 4000;
const adviceMax = 4;

export async function tellStory(alert: Alert, options: StoryOptions): Promise<AlertStory> {
  const { live, queries, dashboardUrl } = options;
  const incident = alert.incidentId === null ? null : incidentOf(alert.incidentId, options);
  return {
    alert,
    incident,
    advice: incident === null ? [] : adviceOf(incident, { live, queries }),
    link: alert.incidentId === null
      ? `${dashboardUrl}/alerts`
      : `${dashboardUrl}/incidents/${alert.incidentId}`,
    hostname: hostname(),
    databaseId: databaseId(queries),
    evidence: incident === null ? { missing: "none" } : await evidenceOf(incident, options),
  };
}

function incidentOf(id: number, { live, queries }: StoryOptions): Incident | null {
  const known = live.incidents.find((incident) => incident.id === id);
  if (known) return known;
  try {
    const row = queries.incident(id);
    return row && readIncident(row);
  } catch {
    return null; // the mail goes out with what the alert says
  }
}

/** Of the first finding that is its cause, and what its others add. */
function adviceOf(
  { id, actor, kinds }: Incident,
  { live, queries }: Pick<StoryOptions, "live" | "queries">,
): string[] {
  const stored = () => {
    try {
      return queries.incidentFindings(id).map(({ list, row }) => readFinding(list, row));
    } catch {
      return [];
    }
  };
  const recent = live.findings.filter((finding) =>
    kinds.includes(finding.kind) && (actor === null || finding.sources.includes(actor))
  );
  const findings = recent.length > 0 ? recent : stored();
  const steps = findings.flatMap((finding) => adviceFor(finding, (address) => address));
  const texts = steps.map(({ what, why }) => `${what.replace(/:$/, "")} ${why}`.trim());
  return [...new Set(texts)].slice(0, adviceMax).map((text) =>
    /[.!?]$/.test(text) ? text : `${text}.`
  );
}

/** The moment that the database was made. */
function databaseId(queries: StoreQueries): string {
  try {
    return Number(queries.meta().created_us ?? 0).toString(36);
  } catch {
    return "0";
  }
}

/** What its sources and targets exchanged while it lasted, from the capture files and what is kept of its findings. */
async function evidenceOf(
  incident: Incident,
  { queries, resultsFolder, vxlanPorts }: StoryOptions,
): Promise<Evidence | { missing: string }> {
  try {
    const { fromUs, lastUs, hosts, peers } = await packetsOfIncident(readHere(queries), incident);
    if (hosts.length === 0) {
      return { missing: "not attached: its source has no address to search for" };
    }
    const stream = openRingSlice({
      folder: resultsFolder,
      fromUs,
      toUs: lastUs + 1,
      filter: { hosts, peers },
      vxlanPorts,
    });
    return await firstBytes(stream);
  } catch (error) {
    const reason = messageOf(error);
    return { missing: `not attached: ${reason}` };
  }
}

const pcapHeaderBytes = 24;
const recordHeaderBytes = 16;

/** Whole records only. */
async function firstBytes(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Evidence | { missing: string }> {
  const pcap = new Uint8Array(evidenceBytesMax);
  const untilMs = performance.now() + evidenceMs;
  let length = 0;
  let isCut = false;
  for await (const piece of stream) {
    const room = pcap.length - length;
    pcap.set(piece.subarray(0, room), length);
    length += Math.min(piece.length, room);
    isCut = piece.length > room || performance.now() > untilMs;
    if (isCut) break; // which cancels the stream
  }
  const end = endOfWholeRecords(pcap, length);
  if (end <= pcapHeaderBytes) {
    return { missing: "not attached: they are no longer in the capture files" };
  }
  return { pcap: pcap.slice(0, end), isCut };
}

function endOfWholeRecords(pcap: Uint8Array<ArrayBuffer>, length: number): number {
  const view = new DataView(pcap.buffer);
  let at = pcapHeaderBytes;
  while (at + recordHeaderBytes <= length) {
    const next = at + recordHeaderBytes + view.getUint32(at + 8, true);
    if (next > length) break;
    at = next;
  }
  return Math.min(at, length);
}
