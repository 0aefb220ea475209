import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ProcNetTable } from "./proc_net.ts";
import type { AddressWords, SocketQuery } from "./socket_query.ts";

const head =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const rest = "00000000:00000000 00:00000000 00000000";
const line = (ends: string, state: string, uid: number, inode: number) =>
  `   0: ${ends} ${state} ${rest}  ${uid}        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;
const v4 = (address: number): AddressWords => [0, 0, 0xffff, address];

const query = (ends: Partial<SocketQuery>): SocketQuery => ({
  protocol: 6,
  isIpv6: false,
  local: v4(0x7f000001),
  localPort: 22,
  remote: v4(0x0a000002),
  remotePort: 5000,
  ...ends,
});

Deno.test("ProcNetTable finds connections, listeners at the address, at any, and of IPv6 for IPv4", () => {
  const table = new ProcNetTable();
  table.add(
    head + line("0100007F:0016 0200000A:1388", "01", 1000, 11) +
      line("0100007F:0050 00000000:0000", "0A", 33, 12) +
      line("00000000:0051 00000000:0000", "0A", 33, 13),
    6,
  );
  const zeros = "0".repeat(32);
  table.add(
    head + line(`${zeros}:0052 ${zeros}:0000`, "0A", 0, 14) +
      line(
        "B80D0120000000000000000001000000:0053 B80D0120000000000000000002000000:1388",
        "01",
        5,
        15,
      ),
    6,
  );
  table.add(head + line("00000000:0035 00000000:0000", "07", 53, 16), 17);
  deepStrictEqual(table.find(query({})), { uid: 1000, inode: 11, isListening: false });
  deepStrictEqual(table.find(query({ localPort: 80 })), { uid: 33, inode: 12, isListening: true });
  deepStrictEqual(table.find(query({ localPort: 81 })), { uid: 33, inode: 13, isListening: true });
  deepStrictEqual(table.find(query({ localPort: 82 })), { uid: 0, inode: 14, isListening: true });
  const [local, remote]: AddressWords[] = [[0x20010db8, 0, 0, 1], [0x20010db8, 0, 0, 2]];
  deepStrictEqual(table.find(query({ isIpv6: true, local, remote, localPort: 83 })), {
    uid: 5,
    inode: 15,
    isListening: false,
  });
  deepStrictEqual(table.find(query({ protocol: 17, localPort: 53 })), {
    uid: 53,
    inode: 16,
    isListening: false,
  });
  strictEqual(table.find(query({ protocol: 17 })), null);
});

Deno.test("ProcNetTable prefers a socket that a process has, and passes over what is no line", () => {
  const table = new ProcNetTable();
  const ends = "0100007F:0016 0200000A:1388";
  table.add(
    `${head}\n\x00garbage\n   1: zz\n   2: 0100007F:0016\n` + line(ends, "01", 7, 11) +
      line(ends, "06", 0, 0),
    6,
  );
  deepStrictEqual(table.find(query({})), { uid: 7, inode: 11, isListening: false });
});
