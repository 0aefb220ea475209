/** Hashes of the two ends of the row. */
import { destination, source } from "../../common/assembly/row";
import { hashAddress0, hashAddress1 } from "./hashes";

/** Two of the source and two of the destination, once a first contact has been taken up. */
export let source0: i32 = 0;
export let source1: i32 = 0;
export let destination0: i32 = 0;
export let destination1: i32 = 0;

export function hashEnds(): void {
  source0 = hashAddress0(source());
  source1 = hashAddress1(source());
  destination0 = hashAddress0(destination());
  destination1 = hashAddress1(destination());
}
