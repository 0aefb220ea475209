/** Text of what detectors keep: addresses in the keys of their slots. */
import type { DetectorContext } from "../detector.ts";
import type { KeyedSlots } from "./keyed_slots.ts";

/** Text of the address that begins at a word of a slot's key. */
export function keyAddress(
  context: DetectorContext,
  slots: Pick<KeyedSlots, "keyWord">,
  slot: number,
  word: number,
): string {
  return context.formatAddress(
    slots.keyWord(slot, word),
    slots.keyWord(slot, word + 1),
    slots.keyWord(slot, word + 2),
    slots.keyWord(slot, word + 3),
  );
}

/** A MAC address from its upper 16 and lower 32 bits. */
export function formatMac(upper: number, lower: number): string {
  const text = ((upper & 0xffff) * 2 ** 32 + (lower >>> 0)).toString(16).padStart(12, "0");
  return text.match(/../g)!.join(":");
}
