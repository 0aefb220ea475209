/**
 * One list of slots for each timeout class, least recently touched first, as links in one typed array: node 0 to
 * TIMEOUT_CLASS_COUNT - 1 are the rings' heads, slot s is node s + TIMEOUT_CLASS_COUNT.
 */
import { enlarged } from "./flow_slots.ts";
import { TIMEOUT_CLASS_COUNT } from "./timeouts.ts";

const firstSlot = TIMEOUT_CLASS_COUNT;

export class TimeoutLists {
  /** Previous and next node of each node. */
  #links = new Int32Array(firstSlot * 2);

  constructor() {
    for (let head = 0; head < firstSlot; head++) {
      this.#links[head * 2] = head;
      this.#links[head * 2 + 1] = head;
    }
  }

  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void {
    const length = (capacity + firstSlot) * 2;
    if (length > this.#links.length) this.#links = enlarged(this.#links, length);
  }

  /** Puts a slot that is in no list at the end of one. */
  append(slot: number, timeoutClass: number): void {
    const links = this.#links;
    const node = slot + firstSlot;
    const last = links[timeoutClass * 2];
    links[node * 2] = last;
    links[node * 2 + 1] = timeoutClass;
    links[last * 2 + 1] = node;
    links[timeoutClass * 2] = node;
  }

  remove(slot: number): void {
    const links = this.#links;
    const node = slot + firstSlot;
    const previous = links[node * 2];
    const next = links[node * 2 + 1];
    links[previous * 2 + 1] = next;
    links[next * 2] = previous;
  }

  /** Moves a slot to the end of a list, which may be another than it was in. */
  touch(slot: number, timeoutClass: number): void {
    if (this.#links[timeoutClass * 2] === slot + firstSlot) return;
    this.remove(slot);
    this.append(slot, timeoutClass);
  }

  /** The least recently touched slot of a class; -1 when there is none. */
  first(timeoutClass: number): number {
    return slotOf(this.#links[timeoutClass * 2 + 1]);
  }

  /** The most recently touched slot of a class; -1 when there is none. */
  last(timeoutClass: number): number {
    return slotOf(this.#links[timeoutClass * 2]);
  }

  /** The slot touched just before `slot` in its class; -1 when there is none. */
  before(slot: number): number {
    return slotOf(this.#links[(slot + firstSlot) * 2]);
  }
}

function slotOf(node: number): number {
  return node < firstSlot ? -1 : node - firstSlot;
}
