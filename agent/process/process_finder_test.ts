import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ProcessFinder, TimeShare } from "./process_finder.ts";
import type { ProcessFacts, ProcessId } from "./proc_tree.ts";
import type { Opener } from "./socket_owners.ts";
import { queryKey, type SocketEntry, type SocketQuery } from "./socket_query.ts";

const query = (localPort: number, remotePort = 443): SocketQuery => ({
  protocol: 6,
  isIpv6: false,
  local: [0, 0, 0xffff, 0x0a000001],
  localPort,
  remote: [0, 0, 0xffff, 0x0a000002],
  remotePort,
});
const facts = (pid: number, name: string): ProcessFacts => ({
  pid,
  name,
  executable: `/usr/bin/${name}`,
  command: name,
  unit: "",
});

const wallAheadMs = 1.7e12;

class World {
  nowMs = 1_000_000;
  readonly sockets = new Map<string, SocketEntry>();
  readonly owners = new Map<number, ProcessId>();
  readonly starts = new Map<number, number>();
  readonly foreign = new Set<number>();
  readonly kernel = new Set<number>();
  readonly processes = new Map<number, ProcessFacts>();
  openers: Opener[] = [];
  described = 0;
  readonly finder = new ProcessFinder({
    findSocket: (query) => this.sockets.get(queryKey(query)) ?? null,
    owners: {
      find: (inode) => this.owners.get(inode) ?? null,
      forget: (inode) => this.owners.delete(inode),
      openers: () => this.openers,
    },
    tree: {
      describe: (pid) => {
        this.described++;
        return this.processes.get(pid) ?? null;
      },
      identify: (pid) => ({ pid, startTicks: this.starts.get(pid) ?? 1 }),
      isOfKernel: (pid) => this.kernel.has(pid),
      isOfOwnNetwork: (pid) => !this.foreign.has(pid),
      user: () => 1000,
    },
    userName: (uid) => uid === 1000 ? "bob" : null,
    nowMs: () => this.nowMs,
    wallMs: () => this.nowMs + wallAheadMs,
    bootMs: () => this.nowMs,
  });

  find(query: SocketQuery, startMs = this.nowMs, isOriginator = true) {
    return this.finder.find(query, startMs + wallAheadMs, isOriginator);
  }

  put(query: SocketQuery, inode: number, pid: number, name: string): void {
    this.sockets.set(queryKey(query), { inode, uid: 1000, isListening: query.remotePort === 0 });
    this.owners.set(inode, { pid, startTicks: this.starts.get(pid) ?? 1 });
    this.processes.set(pid, facts(pid, name));
  }
}

Deno.test("ProcessFinder names the process of a connection's socket, and its user", () => {
  const world = new World();
  world.put(query(4000), 7, 70, "curl");
  deepStrictEqual(world.find(query(4000), world.nowMs), {
    ...facts(70, "curl"),
    user: "bob",
  });
  strictEqual(world.find(query(4001), world.nowMs), null);
});

Deno.test("ProcessFinder tells the user alone where the process cannot be seen", () => {
  const world = new World();
  world.sockets.set(queryKey(query(4000)), { inode: 7, uid: 4711, isListening: false });
  deepStrictEqual(world.find(query(4000), world.nowMs), {
    pid: 0,
    name: "",
    executable: "",
    command: "",
    unit: "",
    user: "4711",
  });
});

Deno.test("ProcessFinder remembers who began a connection that is over", () => {
  const world = new World();
  world.put(query(4000), 7, 70, "curl");
  world.finder.begins(query(4000), world.nowMs);
  // What is left is a socket that nobody has.
  world.sockets.set(queryKey(query(4000)), { inode: 0, uid: 0, isListening: false });
  const startMs = world.nowMs - 1;
  world.nowMs += 200;
  strictEqual(world.find(query(4000), startMs)?.name, "curl");
  world.nowMs += 60_000;
  strictEqual(world.find(query(4000)), null, "the port may be another's by now");
  strictEqual(world.find(query(4000), startMs)?.name, "curl");
  world.put(query(4000), 8, 80, "python3");
  strictEqual(world.find(query(4000))?.name, "python3");
});

Deno.test("ProcessFinder names the listener of a connection that came in and is over", () => {
  const world = new World();
  const listener: SocketQuery = { ...query(22, 0), remote: [0, 0, 0xffff, 0] };
  world.put(listener, 9, 90, "sshd");
  const came = (port: number) => world.find(query(22, port), world.nowMs, false);
  strictEqual(came(50_000)?.name, "sshd");
  world.sockets.set(queryKey(query(22, 50_001)), { inode: 0, uid: 0, isListening: false });
  strictEqual(came(50_001)?.name, "sshd");
});

Deno.test("ProcessFinder does not take who waits at a port for who scans from it", () => {
  const world = new World();
  const listener: SocketQuery = { ...query(53, 0), remote: [0, 0, 0xffff, 0] };
  world.put(listener, 9, 90, "dnsmasq");
  const probe = query(53, 22);
  // The kernel finds the listener for what has no socket of its own.
  world.sockets.set(queryKey(probe), world.sockets.get(queryKey(listener))!);
  world.finder.begins(probe, world.nowMs);
  strictEqual(world.find(probe), null);
  strictEqual(world.find(probe, world.nowMs, false)?.name, "dnsmasq");
});

