import { createSocket } from "node:dgram";
import { once } from "node:events";
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { DiagSocket } from "../../ffi/linux/diag_socket.ts";
import { openSockets } from "./open_sockets.ts";
import { decodeAnswer, encodeQuery } from "./sock_diag.ts";
import type { AddressWords, SocketQuery } from "./socket_query.ts";

const isLinux = Deno.build.os === "linux";
const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (text: string) => Uint8Array.from(text.match(/../g)!, (pair) => parseInt(pair, 16));
const v4 = (address: number): AddressWords => [0, 0, 0xffff, address];
const tcp: SocketQuery = {
  protocol: 6,
  isIpv6: false,
  local: v4(0x0a000001),
  localPort: 0x1234,
  remote: v4(0x0a000002),
  remotePort: 80,
};

Deno.test("encodeQuery() writes inet_diag_req_v2", () => {
  strictEqual(
    hex(encodeQuery(tcp)),
    "48000000" + "1400" + "0100" + "00000000" + "00000000" + // header
      "02060000" + "ffffffff" + // family, protocol, states
      "12340050" + "0a000001" + "00".repeat(12) + "0a000002" + "00".repeat(12) + // ends
      "00000000" + "ffffffffffffffff", // device, no cookie
  );
});

Deno.test("encodeQuery() turns the ends of UDP round, and writes IPv6 whole", () => {
  const local: AddressWords = [0x20010db8, 0, 0, 1];
  const remote: AddressWords = [0x20010db8, 0, 0, 2];
  const text = hex(encodeQuery({ ...tcp, protocol: 17, isIpv6: true, local, remote }));
  strictEqual(
    text.slice(32),
    "0a110000" + "ffffffff" + "00501234" + "20010db8000000000000000000000002" +
      "20010db8000000000000000000000001" + "00000000" + "ffffffffffffffff",
  );
});

Deno.test("decodeAnswer() reads the socket's user and inode", () => {
  const message = "58000000" + "1400" + "0000" + "00000000" + "00000000" + "02010000" +
    "00".repeat(48) + "00000000".repeat(3) + "e8030000" + "d2040000";
  deepStrictEqual(decodeAnswer(bytes(message)), {
    uid: 1000,
    inode: 1234,
    isListening: false,
  });
  for (let length = 0; length < 88; length++) {
    strictEqual(decodeAnswer(bytes(message).subarray(0, length)), null, `${length} bytes`);
  }
});

Deno.test("decodeAnswer() tells that there is no socket from that the question is not taken", () => {
  const error = (errno: number) => {
    const view = new DataView(new ArrayBuffer(36));
    view.setUint32(0, 36, true);
    view.setUint16(4, 2, true);
    view.setInt32(16, -errno, true);
    return new Uint8Array(view.buffer);
  };
  strictEqual(decodeAnswer(error(2)), null);
  throws(() => decodeAnswer(error(95)), /error 95/);
});

const sources = [
  ["the kernel", () => openSockets(() => performance.now())],
  ["/proc/net", () => openSockets(() => performance.now(), { isDiagTried: false })],
] as const;

for (const [name, open] of sources) {
  Deno.test({
    name: `openSockets() finds this process's own sockets by ${name}`,
    ignore: !isLinux,
    sanitizeResources: false, // the C library stays loaded
    fn: async () => {
      for (const hostname of ["127.0.0.1", "::1"]) {
        const listener = Deno.listen({ hostname, port: 0 });
        const { port } = listener.addr as Deno.NetAddr;
        const connection = await Deno.connect({ hostname, port });
        const accepted = await listener.accept();
        const udp = createSocket(hostname === "::1" ? "udp6" : "udp4").bind(0, hostname);
        await once(udp, "listening");
        const own = inodesOfSelf();
        const address: AddressWords = hostname === "::1" ? [0, 0, 0, 1] : v4(0x7f000001);
        const query = (
          protocol: number,
          [localPort, remotePort]: readonly [number, number],
        ): SocketQuery => ({
          protocol,
          isIpv6: hostname === "::1",
          local: address,
          remote: address,
          localPort,
          remotePort,
        });
        const { find } = open();
        const local = (connection.localAddr as Deno.NetAddr).port;
        const found = [
          find(query(6, [local, port])),
          find(query(6, [port, local])),
          find(query(6, [port, 1])),
          find(query(17, [udp.address().port, 53])),
        ];
        for (const [index, socket] of found.entries()) {
          ok(socket !== null && own.has(socket.inode), `${hostname}, socket ${index}`);
          strictEqual(socket.uid, Deno.uid());
        }
        strictEqual(new Set(found.map((socket) => socket!.inode)).size, 4);
        deepStrictEqual(found.map((socket) => socket!.isListening), [false, false, true, false]);
        strictEqual(find(query(17, [1, 1])), null);
        for (const each of [udp, accepted, connection, listener]) each.close();
      }
    },
  });
}

Deno.test({
  name: "DiagSocket answers nothing to what is no question, and goes on",
  ignore: !isLinux,
  sanitizeResources: false,
  fn: () => {
    const socket = new DiagSocket();
    strictEqual(socket.ask(new Uint8Array(3)).length, 0);
    ok(socket.ask(encodeQuery(tcp)).length > 0);
    socket.close();
  },
});

function inodesOfSelf(): Set<number> {
  const links = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "";
    }
  });
  return new Set(links.map((link) => Number(/^socket:\[(\d+)\]$/.exec(link)?.[1])));
}
