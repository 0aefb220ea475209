/**
 * One list of flows for each timeout class, least recently touched first: rings of links (address of the links before,
 * address of the links after), those of the heads at HEADS_AT and those of a flow in its slot.
 */
import {
  CLASS_COUNT,
  F_PREVIOUS,
  HEADS_AT,
} from "../layout";

const LINKS: usize = F_PREVIOUS << 2;

export function makeLists(): void {
  for (let timeoutClass = 0; timeoutClass < CLASS_COUNT; timeoutClass++) {
    const head = headOf(timeoutClass);
    store<usize>(head, head);
    store<usize>(head, head, 4);
  }
}

@inline
function headOf(timeoutClass: i32): usize {
  return HEADS_AT + (timeoutClass << 3);
}

/** Puts a flow that is in no list at the end of one. */
@inline
export function append(flow: usize, timeoutClass: i32): void {
  const head = headOf(timeoutClass);
  const links = flow + LINKS;
  const last = load<usize>(head);
  store<usize>(links, last);
  store<usize>(links, head, 4);
  store<usize>(last, links, 4);
  store<usize>(head, links);
}

@inline
export function unlink(flow: usize): void {
  const before = load<usize>(flow + LINKS);
  const after = load<usize>(flow + LINKS, 4);
  store<usize>(before, after, 4);
  store<usize>(after, before);
}

/** Moves a flow to the end of a list, which may be another than it was in. */
@inline
export function touch(flow: usize, timeoutClass: i32): void {
  if (load<usize>(headOf(timeoutClass)) == flow + LINKS) return;
  unlink(flow);
  append(flow, timeoutClass);
}

/** The least recently touched flow of a class; 0 when there is none. */
@inline
export function first(timeoutClass: i32): usize {
  const head = headOf(timeoutClass);
  const links = load<usize>(head, 4);
  return links == head ? 0 : links - LINKS;
}
