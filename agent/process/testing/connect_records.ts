/** Records of the kernel's tracepoint, as a test makes them up. */
import type { ConnectEvent } from "../connect_events.ts";

/** Of Linux 6.18. */
export function formatText(): string {
  const fields = [
    ["unsigned short common_type", 0, 2],
    ["unsigned char common_flags", 2, 1],
    ["unsigned char common_preempt_count", 3, 1],
    ["int common_pid", 4, 4],
    ["const void * skaddr", 8, 8],
    ["int oldstate", 16, 4],
    ["int newstate", 20, 4],
    ["__u16 sport", 24, 2],
    ["__u16 dport", 26, 2],
    ["__u16 family", 28, 2],
    ["__u16 protocol", 30, 2],
    ["__u8 saddr[4]", 32, 4],
    ["__u8 daddr[4]", 36, 4],
    ["__u8 saddr_v6[16]", 40, 16],
    ["__u8 daddr_v6[16]", 56, 16],
  ];
  const lines = fields.map(([declaration, offset, size]) =>
    `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:0;\n`
  );
  lines.splice(4, 0, "\n");
  return `name: inet_sock_set_state\nID: 2287\nformat:\n${lines.join("")}\n` +
    'print fmt: "family=%s protocol=%s", REC->family, REC->protocol\n';
}

/** A sample, with its header. */
export function connectRecord(event: ConnectEvent): DataView {
  const fields = 28;
  const record = new DataView(new ArrayBuffer(fields + 72 + 4));
  record.setUint32(0, 9, true);
  record.setUint16(6, record.byteLength, true);
  record.setInt32(8, event.pid, true);
  record.setInt32(12, event.pid, true);
  record.setBigUint64(16, BigInt(Math.round(event.timeMs * 1e6)), true);
  record.setUint32(24, 76, true);
  record.setBigUint64(fields + 8, 0xfff0_0000_0000_0000n | BigInt(event.socket), true);
  record.setInt32(fields + 16, event.oldState, true);
  record.setInt32(fields + 20, event.newState, true);
  record.setUint16(fields + 24, event.localPort, true);
  record.setUint16(fields + 26, event.remotePort, true);
  event.local.forEach((word, index) => record.setInt32(fields + 40 + 4 * index, word));
  event.remote.forEach((word, index) => record.setInt32(fields + 56 + 4 * index, word));
  return record;
}

export function lostRecord(count: number): DataView {
  const record = new DataView(new ArrayBuffer(24));
  record.setUint32(0, 2, true);
  record.setUint16(6, 24, true);
  record.setBigUint64(16, BigInt(count), true);
  return record;
}
