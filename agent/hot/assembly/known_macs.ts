/** What the link has shown of MAC addresses; agent/pipeline/link_watch.ts keeps the table. */
import { KNOWN_MACS_AT, S_KNOWN_MACS } from "../layout";
import { read16, read32, state } from "./words";

/** MAC_ flags of the address at `mac`; 0 when nothing is known of it. */
export function flagsOfMac(mac: usize): i32 {
  const upper = read16(mac);
  const lower = read32(mac + 2);
  const end: usize = KNOWN_MACS_AT + (state(S_KNOWN_MACS) << 3);
  for (let at: usize = KNOWN_MACS_AT; at < end; at += 8) {
    if (load<i32>(at, 4) == lower && <i32> load<u16>(at) == upper) return <i32> load<u16>(at, 2);
  }
  return 0;
}
