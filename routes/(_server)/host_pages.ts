/** What the pages of hosts are made of. */
import { canonicalIp } from "../../agent/decode/addresses.ts";
import { readIncident } from "../../agent/incident_reader.ts";
import type { FlowProcess, Incident } from "../../agent/records.ts";
import { anyHost, term } from "../../agent/search/edit.ts";
import { readProcess } from "../../agent/text/processes.ts";
import type { DevicePeer, FirstContact, HostBook } from "../../agent/store/device_queries.ts";
import type { FirstContactFilter, HostFilter } from "../../agent/store/filters.ts";
import type { StoreReader } from "../../agent/store/reader.ts";
import type { NewCounts } from "../../agent/store/queries.ts";
import { type DescribedHost, describeHosts } from "../../agent/vendor/describe_hosts.ts";
import type { FlowBucket } from "../../components/FlowSketch.tsx";
import { isOfMany } from "../../components/flow_text.ts";
import type { Range } from "../../components/live_message.ts";
import type { ListedHost } from "../../components/HostTable.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import { type ListedFlow, readFlowPage } from "./flow_list.ts";
import type { PacketsShown } from "../../components/PacketsLink.tsx";
import { packetsShown } from "./packet_pages.ts";
import { hostNamesOf } from "./finding_pages.ts";
import { attempt, counted, type CountedPage } from "./lists.ts";
import { extentOf, type State } from "./state.ts";

const dayUs = 86_400e6;
/** Of a host's peers in /api. */
const hostDays = 7;
const hourUs = 3600e6;
const minuteUs = 60e6;
/** Bars in a host's chart. */
const barsMax = 180;
const openShown = 20;
const incidentsShown = 20;
const contactsShown = 20;
const addressesAsked = 8;
const processFlowsAsked = 500;
/** Some 10 ms: those of an address lie here and there in the file. */
const processFlowsLookedAt = 2000;

interface HostProcess {
  readonly process: FlowProcess;
  readonly flows: number;
  readonly bytes: number;
  readonly lastUs: number;
}

export interface HostPageData extends HostBook {
  readonly vendor: string;
  readonly kind: string;
  readonly names_of: Readonly<Record<string, string>>;
  readonly open: readonly ListedFlow[];
  /** False when the pipeline did not tell them in time. */
  readonly knowsOpen: boolean;
  readonly incidents: readonly Incident[];
  readonly contacts: readonly FirstContact[];
  /** Of the sensor's host, behind the newest flows of this one; the busiest first. */
  readonly processes: readonly HostProcess[];
  /** A search of all that it sends and receives. */
  readonly q: string;
  /** What it received and sent within the range, oldest first. */
  readonly bars: readonly FlowBucket[];
  readonly packets: PacketsShown;
  /** Of a hub: numbers of the agents that have seen it, those with most bytes first. */
  readonly agents: readonly number[];
}

/** A page of hosts with what is known of their cards. Throws what StoreQueries throws. */
export async function describedHosts(
  state: State,
  filter: HostFilter,
): Promise<CountedPage<DescribedHost>> {
  const { queries } = state.context;
  const page = await counted(filter, queries.hosts(filter), () => queries.hostCount(filter));
  return { ...page, rows: await describeHosts(page.rows) };
}

/** The same, as the list of the page draws it. */
export async function listedHosts(
  state: State,
  filter: HostFilter,
): Promise<CountedPage<ListedHost>> {
  const { rows, ...page } = await describedHosts(state, filter);
  const ids = rows.map(({ id }) => id).filter((id) => id !== null);
  const hours = await state.context.queries.deviceHours(ids, pageNowUs(state.message) - dayUs);
  const seenBy = state.agents &&
    await state.context.queries.hostAgents(rows.map(({ address }) => address));
  return {
    ...page,
    rows: rows.map((host) => ({
      ...host,
      hours: host.id === null ? [] : hours[host.id] ?? [],
      ...seenBy && { agents: seenBy[host.address] ?? [] },
    })),
  };
}

