import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { deflateSync, inflateSync as inflate } from "node:zlib";
import fc from "fast-check";
import { FLOW_COLUMNS, type StoredFlow } from "../store/schema.ts";
import { decodeBase32, encodeBase32, randomId } from "./base32.ts";
import {
  agentOf,
  agentSubject,
  decodeHeartbeat,
  decodeNotice,
  encodeHeartbeat,
  encodeNotice,
  isAgentId,
} from "./streams.ts";
import {
  anomalyItem,
  healthReport,
  incidentItem,
  many,
  rollupRow,
  scanItem,
  startUs,
  storedFlow,
} from "./testing.ts";
import {
  type Batch,
  BATCH_BYTES_MAX,
  decodeBatch,
  encodeBatch,
  flowAt,
  INFLATED_BYTES_MAX,
  rollupAt,
  type Rows,
  WireError,
} from "./wire.ts";

const epoch = randomId();
const head = { epoch, firstSeq: 4711, madeUs: startUs };

const samples: readonly Rows[] = [
  { kind: "flows", rows: many(40, storedFlow) },
  { kind: "rollups", rows: many(10, rollupRow) },
  { kind: "findings", rows: [scanItem(1), anomalyItem(2)] },
  { kind: "incidents", rows: [incidentItem(7), { gone: 6 }] },
  { kind: "health", rows: [healthReport()] },
];

function encode(batch: Rows): Uint8Array {
  return encodeBatch(batch, batch.kind === "health" ? { ...head, firstSeq: 0 } : head);
}

function rowsOf(batch: Batch): readonly unknown[] {
  if (batch.kind === "flows") return many(batch.rowCount, (row) => flowAt(batch.columns, row));
  if (batch.kind === "rollups") return many(batch.rowCount, (row) => rollupAt(batch.columns, row));
  return batch.items;
}

Deno.test("a batch of each kind comes back as it was", () => {
  for (const sample of samples) {
    const batch = decodeBatch(encode(sample));
    deepStrictEqual(rowsOf(batch), sample.rows);
    strictEqual(batch.kind, sample.kind);
    strictEqual(batch.epoch, epoch);
    strictEqual(batch.firstSeq, sample.kind === "health" ? 0 : 4711);
    strictEqual(batch.madeUs, startUs);
  }
});

const anyCount = fc.oneof(fc.nat(70_000), fc.maxSafeNat().map((value) => Math.floor(value / 4)));
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.toWellFormed()),
  fc.constantFrom("", "\u0000", "\ufeffname", "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "1:AAAA"),
);
const nullable = fc.option(fc.nat(70_000), { nil: null });
const nullableTexts: readonly string[] = ["process", "executable", "command", "user", "unit"];
const anyFlow: fc.Arbitrary<StoredFlow> = fc.record(
  Object.fromEntries(FLOW_COLUMNS.map((column) => {
    const sample = storedFlow(1)[column];
    const isNullable = sample === null || ["rtt_us", "local_orig", "local_resp"].includes(column);
    if (nullableTexts.includes(column)) return [column, fc.option(anyText, { nil: null })];
    return [column, typeof sample === "string" ? anyText : isNullable ? nullable : anyCount];
  })),
  { noNullPrototype: true },
) as unknown as fc.Arbitrary<StoredFlow>;

Deno.test("flows with any texts and numbers come back as they were", () => {
  fc.assert(
    fc.property(fc.array(anyFlow, { minLength: 1, maxLength: 30 }), (rows) => {
      deepStrictEqual(rowsOf(decodeBatch(encode({ kind: "flows", rows }))), rows);
    }),
    { numRuns: 200 },
  );
});

Deno.test("500 flows take less than 60 bytes each", () => {
  const bytes = encode({ kind: "flows", rows: many(500, storedFlow) }).length;
  ok(bytes < 500 * 60, `${bytes / 500} bytes a flow`);
  ok(bytes < BATCH_BYTES_MAX);
});

Deno.test("a batch with any byte flipped, or cut anywhere, is read or refused with a WireError", () => {
  for (const sample of samples) {
    const message = encode(sample);
    for (let at = 0; at < message.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const flipped = message.slice();
        flipped[at]! ^= mask;
        readOrRefuse(flipped);
      }
      throws(() => decodeBatch(message.subarray(0, at)), WireError);
    }
  }
});

