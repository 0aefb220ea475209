import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { HOST_WINDOW_WORDS, Observation, ObservationKind } from "../detect/observation.ts";
import { HotPath } from "../hot/hot_path.ts";
import {
  H_MAC,
  HOST_BYTES,
  OBSERVATIONS_AT,
  S_OBSERVATIONS_COUNT,
  S_OBSERVATIONS_LENGTH,
} from "../hot/layout.ts";
import { HostTable, recentWindowUs } from "./host_table.ts";

function table(hostCountMax = 8, hot = new HotPath({ flowCountMax: 1, hostCountMax })): HostTable {
  return new HostTable({
    hostCountMax,
    hot,
    isLocal: (_0, _1, _2, word3) => word3 < 100,
    isListed: (_0, _1, _2, word3) => word3 !== 99,
    formatAddress: (_0, _1, _2, word3) => `host ${word3}`,
    namesOf: (address, mac) => [{ name: `${address} ${mac}`, origin: "dns" }],
    macs: { macOf: (_address, seenMac) => seenMac, isRouter: () => false },
  });
}

function add(hosts: HostTable, host: number, timestampUs: number): number {
  return hosts.row(0, 0, 0xffff, host, timestampUs);
}

Deno.test("HostTable adds up what a host sent and received, and hands changes out once", () => {
  const hot = new HotPath({ flowCountMax: 1, hostCountMax: 8 });
  const hosts = table(8, hot);
  const row = add(hosts, 7, 1000);
  hosts.addSent(row, 60, 1000);
  hosts.addReceived(row, 1500, 2000);
  hosts.addReceived(row, 500, 3000);
  hot.words.set([0x0200, 0x1017], hot.exports.hostRowsAt() / 4 + row * HOST_BYTES / 4 + H_MAC);
  strictEqual(hosts.hasChanged, true);
  deepStrictEqual(hosts.takeChanged(10), [{
    address: "host 7",
    mac: "02:00:00:00:10:17",
    name: "host 7 02:00:00:00:10:17",
    names: [{ name: "host 7 02:00:00:00:10:17", origin: "dns" }],
    isRouter: false,
    isLocal: true,
    firstSeenUs: 1000,
    lastSeenUs: 3000,
    inPackets: 2,
    inBytes: 2000,
    outPackets: 1,
    outBytes: 60,
  }]);
  deepStrictEqual(hosts.takeChanged(10), []);
  hosts.addSent(row, 40, 4000);
  strictEqual(hosts.takeChanged(10)[0].outBytes, 40);
  strictEqual(hosts.busiest(1, "total")[0].outBytes, 100);
});

Deno.test("HostTable lets the quarter idle longest leave when it is full", () => {
  const hosts = table(8);
  for (let host = 0; host < 8; host++) hosts.addSent(add(hosts, host, host), 1, host);
  const { epoch } = hosts;
  const row = add(hosts, 100, 100);
  strictEqual(hosts.count, 6);
  strictEqual(hosts.totalCount, 9);
  strictEqual(hosts.find(0, 0, 0xffff, 0), -1);
  strictEqual(hosts.find(0, 0, 0xffff, 7) >= 0, true);
  strictEqual(hosts.epoch, epoch + 1);
  strictEqual(hosts.isLocal(row), false);
});

Deno.test("HostTable.busiest() counts this and the last window only", () => {
  const hosts = table();
  hosts.advance(0);
  hosts.addSent(add(hosts, 1, 0), 1000, 0);
  hosts.advance(recentWindowUs);
  hosts.addSent(add(hosts, 2, recentWindowUs), 10, recentWindowUs);
  deepStrictEqual(hosts.busiest(5, "recent").map(({ address }) => address), ["host 1", "host 2"]);
  hosts.advance(2 * recentWindowUs);
  deepStrictEqual(hosts.busiest(5, "recent").map(({ address }) => address), ["host 2"]);
  strictEqual(hosts.activeCount(recentWindowUs + 1), 1);
});

Deno.test("HostTable agrees with a Map over many hosts and evictions", () => {
  const hosts = table(64);
  const sent = new Map<number, number>();
  let seed = 42;
  for (let step = 0; step < 20_000; step++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const host = (seed >>> 16) % 96;
    const isNew = hosts.find(0, 0, 0xffff, host) < 0;
    hosts.addSent(add(hosts, host, step), 1, step);
    sent.set(host, isNew ? 1 : sent.get(host)! + 1);
  }
  for (const { address, outPackets } of hosts.busiest(64, "total")) {
    strictEqual(outPackets, sent.get(Number(address.slice(5))));
  }
});

Deno.test("HostTable counts groups and broadcasts but lists no row of them", () => {
  const hosts = table();
  hosts.addReceived(add(hosts, 99, 0), 100, 0);
  deepStrictEqual(hosts.takeChanged(5), []);
  deepStrictEqual(hosts.busiest(5, "total"), []);
  strictEqual(hosts.activeCount(0), 0);
});

const windowStartUs = 1_700_000_010_000_000;

