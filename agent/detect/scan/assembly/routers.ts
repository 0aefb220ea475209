/** MAC addresses of routers (upper 16 bits << 32 | lower 32): the 256 seen last, in this order. */
import { ROUTERS_AT, ROUTERS_MAX } from "../contact_layout";

let count: i32 = 0;

/** The MAC address is that of a router. */
export function addRouter(mac: u64): void {
  let place = placeOf(mac);
  if (place == 0 && count > 0) return;
  if (place == count) {
    if (count < ROUTERS_MAX) count++;
    else place--;
  }
  memory.copy(ROUTERS_AT + 8, ROUTERS_AT, <usize> place << 3);
  store<u64>(ROUTERS_AT, mac);
}

export function isRouter(mac: u64): bool {
  return placeOf(mac) < count;
}

function placeOf(mac: u64): i32 {
  let place = 0;
  while (place < count && load<u64>(ROUTERS_AT + (place << 3)) != mac) place++;
  return place;
}
