/** Copies the addresses of an observation into keys, four words each. */
import type { Observation } from "../observation.ts";

export function copySource(o: Observation, key: Int32Array, at = 0): void {
  key[at] = o.source0;
  key[at + 1] = o.source1;
  key[at + 2] = o.source2;
  key[at + 3] = o.source3;
}

export function copyDestination(o: Observation, key: Int32Array, at = 0): void {
  key[at] = o.destination0;
  key[at + 1] = o.destination1;
  key[at + 2] = o.destination2;
  key[at + 3] = o.destination3;
}