/** Ends a window; its rows as [host, packets out, packets in, bytes out, bytes in]. */
function endWindow(hot: HotPath): number[][] {
  hot.exports.endHostWindow(windowStartUs);
  const rows: number[][] = [];
  const row = new Observation();
  const from = OBSERVATIONS_AT / 4;
  const end = from + hot.state[S_OBSERVATIONS_LENGTH];
  for (let at = from; at < end;) {
    at = row.read(hot.words, at);
    strictEqual(row.kind, ObservationKind.hostWindow);
    rows.push([row.source3, row.packetsOut, row.packetsIn, row.bytesOut, row.bytesIn]);
  }
  strictEqual(hot.state[S_OBSERVATIONS_COUNT], rows.length);
  hot.state[S_OBSERVATIONS_LENGTH] = hot.state[S_OBSERVATIONS_COUNT] = 0;
  return rows;
}

function tableOf(hostCountMax: number): { hot: HotPath; hosts: HostTable } {
  const hot = new HotPath({ flowCountMax: 1, hostCountMax });
  return { hot, hosts: table(hostCountMax, hot) };
}

Deno.test("the end of a window tells what each host sent and received since the last one", () => {
  const { hot, hosts } = tableOf(8);
  const [sender, receiver, both] = [1, 2, 3].map((host) => add(hosts, host, 0));
  hosts.addSent(sender, 60, 0);
  hosts.addReceived(receiver, 1500, 0);
  hosts.addReceived(receiver, 500, 0);
  add(hosts, 4, 0);
  deepStrictEqual(endWindow(hot), [[1, 1, 0, 60, 0], [2, 0, 2, 0, 2000]]);
  hosts.addSent(both, 100, 1);
  hosts.addReceived(both, 200, 1);
  hosts.addReceived(receiver, 40, 1);
  deepStrictEqual(endWindow(hot), [[2, 0, 1, 0, 40], [3, 1, 1, 100, 200]]);
  deepStrictEqual(endWindow(hot), []);
});

Deno.test("the end of a window tells nothing of groups and broadcasts", () => {
  const { hot, hosts } = tableOf(8);
  hosts.addReceived(add(hosts, 99, 0), 100, 0);
  deepStrictEqual(endWindow(hot), []);
});

Deno.test("the row of a host's window has all its words", () => {
  const { hot, hosts } = tableOf(8);
  const from = OBSERVATIONS_AT / 4;
  hot.words.fill(-1, from, from + HOST_WINDOW_WORDS + 1);
  const row = hosts.row(0x20010db8, -2, 3, 4, 0);
  hosts.addSent(row, 3 * 2 ** 32 + 0xfffffff0, 0);
  hosts.addSent(row, 5, 0);
  hosts.addReceived(row, 2 ** 44 + 6, 0);
  hot.exports.endHostWindow(3_000_000_000_000_250);
  deepStrictEqual([...hot.words.subarray(from, from + HOST_WINDOW_WORDS + 1)], [
    ...[HOST_WINDOW_WORDS << 16 | ObservationKind.hostWindow, 3_000_000_000 | 0, 250],
    ...[0x20010db8, -2, 3, 4],
    ...[0, 0, 0, 0, 0, 0, 0],
    ...[2, 1, 3, -11, 2 ** 12, 6],
    -1,
  ]);
});

Deno.test("the end of a window knows what it told of hosts that have moved", () => {
  const { hot, hosts } = tableOf(8);
  for (let host = 0; host < 8; host++) {
    for (let packet = 0; packet <= host; packet++) hosts.addSent(add(hosts, host, host), 10, host);
  }
  strictEqual(endWindow(hot).length, 8);
  hosts.addSent(hosts.find(0, 0, 0xffff, 7), 5, 9);
  // Hosts 0 to 2 leave; the new one gets the row that host 5 had.
  hosts.addReceived(add(hosts, 98, 100), 3, 100);
  strictEqual(hosts.find(0, 0, 0xffff, 98), 5);
  deepStrictEqual(endWindow(hot), [[7, 1, 0, 5, 0], [98, 0, 1, 0, 3]]);
});

Deno.test("the end of a window agrees with a Map over many hosts and evictions", () => {
  const { hot, hosts } = tableOf(64);
  const sent = new Map<number, number>();
  let seed = 7;
  for (let step = 1; step <= 20_000; step++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const host = 100 + (seed >>> 16) % 96;
    const isNew = hosts.find(0, 0, 0xffff, host) < 0;
    hosts.addSent(add(hosts, host, step), 1, step);
    sent.set(host, isNew ? 1 : (sent.get(host) ?? 0) + 1);
    if (step % 100 !== 0) continue;
    for (const [told, packets, _, bytes] of endWindow(hot)) {
      deepStrictEqual([packets, bytes], [sent.get(told), sent.get(told)]);
      sent.delete(told);
    }
    // The others have been evicted since.
    for (const left of sent.keys()) strictEqual(hosts.find(0, 0, 0xffff, left), -1);
    sent.clear();
  }
});
