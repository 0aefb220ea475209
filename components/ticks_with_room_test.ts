import { deepStrictEqual } from "node:assert/strict";
import { ticksWithRoom } from "./ticks_with_room.ts";

Deno.test("ticksWithRoom() leaves out labels that would touch, or stand out at the end", () => {
  const positions = Array.from({ length: 12 }, (_, index) => index * 45);
  const room = { apart: 90, end: 400 };
  // Points of three seconds, ticks of five: some are neighbours.
  deepStrictEqual(ticksWithRoom([2, 3, 5, 7, 8], positions, room), [2, 5, 7]);
  deepStrictEqual(ticksWithRoom([1, 3, 5, 7, 9], positions, room), [1, 3, 5, 7]);
  deepStrictEqual(ticksWithRoom([], positions, room), []);
});