async function agentsOf(
  { context }: State,
  addresses: readonly string[],
): Promise<readonly number[]> {
  const byAddress = await context.queries.hostAgents(addresses);
  return [...new Set(Object.values(byAddress).flat())];
}

/** A stretch of time. */
interface Extent {
  readonly fromUs: number;
  readonly toUs: number;
}

/**
 * A host by its number, MAC address or address, as `/api/hosts/…` tells it, with its peers in the last seven days or another stretch;
 * null when there is none.
 */
export async function describedHost(state: State, text: string, asked?: Extent) {
  const toUs = pageNowUs(state.message) + 1e6;
  const range = asked ?? { fromUs: toUs - hostDays * dayUs, toUs };
  const book = await state.context.queries.hostBook(text.slice(0, 100), range) ??
    await bookOfFlows(state, text);
  if (book === null) return null;
  const [host] = await describeHosts([book.host]) as [DescribedHost];
  return { ...book, host };
}

/** What the newest flows say, open ones included, of a host whose row is still to come; null when it is in none. */
async function bookOfFlows({ context, agents }: State, text: string): Promise<HostBook | null> {
  const address = canonicalIp(text);
  // A hub has rows of the agents' own networks alone.
  if (address === null || agents !== undefined) return null;
  const { rows } = await readFlowPage(context, { q: term("host", address) });
  if (rows.length === 0) return null;
  const peers = new Map<string, { -readonly [name in keyof DevicePeer]: DevicePeer[name] }>();
  const host = {
    ...{ address, key: address, mac: "", name: "", is_local: 0, is_router: 0, id: null },
    ...{ first_seen_us: Infinity, last_seen_us: 0 },
    ...{ in_packets: 0, in_bytes: 0, out_packets: 0, out_bytes: 0 },
    ...{ addresses: [address], peers: null, offers: [], severity: "" },
  };
  for (const flow of rows) {
    const isOriginator = flow.orig_h === address;
    const sent = { packets: flow.orig_pkts, bytes: flow.orig_wire_bytes };
    const received = { packets: flow.resp_pkts, bytes: flow.resp_wire_bytes };
    const [out, into] = isOriginator ? [sent, received] : [received, sent];
    host.is_local = (isOriginator ? flow.local_orig : flow.local_resp) ?? 0;
    host.first_seen_us = Math.min(host.first_seen_us, flow.start_us);
    host.last_seen_us = Math.max(host.last_seen_us, flow.end_us);
    host.in_packets += into.packets;
    host.in_bytes += into.bytes;
    host.out_packets += out.packets;
    host.out_bytes += out.bytes;
    if (isOfMany(flow)) continue;
    const peer = isOriginator ? flow.resp_h : flow.orig_h;
    const known = peers.get(peer) ?? {
      ...{ peer, name: "", first_us: null, last_us: 0, is_new: 0 },
      ...{ flows: 0, in_bytes: 0, out_bytes: 0 },
    };
    known.last_us = Math.max(known.last_us, flow.end_us);
    known.flows += flow.summed_flows ?? 1;
    known.in_bytes += into.bytes;
    known.out_bytes += out.bytes;
    peers.set(peer, known);
  }
  return {
    host,
    ...{ addresses: [host], names: [], services: [], hours: [] },
    peers: [...peers.values()].sort((a, b) => b.in_bytes + b.out_bytes - a.in_bytes - a.out_bytes),
    isPartial: false,
  };
}

