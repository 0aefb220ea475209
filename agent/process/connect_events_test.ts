import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readConnectEvent, readConnectFormat, readLost } from "./connect_events.ts";
import { connectRecord, formatText, lostRecord } from "./testing/connect_records.ts";

const ipv4 = (last: number) => [0, 0, 0xffff, 0x0a000000 + last] as const;

Deno.test("readConnectFormat() finds fields wherever a kernel has them", () => {
  const format = readConnectFormat(formatText())!;
  deepStrictEqual(format, {
    socket: 36,
    oldState: 44,
    newState: 48,
    localPort: 52,
    remotePort: 54,
    local: 68,
    remote: 84,
    end: 100,
  });
  // Of Linux 4.16, where the protocol has one byte.
  const older = formatText().replace(
    "__u16 protocol;\toffset:30;\tsize:2",
    "__u8 protocol;\toffset:30;\tsize:1",
  );
  deepStrictEqual(readConnectFormat(older), format);
  const shifted = formatText().replace("sport;\toffset:24", "sport;\toffset:124");
  deepStrictEqual(readConnectFormat(shifted), { ...format, localPort: 152, end: 154 });
});

Deno.test("readConnectFormat() refuses a tracepoint without what is read, or of other sizes", () => {
  strictEqual(readConnectFormat(""), null);
  strictEqual(readConnectFormat(formatText().replace("skaddr", "address")), null);
  strictEqual(
    readConnectFormat(
      formatText().replace("skaddr;\toffset:8;\tsize:8", "skaddr;\toffset:8;\tsize:4"),
    ),
    null,
  );
});

Deno.test("readConnectEvent() reads who, which socket and its ends", () => {
  const format = readConnectFormat(formatText())!;
  const event = {
    timeMs: 23_782_561.5,
    pid: 4711,
    socket: 0x88822_9a9a500,
    oldState: 2,
    newState: 7,
    localPort: 59_418,
    remotePort: 9,
    local: ipv4(1),
    remote: [0x20010db8, -1, 0, 1] as const,
  };
  const record = connectRecord(event);
  deepStrictEqual(readConnectEvent(9, record, format), event);
  // Processes of other namespaces are told as 0, those that are ending as -1.
  strictEqual(readConnectEvent(9, connectRecord({ ...event, pid: -1 }), format)?.pid, 0);
  strictEqual(readConnectEvent(1, record, format), null);
  const short = new DataView(record.buffer, 0, format.end - 1);
  strictEqual(readConnectEvent(9, short, format), null);
});

Deno.test("readLost() counts what found no room", () => {
  strictEqual(readLost(2, lostRecord(7)), 7);
  strictEqual(readLost(9, lostRecord(7)), 0);
  strictEqual(readLost(2, new DataView(new ArrayBuffer(16))), 0);
});
