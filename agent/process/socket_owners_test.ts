import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { SocketOwners } from "./socket_owners.ts";

interface Fake {
  readonly startTicks?: number;
  readonly uid?: number;
  sockets: number[] | null;
}

/** Processes that tell what is looked at. */
function makeOwners(
  processes: Map<number, Fake>,
  local: readonly number[] = [],
  newest: number[] = [],
) {
  const state = { nowMs: 0, looks: [] as number[] };
  const owners = new SocketOwners({
    nowMs: () => state.nowMs,
    tree: {
      pids: () => [...processes.keys()].sort((a, b) => a - b),
      newest: () => newest,
      leader: (pid) => pid === 1001 ? 1000 : pid,
      sockets: (pid) => {
        state.looks.push(pid);
        return processes.get(pid)?.sockets ?? null;
      },
      identify: (pid) => {
        const process = processes.get(pid);
        return process === undefined ? null : { pid, startTicks: process.startTicks ?? 0 };
      },
      uid: (pid) => processes.get(pid)?.uid ?? 0,
      passiveSockets: () => new Set(local),
      isOfOwnNetwork: (pid) => pid !== 900,
    },
  });
  const find = (inode: number, uid: number) => owners.find(inode, uid)?.pid ?? 0;
  return { owners, state, find };
}

Deno.test("SocketOwners finds a process, and its other sockets from memory", () => {
  const { state, find } = makeOwners(
    new Map([[1, { sockets: [10] }], [5, { sockets: [20, 21] }], [9, { sockets: [30] }]]),
  );
  strictEqual(find(20, 0), 5);
  deepStrictEqual(state.looks, [1, 5]);
  strictEqual(find(21, 0), 5);
  strictEqual(state.looks.length, 2);
});

Deno.test("SocketOwners looks at what has begun before all others, and not at all of them often", () => {
  const processes = new Map<number, Fake>([[1, { sockets: [10] }], [2, { sockets: [11] }]]);
  const { owners, state, find } = makeOwners(processes);
  owners.lookAtAll();
  processes.set(7, { sockets: [70] });
  state.looks = [];
  strictEqual(find(70, 0), 7);
  deepStrictEqual(state.looks, [7]);
  processes.get(2)!.sockets!.push(12);
  strictEqual(find(12, 0), 0, "a look at all was just now");
  state.nowMs = 5000;
  strictEqual(find(12, 0), 2);
  processes.get(2)!.sockets!.push(13);
  strictEqual(find(13, 0), 2, "one that was found lately");
});

Deno.test("SocketOwners looks at the newest first, and names the process of a thread", () => {
  const processes = new Map<number, Fake>([[1, { sockets: [10] }], [2, { sockets: [11] }]]);
  const { owners, state, find } = makeOwners(processes, [], [1002, 1001, 1000, 2]);
  owners.lookAtAll();
  processes.set(1000, { sockets: [70] }).set(1001, { sockets: [70] });
  state.looks = [];
  strictEqual(find(70, 0), 1000);
  deepStrictEqual(state.looks, [1002, 1001]);
});

Deno.test("SocketOwners names the process that began a socket, not the one that it was handed to", () => {
  const processes = new Map<number, Fake>([[1, { sockets: [] }]]);
  const { owners, find } = makeOwners(processes);
  owners.lookAtAll();
  processes.set(100, { sockets: [50] }).set(101, { sockets: [50] });
  strictEqual(find(50, 0), 100);
  owners.forget(50);
  processes.delete(100);
  strictEqual(find(50, 0), 101);
});

Deno.test("SocketOwners tells which process it was by its start, and forgets sockets that nobody has any more", () => {
  const processes = new Map<number, Fake>([[1, { sockets: [] }], [5, {
    startTicks: 1,
    sockets: [50],
  }]]);
  const { owners, state, find } = makeOwners(processes);
  strictEqual(find(50, 0), 5);
  processes.set(5, { startTicks: 2, sockets: [] });
  // Until somebody notices that the process has ended.
  deepStrictEqual(owners.find(50, 0), { pid: 5, startTicks: 1 });
  state.nowMs = 5000;
  owners.lookAtAll();
  processes.set(7, { sockets: [50] });
  strictEqual(find(50, 0), 7, "the number of a socket is another's");
});

Deno.test("SocketOwners goes on naming who began a socket that others have as well", () => {
  const processes = new Map<number, Fake>([[1, { sockets: [] }], [90, { sockets: [50] }]]);
  const { owners, find } = makeOwners(processes);
  owners.lookAtAll();
  processes.set(30, { sockets: [50] });
  owners.lookAtAll();
  strictEqual(find(50, 0), 90);
});

Deno.test("SocketOwners does not search for sockets of users whose processes are closed to it", () => {
  const { owners, state, find } = makeOwners(
    new Map<number, Fake>([
      [1, { uid: 0, sockets: null }],
      [2, { uid: 0, sockets: null }],
      [3, { uid: 1000, sockets: [30] }],
      // One that guards itself is no reason to think that all are.
      [4, { uid: 1000, sockets: null }],
    ]),
  );
  owners.lookAtAll();
  deepStrictEqual([owners.processes, owners.closedProcesses], [4, 2]);
  state.looks = [];
  state.nowMs = 1000;
  strictEqual(find(99, 0), 0);
  strictEqual(state.looks.length, 0);
  strictEqual(find(31, 1000), 0);
  strictEqual(state.looks.length > 0, true);
});

Deno.test("SocketOwners knows that other users' processes are hidden from it", () => {
  const { owners, state, find } = makeOwners(
    new Map<number, Fake>([[70, { uid: 5, sockets: [30] }]]),
  );
  owners.lookAtAll();
  strictEqual(owners.hidesOthers, true);
  state.looks = [];
  strictEqual(find(99, 0), 0);
  strictEqual(state.looks.length, 0);
  strictEqual(find(30, 5), 70);
});

Deno.test("SocketOwners tells who opens network sockets just now", () => {
  const processes = new Map<number, Fake>([[1, { sockets: [10] }], [2, { sockets: [11] }]]);
  const { owners, find } = makeOwners(processes, [60]);
  owners.lookAtAll();
  deepStrictEqual(owners.openers(), []);
  processes.set(7, { sockets: [70, 60] }).set(8, { sockets: [60] }).set(900, { sockets: [90] });
  deepStrictEqual(owners.openers(), [{ pid: 7, isNew: true }]);
  deepStrictEqual(owners.openers(), [], "nothing since");
  strictEqual(find(11, 0), 2);
  processes.get(7)!.sockets = [71];
  deepStrictEqual(owners.openers(), [{ pid: 7, isNew: true }]);
});

Deno.test("SocketOwners stays of bounded size", () => {
  const processes = new Map<number, Fake>([[1, { sockets: [] }]]);
  const { state, find } = makeOwners(processes);
  for (let inode = 1; inode < 200_000; inode += 1000) {
    processes.get(1)!.sockets = Array.from({ length: 1000 }, (_, index) => inode + index);
    state.nowMs += 1000;
    strictEqual(find(inode + 5, 0), 1);
  }
  // The oldest are not remembered, and nobody has them any more.
  state.nowMs += 10_000;
  strictEqual(find(1, 0), 0);
});
