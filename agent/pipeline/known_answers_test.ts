/** The names that a pipeline has of addresses whether or not it passes over answers that name nothing new. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ethernet, ipv4, join, udp, uint16 } from "../decode/packet_builder.ts";
import { Pipeline } from "./pipeline.ts";
import { batchOf, type Frame } from "./testing.ts";

const addresses = [[203, 0, 113, 1], [203, 0, 113, 2], [0x20, 1, ...Array(13).fill(0), 9]];
const texts = ["203.0.113.1", "203.0.113.2", "2001::9"];
const typeA = 1;
const typeAaaa = 28;

const goodName = fc.constantFrom([1, 0x61, 0], [1, 0x41, 0], [2, 0x62, 0x62, 1, 0x63, 0]);
const oddName = fc.constantFrom(
  [0],
  [0xc0, 12],
  [0xc0, 14],
  [1, 0x61, 0xc0, 12],
  [64, 1],
);
const name = fc.oneof({ weight: 12, arbitrary: goodName }, oddName);
/** Mostly as answers are. */
function seldom<T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

const record = fc.record({
  owner: seldom([0xc0, 12], [1, 0x61, 0], [0xc0, 14], [0xc0, 255], [64, 1]),
  /** 0 is the one of the address. */
  type: seldom(0, typeA, typeAaaa, 5, 32),
  address: fc.constantFrom(...addresses),
}).map(({ owner, type, address }) => {
  const ofAddress = address.length === 4 ? typeA : typeAaaa;
  return [
    ...owner,
    ...uint16(type === 0 ? ofAddress : type),
    ...[0, 1, 0, 0, 0, 9],
    ...uint16(address.length),
    ...address,
  ];
});

const message = fc.record({
  id: seldom(1, 2, 0x16fe),
  flags: fc.constantFrom(0x0100, 0x8180, 0x8180, 0x8180, 0x8180, 0xfd00),
  questions: seldom(1, 0, 2),
  asked: name,
  answers: seldom(0, 1, 33),
  records: fc.oneof(
    { weight: 9, arbitrary: fc.array(record, { maxLength: 3 }) },
    { weight: 1, arbitrary: record.map((one) => Array<number[]>(33).fill(one)) },
  ),
  cut: seldom(0, 1, 8),
  port: fc.constantFrom(40_001, 40_002, 40_003, 40_004),
}).map(({ id, flags, questions, asked, answers, records, cut, port }) => ({
  payload: join(
    uint16(id),
    uint16(flags),
    uint16(questions),
    uint16(records.length + answers),
    [0, 0, 0, 0],
    [...asked, 0, 1, 0, 1],
    ...records,
  ).slice(0, cut === 0 ? undefined : -cut),
  isResponse: flags >= 0x8000,
  port,
}));

function datagram({ payload, isResponse, port }: {
  readonly payload: Uint8Array;
  readonly isResponse: boolean;
  readonly port: number;
}, index: number): Frame {
  const ports = isResponse ? { source: 53, destination: port } : { source: port, destination: 53 };
  const bytes = ethernet(0x0800, ipv4({ protocol: 17 }, udp(ports, payload)));
  // To the server and back: the two addresses change places.
  if (isResponse) bytes.set([...bytes.subarray(30, 34), ...bytes.subarray(26, 30)], 26);
  return { timestampUs: 1e15 + index * 1000, bytes };
}

/** After each frame. */
function namesOf(
  frames: readonly Frame[],
  options: Pick<ConstructorParameters<typeof Pipeline>[0], "onDetails">,
): string[] {
  const pipeline = new Pipeline({ flowCountMax: 100, rowPolicy: "none", ...options });
  return frames.flatMap((frame) => {
    pipeline.process(batchOf([frame]));
    return texts.map((text) => pipeline.hostName(text));
  });
}

Deno.test("answers that are passed over name nothing new, whatever they are and in whatever order they come", () => {
  const named = new Set<string>();
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const frames = messages.map(datagram);
      const names = namesOf(frames, { onDetails: () => {} });
      names.forEach((text, index) => named.add(text === "" ? "" : texts[index % texts.length]));
      deepStrictEqual(namesOf(frames, {}), names);
    }),
    { numRuns: 150 },
  );
  strictEqual(named.size, texts.length + 1);
});
