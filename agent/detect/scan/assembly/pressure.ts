/**
 * How many new contacts each destination gets, so that a flood with forged sources does not push everything else out of
 * the tables: above a limit, contacts of sources not known to be suspicious are left out. Counters in 65,536 cells by a
 * hash of the destination, for spans of 10 s; two destinations in one cell only make the limit come sooner.
 */
import { PRESSURE_AT, PRESSURE_CELLS } from "../contact_layout";

const spanUs: f64 = 10_000_000;

let spanStartUs: f64 = -Infinity;
let skipped: f64 = 0;

/** Contacts left out. */
export function skippedContacts(): f64 {
  return skipped;
}

export function advancePressure(nowUs: f64): void {
  if (Math.abs(nowUs - spanStartUs) < spanUs) return;
  spanStartUs = nowUs;
  memory.fill(PRESSURE_AT, 0, PRESSURE_CELLS << 2);
}

/** Counts a new contact with the address of a hash; whether it gets more than `contactMax`. */
export function press(addressHash: i32, contactMax: u32): bool {
  const cell = (addressHash ^ addressHash >>> 16) & PRESSURE_CELLS - 1;
  const at: usize = PRESSURE_AT + (cell << 2);
  const count = load<u32>(at) + 1;
  store<u32>(at, count);
  const isOver = count > contactMax;
  if (isOver) skipped++;
  return isOver;
}
