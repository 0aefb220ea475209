import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type ConnectEvent, readConnectFormat } from "./connect_events.ts";
import { ConnectTrace } from "./connect_trace.ts";
import type { SocketQuery } from "./socket_query.ts";
import { connectRecord, formatText, lostRecord } from "./testing/connect_records.ts";

const ipv4 = (last: number) => [0, 0, 0xffff, 0x0a000000 + last] as const;
const [established, synSent, closed] = [1, 2, 7];

/** Two processors' rings. `late` are records of the first that are written while the second is read. */
class Kernel {
  nowMs = 1000;
  readonly rings: DataView[][] = [[], []];
  late: DataView[] = [];
  readonly told: (readonly [string, number, number])[] = [];
  readonly described: number[] = [];
  readonly queries: SocketQuery[] = [];
  readonly trace = new ConnectTrace<string>({
    rings: this.rings.map((records, index) => ({
      drain: (onRecord) => {
        if (index === 1) this.rings[0]!.push(...this.late.splice(0));
        for (const record of records.splice(0)) onRecord(record.getUint32(0, true), record);
      },
    })),
    format: readConnectFormat(formatText())!,
    describe: (pid) => {
      this.described.push(pid);
      return pid === 66 ? null : `process ${pid}`;
    },
    onConnect: (query, process, atMs) => {
      this.queries.push(query);
      this.told.push([process, query.localPort, atMs]);
    },
    nowMs: () => this.nowMs,
  });

  begins(socket: number, pid: number, timeMs: number, event: Partial<ConnectEvent> = {}): DataView {
    return connectRecord({ ...base, socket, pid, timeMs, ...event });
  }

  /** Whoever runs then. */
  ends(socket: number, localPort: number, timeMs: number, event: Partial<ConnectEvent> = {}) {
    const states = { oldState: synSent, newState: closed };
    return connectRecord({ ...base, ...states, socket, pid: 1, timeMs, localPort, ...event });
  }
}

const base: ConnectEvent = {
  timeMs: 0,
  pid: 0,
  socket: 0,
  oldState: closed,
  newState: synSent,
  localPort: 0,
  remotePort: 80,
  local: ipv4(1),
  remote: ipv4(2),
};

Deno.test("ConnectTrace tells who began a connection when its port is known, whoever runs then", () => {
  const kernel = new Kernel();
  kernel.rings[0]!.push(kernel.begins(0xa0, 50, 10), kernel.begins(0xa8, 51, 11));
  strictEqual(kernel.trace.take(), true);
  deepStrictEqual([kernel.described, kernel.told], [[50, 51], []], "described at once");
  kernel.rings[1]!.push(kernel.ends(0xa8, 4001, 12, { newState: established }));
  kernel.rings[0]!.push(kernel.ends(0xa0, 4000, 13));
  strictEqual(kernel.trace.take(), true);
  deepStrictEqual(kernel.told, [["process 51", 4001, 11], ["process 50", 4000, 10]]);
  deepStrictEqual(kernel.queries[0], {
    protocol: 6,
    isIpv6: false,
    local: ipv4(1),
    localPort: 4001,
    remote: ipv4(2),
    remotePort: 80,
  });
  strictEqual(kernel.trace.take(), false);
});

Deno.test("ConnectTrace joins what processors tell by its time, also of a ring that was read before", () => {
  const kernel = new Kernel();
  // One socket after another at the same address.
  kernel.rings[0]!.push(kernel.begins(0xa0, 50, 10), kernel.begins(0xa0, 51, 14));
  kernel.rings[1]!.push(kernel.ends(0xa0, 4000, 12), kernel.ends(0xa0, 4001, 16));
  kernel.trace.take();
  deepStrictEqual(kernel.told, [["process 50", 4000, 10], ["process 51", 4001, 14]]);
  kernel.late.push(kernel.begins(0xb0, 52, 20));
  kernel.rings[1]!.push(kernel.ends(0xb0, 4002, 21));
  kernel.trace.take();
  deepStrictEqual(kernel.told.at(-1), ["process 52", 4002, 20]);
});

Deno.test("ConnectTrace tells nothing of what it may not, of what was never sent, and of what began before", () => {
  const kernel = new Kernel();
  kernel.rings[0]!.push(
    kernel.begins(0xa0, 66, 1),
    kernel.ends(0xa0, 4000, 2),
    kernel.begins(0xa1, 0, 3),
    kernel.ends(0xa1, 4001, 4),
    kernel.begins(0xa2, 50, 5),
    kernel.ends(0xa2, 0, 6),
    kernel.ends(0xa3, 4003, 7),
  );
  kernel.trace.take();
  deepStrictEqual(kernel.told, []);
  // A socket's end is told once.
  kernel.rings[0]!.push(kernel.ends(0xa2, 4000, 8));
  kernel.trace.take();
  deepStrictEqual(kernel.told, []);
});

Deno.test("ConnectTrace knows IPv6 from IPv4 that a socket of IPv6 speaks", () => {
  const kernel = new Kernel();
  const local = [0x20010db8, 0, 0, 1] as const;
  kernel.rings[0]!.push(kernel.begins(0xa0, 50, 1, { local, remote: local }));
  kernel.rings[0]!.push(kernel.ends(0xa0, 4000, 2, { local, remote: local }));
  kernel.trace.take();
  deepStrictEqual(kernel.queries.map(({ isIpv6, local }) => [isIpv6, local]), [[true, local]]);
});

Deno.test("ConnectTrace knows where connections have lately been begun to, by whomever", () => {
  const kernel = new Kernel();
  const query = {
    protocol: 6,
    isIpv6: false,
    local: ipv4(9),
    localPort: 1,
    remote: ipv4(2),
    remotePort: 80,
  };
  strictEqual(kernel.trace.hasBegun(query), false);
  kernel.rings[0]!.push(kernel.begins(0xa0, 66, 1));
  kernel.trace.take();
  strictEqual(kernel.trace.hasBegun(query), true);
  strictEqual(kernel.trace.hasBegun({ ...query, remotePort: 81 }), false);
  kernel.nowMs += 2000;
  strictEqual(kernel.trace.hasBegun(query), false);
});

Deno.test("ConnectTrace counts what was lost, and stays of bounded size", () => {
  const kernel = new Kernel();
  kernel.rings[0]!.push(lostRecord(3));
  kernel.rings[1]!.push(lostRecord(4));
  kernel.trace.take();
  strictEqual(kernel.trace.lost, 7);
  // Sockets whose end was lost; the oldest are forgotten.
  for (let socket = 1; socket <= 20_000; socket++) {
    kernel.rings[0]!.push(kernel.begins(socket, 50, socket, { remotePort: socket & 0xffff }));
  }
  kernel.trace.take();
  kernel.rings[0]!.push(kernel.ends(1, 4000, 30_000), kernel.ends(20_000, 4001, 30_001));
  kernel.trace.take();
  deepStrictEqual(kernel.told, [["process 50", 4001, 20_000]]);
});
