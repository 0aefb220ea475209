import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { HOST_WINDOW_WORDS, ObservationKind, SHORT_WORDS } from "./observation.ts";
import { ObservationJoin } from "./observation_join.ts";

const epochS = 1_700_000_000;

function row(kind: number, atMs: number, words = SHORT_WORDS): Int32Array {
  const made = new Int32Array(words);
  made[0] = words << 16 | kind;
  made[1] = epochS + Math.floor(atMs / 1000);
  made[2] = atMs % 1000 * 1000;
  return made;
}

function contact(atMs: number, flowId: number): Int32Array {
  const made = row(ObservationKind.contact, atMs);
  made[12] = flowId;
  return made;
}

function volumes(windowMs: number, host: number, packetsOut: number, bytesOut: number): Int32Array {
  const made = row(ObservationKind.hostWindow, windowMs, HOST_WINDOW_WORDS);
  made[6] = host;
  made.set([packetsOut, 1, Math.floor(bytesOut / 2 ** 32), bytesOut % 2 ** 32 | 0, 0, 7], 14);
  return made;
}

/** Rows that come out, when each stream's buffers come in the order of `turns`, which names streams. */
function join(streams: readonly (readonly Int32Array[][])[], turns: readonly number[]) {
  const rows: Int32Array[] = [];
  let released = 0;
  const joint = new ObservationJoin({
    count: streams.length,
    take: (words, length) => {
      for (let at = 0; at < length; at += words[at] >>> 16) {
        rows.push(words.slice(at, at + (words[at] >>> 16)));
      }
    },
    release: () => released++,
  });
  const left = streams.map((buffers) => [...buffers]);
  for (
    const index of [
      ...turns,
      ...streams.flatMap((buffers, index) => buffers.map(() => index)),
    ]
  ) {
    const buffer = left[index].shift();
    if (buffer === undefined) continue;
    const words = Int32Array.from(buffer.flatMap((one) => [...one]));
    joint.add(index, { words, length: words.length });
  }
  const isOverBefore = joint.isOver;
  streams.forEach((_, index) => joint.end(index));
  return { rows, released, isOverBefore, isOver: joint.isOver };
}

const kindOf = (words: Int32Array) => words[0] & 0xff;
const timeOf = (words: Int32Array) => words[1] * 1e6 + words[2];

Deno.test("ObservationJoin gives the rows of several pipelines in the order of time, each once", () => {
  const gaps = fc.array(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 20 }), {
    maxLength: 6,
  });
  const cases = fc.tuple(
    fc.array(gaps, { minLength: 2, maxLength: 4 }),
    fc.array(fc.nat(3), { maxLength: 20 }),
  );
  fc.assert(fc.property(cases, ([all, turns]) => {
    let id = 0;
    const streams = all.map((buffers) => {
      let atMs = 0;
      return buffers.filter(({ length }) => length > 0)
        .map((ones) => ones.map((gap) => contact(atMs += gap, ++id)));
    });
    const { rows, released, isOver } = join(streams, turns.filter((index) => index < all.length));
    ok(isOver);
    equal(released, streams.flat().length);
    deepEqual(
      rows.map((one) => one[12]).sort((a, b) => a - b),
      Array.from({ length: id }, (_, n) => n + 1),
    );
    deepEqual(rows.map(timeOf), rows.map(timeOf).toSorted((a, b) => a - b));
  }));
});

Deno.test("ObservationJoin ends a window once, when all have ended it, with each host's volumes added up", () => {
  const end = (windowMs: number) => row(ObservationKind.windowEnd, windowMs);
  const big = 2 ** 32 - 10;
  const one = [
    contact(9_000, 1),
    volumes(0, 5, 3, big),
    volumes(0, 6, 1, 40),
    end(0),
    contact(10_100, 2),
  ];
  const other = [
    contact(9_500, 3),
    volumes(0, 5, 4, 30),
    end(0),
    contact(12_000, 4),
    volumes(10_000, 5, 9, 1),
    end(10_000),
  ];
  for (const turns of [[0, 1], [1, 0]]) {
    const { rows } = join([[one], [other]], turns);
    deepEqual(rows.map(kindOf), [1, 1, 6, 6, 7, 1, 1, 6, 7]);
    deepEqual(rows.filter((words) => kindOf(words) === 1).map((words) => words[12]), [1, 3, 2, 4]);
    const [sum, alone] = rows.filter((words) => kindOf(words) === 6);
    deepEqual([...sum.subarray(14)], [7, 2, 1, 20, 0, 14]);
    deepEqual([alone[6], alone[14]], [6, 1]);
  }
});

Deno.test("ObservationJoin waits for the pipeline that is behind, and for one no more once it has ended", () => {
  const { isOverBefore, rows } = join([[[contact(1, 1)]], []], [0]);
  equal(isOverBefore, false);
  equal(rows.length, 1);
});