Deno.test("a body of any bytes under a good checksum is read or refused with a WireError", () => {
  const message = encode(samples[0]!);
  fc.assert(
    fc.property(fc.nat(255), fc.nat(), fc.integer({ min: 1, max: 5 }), (value, at, kind) => {
      const body = inflatedBody(message);
      body[at % body.length] = value;
      readOrRefuse(withBody(message, body, { kind }));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 5 }), (body, kind) => {
      readOrRefuse(withBody(message, body, { kind }));
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 3 }),
      fc.integer({ min: 3, max: 5 }),
      (items, kind) => {
        const body = new TextEncoder().encode(JSON.stringify(items));
        readOrRefuse(withBody(message, body, { kind, rowCount: items.length }));
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("a bomb is refused by its size, whether it admits it or not", () => {
  const message = encode(samples[2]!);
  const body = new Uint8Array(200 * 2 ** 20).fill(0x20);
  const bomb = withBody(message, body);
  strictEqual(faultOf(bomb), "size");
  const lying = bomb.slice();
  new DataView(lying.buffer).setUint32(38, INFLATED_BYTES_MAX);
  strictEqual(faultOf(lying), "damaged");
  const many = message.slice();
  new DataView(many.buffer).setUint32(34, 0xffffffff);
  strictEqual(faultOf(many), "size");
});

Deno.test("an unknown version and an unknown kind are told apart from damage", () => {
  const message = encode(samples[0]!);
  strictEqual(faultOf(withByte(message, 0, 2)), "version");
  strictEqual(faultOf(new Uint8Array([9])), "version");
  strictEqual(faultOf(withByte(message, 1, 77)), "kind");
  strictEqual(faultOf(new Uint8Array()), "damaged");
});

Deno.test("rows of a finding and an incident are checked, not believed", () => {
  const [scan, incident] = [scanItem(1), incidentItem(1) as { row: object }];
  const bad: readonly Rows[] = [
    { kind: "findings", rows: [{ ...scan, row: { ...scan.row, severity: "none" } } as never] },
    { kind: "findings", rows: [{ ...scan, row: { ...scan.row, sources: "[1]" } } as never] },
    { kind: "findings", rows: [{ ...scan, row: { ...scan.row, first_us: 1.5 } } as never] },
    { kind: "findings", rows: [{ ...scan, list: "flows" } as never] },
    {
      kind: "incidents",
      rows: [{ ...incident, row: { ...incident.row, course: "[{}]" } } as never],
    },
    { kind: "incidents", rows: [{ ...incident, row: { ...incident.row, state: "" } } as never] },
    { kind: "health", rows: [{ ...healthReport(), packets: -1 }] },
  ];
  for (const batch of bad) strictEqual(faultOf(encode(batch)), "damaged");
});

Deno.test("a row of an agent that knows fewer columns is filled up", () => {
  const item = scanItem(1);
  const { tool: _, found: __, ...older } = item.row as { tool: unknown; found: unknown };
  const batch = decodeBatch(encode({ kind: "findings", rows: [{ ...item, row: older } as never] }));
  ok(batch.kind === "findings");
  deepStrictEqual(batch.items[0], { ...item, row: { ...item.row, tool: "", found: "[]" } });
});

Deno.test("ids are 26 letters of base32, and subjects say whose they are", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
    const id = encodeBase32(bytes);
    ok(isAgentId(id));
    deepStrictEqual(decodeBase32(id), bytes);
  }));
  const agent = randomId();
  deepStrictEqual(agentOf(agentSubject("flows", agent)), { topic: "flows", agent });
  for (
    const bad of ["tapwatch.v1.flows.x", `tapwatch.v1.ctl.${agent}`, `tapwatch.v2.flows.${agent}`]
  ) {
    strictEqual(agentOf(bad), null);
  }
});

Deno.test("notices and heartbeats come back, and anything else is none", () => {
  const notice = {
    channel: "flows",
    epoch,
    through: 9,
    created: "2026-01-01T00:00:00Z",
    floor: 3,
  } as const;
  deepStrictEqual(decodeNotice(encodeNotice(notice)), notice);
  const heartbeat = { epoch, base: { flows: 3, findings: 1 } };
  deepStrictEqual(decodeHeartbeat(encodeHeartbeat(heartbeat)), heartbeat);
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
    strictEqual(decodeNotice(text), null);
    strictEqual(decodeHeartbeat(text), null);
  }));
});

function readOrRefuse(message: Uint8Array): void {
  try {
    decodeBatch(message);
  } catch (error) {
    ok(error instanceof WireError, String(error));
  }
}

function faultOf(message: Uint8Array): string {
  try {
    decodeBatch(message);
  } catch (error) {
    ok(error instanceof WireError, String(error));
    return error.fault;
  }
  return "none";
}

function withByte(message: Uint8Array, at: number, value: number): Uint8Array {
  const changed = message.slice();
  changed[at] = value;
  return changed;
}

function inflatedBody(message: Uint8Array): Uint8Array {
  return new Uint8Array(inflate(message.subarray(42)));
}

function withBody(
  message: Uint8Array,
  body: Uint8Array,
  { kind = message[1]!, rowCount = undefined as number | undefined } = {},
): Uint8Array {
  const deflated = deflateSync(body);
  const changed = new Uint8Array(42 + deflated.length);
  changed.set(message.subarray(0, 42));
  changed.set(deflated, 42);
  changed[1] = kind;
  const view = new DataView(changed.buffer);
  if (rowCount !== undefined) view.setUint32(34, rowCount);
  view.setUint32(38, body.length);
  return changed;
}
