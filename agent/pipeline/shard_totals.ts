/** Adds up what the shards of a file found. */
import type { ApplicationTotals, HostTotals } from "../records.ts";
import type { FlowTotals } from "./pipeline.ts";

/** The sum; hosts that several shards list are one, and `hostCount` are kept. */
export function sumFlowTotals(shards: readonly FlowTotals[], hostCount: number): FlowTotals {
  const names = new Map(shards.flatMap((shard) => [...shard.names]));
  return {
    flows: sumByName(shards.map(({ flows }) => flows), (a, b) => a + b),
    flowsTotal: shards.reduce((sum, { flowsTotal }) => sum + flowsTotal, 0),
    applications: sumByName(shards.map(({ applications }) => applications), addApplications),
    busiestHosts: sumHosts(shards.flatMap(({ busiestHosts }) => busiestHosts), names).slice(
      0,
      hostCount,
    ),
    names,
  };
}

function sumByName<T>(records: readonly Readonly<Record<string, T>>[], add: (a: T, b: T) => T) {
  const sums: Record<string, T> = {};
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      sums[name] = name in sums ? add(sums[name], value) : value;
    }
  }
  return sums;
}

function addApplications(a: ApplicationTotals, b: ApplicationTotals): ApplicationTotals {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes, flows: a.flows + b.flows };
}

function sumHosts(hosts: readonly HostTotals[], names: ReadonlyMap<string, string>): HostTotals[] {
  const sums = new Map<string, HostTotals>();
  for (const host of hosts) {
    const known = sums.get(host.address);
    sums.set(host.address, known === undefined ? host : addHosts(known, host));
  }
  return [...sums.values()]
    .map((host) => ({ ...host, name: nameOf(host, names) }))
    .sort((a, b) => b.inBytes + b.outBytes - a.inBytes - a.outBytes);
}

function nameOf(host: HostTotals, names: ReadonlyMap<string, string>): string {
  return host.name || (names.get(host.mac) ?? names.get(host.address) ?? "");
}

function addHosts(a: HostTotals, b: HostTotals): HostTotals {
  return {
    address: a.address,
    mac: a.mac || b.mac,
    name: a.name || b.name,
    isLocal: a.isLocal,
    firstSeenUs: Math.min(a.firstSeenUs, b.firstSeenUs),
    lastSeenUs: Math.max(a.lastSeenUs, b.lastSeenUs),
    inPackets: a.inPackets + b.inPackets,
    inBytes: a.inBytes + b.inBytes,
    outPackets: a.outPackets + b.outPackets,
    outBytes: a.outBytes + b.outBytes,
  };
}