/** Null when there is no such host. Throws what StoreQueries throws. */
export async function readHostPage(
  state: State,
  text: string,
  range: Range,
): Promise<HostPageData | null> {
  const { context } = state;
  const extent = extentOf(state, range);
  const book = await describedHost(state, text, extent);
  if (book === null) return null;
  const { host, peers } = book;
  const q = anyHost(host.addresses.slice(0, addressesAsked));
  const open = await attempt(
    () => readFlowPage(context, { q: `(${q}) and state open`, limit: openShown }),
    null,
  );
  const openRows = open.value?.rows ?? [];
  const rows = await context.queries.incidentsNaming(host.addresses, incidentsShown);
  const contacts = host.id === null
    ? []
    : (await context.queries.firstContacts({ deviceId: host.id, ...extent, limit: contactsShown }))
      .rows;
  return {
    ...book,
    vendor: host.vendor,
    kind: host.kind,
    names_of: await hostNamesOf(context, [
      ...peers.map(({ peer }) => peer),
      ...openRows.flatMap(({ orig_h, resp_h }) => [orig_h, resp_h]),
    ]),
    open: openRows,
    knowsOpen: open.value !== null && !open.value.open.isLate,
    incidents: rows.map(readIncident),
    contacts,
    processes: await readProcesses(state, q),
    q,
    agents: state.agents === undefined ? [] : await agentsOf(state, host.addresses),
    bars: await readBars(state, book, { q, ...extent }),
    packets: packetsShown(state, {
      q,
      ...range.toUs !== null && { from: String(extent.fromUs), to: String(extent.toUs) },
    }, range.toUs === null ? { fromUs: host.last_seen_us, toUs: Infinity } : extent),
  };
}

/** A bar for each stretch, from its hours where those are fine enough, else from the roll-ups. */
async function readBars(
  { context }: State,
  { hours }: HostBook,
  { q, fromUs, toUs }: Extent & { readonly q: string },
): Promise<FlowBucket[]> {
  const unitUs = toUs - fromUs >= 2 * dayUs && hours.length > 0 ? hourUs : minuteUs;
  const widths = [1, 2, 5, 10, 30, 60, 180, 720, 1440].map((minutes) => minutes * minuteUs);
  const bucketUs = widths.find((us) => us >= unitUs && (toUs - fromUs) / us <= barsMax) ??
    Math.ceil((toUs - fromUs) / barsMax / dayUs) * dayUs;
  const points = unitUs === hourUs
    ? hours.map(({ hour_us, ...bytes }) => ({ ts_us: hour_us, ...bytes }))
    : await context.queries.historySeries({ fromUs, toUs, bucketUs, q });
  const firstUs = Math.floor(fromUs / bucketUs) * bucketUs;
  const count = Math.ceil((toUs - firstUs) / bucketUs);
  const bars = Array.from({ length: count }, (_, index) => ({
    fromUs: firstUs + index * bucketUs,
    toUs: firstUs + (index + 1) * bucketUs,
    received: 0,
    sent: 0,
  }));
  for (const { ts_us, in_bytes, out_bytes } of points) {
    const bar = bars[Math.floor((ts_us - firstUs) / bucketUs)];
    if (bar === undefined) continue;
    bar.received += in_bytes;
    bar.sent += out_bytes;
  }
  return bars;
}

export function readFirstContacts(
  queries: StoreReader,
  filter: FirstContactFilter,
): Promise<CountedPage<FirstContact>> {
  return counted(filter, queries.firstContacts(filter), () => queries.firstContactCount(filter));
}

async function readProcesses({ context }: State, q: string): Promise<HostProcess[]> {
  const filter = {
    q: `(${q}) and (process * or user *)`,
    limit: processFlowsAsked,
    lookedAtMax: processFlowsLookedAt,
  };
  const page = await attempt(() => readFlowPage(context, filter), null);
  const found = new Map<string, HostProcess>();
  for (const flow of page.value?.rows ?? []) {
    const process = readProcess(flow)!;
    const key = JSON.stringify([process.name, process.user, process.unit]);
    const before = found.get(key);
    found.set(key, {
      process: before?.process ?? process,
      flows: (before?.flows ?? 0) + (flow.summed_flows ?? 1),
      bytes: (before?.bytes ?? 0) + flow.orig_wire_bytes + flow.resp_wire_bytes,
      lastUs: Math.max(before?.lastUs ?? 0, flow.end_us),
    });
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes);
}

/** What is new in the last 24 hours; null where the database cannot be read. */
export async function newCounts(state: State): Promise<NewCounts | null> {
  const sinceUs = pageNowUs(state.message) - dayUs;
  return (await attempt(() => state.context.queries.newCounts(sinceUs), null)).value;
}
