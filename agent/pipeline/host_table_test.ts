import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { HostTable, recentWindowUs } from "./host_table.ts";

function table(hostCountMax = 8): HostTable {
  return new HostTable({
    hostCountMax,
    isLocal: (_0, _1, _2, word3) => word3 < 100,
    isListed: (_0, _1, _2, word3) => word3 !== 99,
    formatAddress: (_0, _1, _2, word3) => `host ${word3}`,
    nameOf: (address, mac) => `${address} ${mac}`,
  });
}

function add(hosts: HostTable, host: number, timestampUs: number): number {
  return hosts.row(0, 0, 0xffff, host, timestampUs);
}

Deno.test("HostTable adds up what a host sent and received, and hands changes out once", () => {
  const hosts = table();
  const row = add(hosts, 7, 1000);
  hosts.addSent(row, 60, 1000);
  hosts.addReceived(row, 1500, 2000);
  hosts.addReceived(row, 500, 3000);
  hosts.setMac(row, 0x020000001017);
  strictEqual(hosts.hasChanged, true);
  deepStrictEqual(hosts.takeChanged(10), [{
    address: "host 7",
    mac: "02:00:00:00:10:17",
    name: "host 7 02:00:00:00:10:17",
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