Deno.test("ProcessFinder tells two programs apart that use one port in a moment", () => {
  const world = new World();
  world.put(query(4000), 7, 70, "curl");
  world.finder.begins(query(4000), world.nowMs);
  world.nowMs += 500;
  world.put(query(4000), 8, 80, "python3");
  world.finder.begins(query(4000), world.nowMs);
  world.sockets.delete(queryKey(query(4000)));
  strictEqual(world.find(query(4000))?.name, "python3");
  // Of the next nobody has seen the beginning.
  world.nowMs += 500;
  strictEqual(world.find(query(4000)), null);
});

Deno.test("ProcessFinder goes on to who has a socket now when a process is gone", () => {
  const world = new World();
  world.put(query(4000), 7, 70, "curl");
  world.processes.delete(70);
  strictEqual(world.find(query(4000), world.nowMs)?.pid, 0);
  world.put(query(4000), 7, 71, "bash");
  strictEqual(world.find(query(4000), world.nowMs)?.name, "bash");
});

Deno.test("ProcessFinder takes no process for one that had its number before", () => {
  const world = new World();
  world.put(query(4000), 7, 70, "curl");
  strictEqual(world.find(query(4000))?.name, "curl");
  world.starts.set(70, 2);
  world.processes.set(70, facts(70, "bash"));
  world.nowMs += 1000;
  strictEqual(world.find(query(4000))?.pid, 0);
});

Deno.test("ProcessFinder gives a flow the process that the kernel told of", () => {
  const world = new World();
  world.processes.set(50, facts(50, "nmap"));
  const process = world.finder.connects(50)!;
  deepStrictEqual(process, { ...facts(50, "nmap"), user: "bob" });
  world.processes.delete(50);
  world.finder.connected(query(4000), process, world.nowMs - 20);
  // Read long afterwards; its first packet may have waited for the other's hardware address.
  world.nowMs += 60_000;
  strictEqual(world.find(query(4000), world.nowMs - 60_020)?.name, "nmap");
  strictEqual(world.find(query(4000), world.nowMs - 58_000)?.name, "nmap");
  strictEqual(world.find(query(4000), world.nowMs - 60_200), null, "a flow before it");
  strictEqual(world.find(query(4000), world.nowMs - 50_000), null, "one after it");
});

Deno.test("ProcessFinder takes neither the kernel nor another network for who begins a connection", () => {
  const world = new World();
  world.processes.set(2, facts(2, "kworker")).set(60, facts(60, "curl"));
  world.kernel.add(2);
  world.foreign.add(60);
  deepStrictEqual([2, 60].map((pid) => world.finder.connects(pid)), [null, null]);
});

Deno.test("ProcessFinder reads what a process is now and then, not for each of its flows", () => {
  const world = new World();
  for (let port = 4000; port < 4100; port++) {
    world.put(query(port), port, 70, "firefox");
    world.find(query(port), world.nowMs);
  }
  strictEqual(world.described, 1);
  world.processes.set(70, facts(70, "another"));
  world.nowMs += 251;
  strictEqual(world.find(query(4000), world.nowMs)?.name, "another");
});

Deno.test("ProcessFinder names whoever refused connections in a burst are from", () => {
  const world = new World();
  world.processes.set(50, facts(50, "nmap"));
  world.openers = [{ pid: 50, isNew: true }];
  for (let port = 1; port <= 100; port++) {
    world.finder.begins(query(40_000 + port, port), world.nowMs);
  }
  strictEqual(world.find(query(40_001, 1), world.nowMs)?.name, "nmap");
  strictEqual(world.find(query(40_100, 100), world.nowMs)?.user, "bob");
});

Deno.test("ProcessFinder blames no program for a burst that began before it", () => {
  const world = new World();
  world.processes.set(60, facts(60, "curl"));
  world.starts.set(60, world.nowMs / 10);
  world.openers = [{ pid: 60, isNew: true }];
  const sinceMs = world.nowMs - 5;
  world.nowMs += 50;
  for (let port = 1; port <= 100; port++) world.finder.begins(query(40_000 + port, port), sinceMs);
  strictEqual(world.find(query(40_001, 1), sinceMs), null);
  strictEqual(world.find(query(40_100, 100), sinceMs), null);
});

Deno.test("TimeShare spends its share of the time and no more", () => {
  let nowMs = 0;
  const share = new TimeShare(0.2, () => nowMs, () => spent, 100);
  let spent = 0;
  let passedOver = 0;
  for (let step = 0; step < 10_000; step++) {
    const isDone = share.spend(() => {
      nowMs += 0.5;
      spent += 0.5;
    });
    if (!isDone) passedOver++;
    nowMs += 0.1;
  }
  strictEqual(Math.abs(spent - 0.2 * nowMs - 100) < 5, true, `${spent} of ${nowMs}`);
  strictEqual(passedOver > 0, true);
});

Deno.test("TimeShare does not count what work waits for a processor", () => {
  let [nowMs, cpuMs] = [0, 0];
  const share = new TimeShare(0.2, () => nowMs, () => cpuMs, 100);
  let passedOver = 0;
  for (let step = 0; step < 1000; step++) {
    const isDone = share.spend(() => {
      nowMs += 300;
      cpuMs += 0.5;
    });
    if (!isDone) passedOver++;
  }
  strictEqual(passedOver, 0);
  // What it has had of one it does count.
  for (let step = 0; step < 10; step++) share.spend(() => cpuMs += nowMs += 300);
  strictEqual(share.spend(() => {}), false);
});
