import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { EveLinesMessage } from "../messages.ts";
import { EveOutlet } from "./eve_outlet.ts";

const line = "x".repeat(1023);

function open(isPatient: boolean) {
  const outlet = new EveOutlet({ isPatient });
  const sent: EveLinesMessage[] = [];
  outlet.join((message) => sent.push(message));
  return {
    outlet,
    sent,
    write: (count: number) => {
      for (let i = 0; i < count; i++) outlet.write(line);
    },
  };
}

const sum = (sent: readonly EveLinesMessage[], key: "count" | "shed") =>
  sent.reduce((total, message) => total + message[key], 0);

Deno.test("lines go in messages of 64 KiB, or when they are asked for", () => {
  const { outlet, sent, write } = open(false);
  write(63);
  deepStrictEqual([sent.length, outlet.isUnderWay], [0, true]);
  write(1);
  deepStrictEqual([sent.length, sent[0]!.count, sent[0]!.text], [1, 64, `${line}\n`.repeat(64)]);
  write(1);
  outlet.send();
  strictEqual(sent[1]!.count, 1);
  outlet.taken();
  ok(outlet.isUnderWay);
  outlet.taken();
  ok(!outlet.isUnderWay);
});

Deno.test("live lines beyond the queue are shed, and the writer hears how many", () => {
  const { outlet, sent, write } = open(false);
  write(10_000);
  strictEqual(sent.length, 32);
  const waiting = 1024;
  strictEqual(outlet.shedCount, 10_000 - 32 * 64 - waiting);
  while (outlet.isUnderWay) {
    outlet.taken();
    outlet.send();
  }
  deepStrictEqual([sum(sent, "count"), sum(sent, "shed")], [32 * 64 + waiting, outlet.shedCount]);
});

Deno.test("a file waits, and nothing of it is shed", () => {
  const { outlet, write } = open(true);
  write(10_000);
  deepStrictEqual([outlet.hasRoom, outlet.shedCount], [false, 0]);
  const live = open(false);
  live.outlet.beginEnd();
  live.write(10_000);
  strictEqual(live.outlet.shedCount, 0);
});

Deno.test("what was under way to a writer that crashed is counted with the next one", () => {
  const { outlet, write } = open(false);
  write(128);
  const sent: EveLinesMessage[] = [];
  outlet.join((message) => sent.push(message));
  write(64);
  deepStrictEqual(sent.map(({ count, shed }) => [count, shed]), [[64, 128]]);
});
