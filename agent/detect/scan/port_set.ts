/** A set of ports that stays small while it is: a list of numbers, then a bit for each of the 65,536. */
const listedMax = 256;
/** Ranges written out; what is beyond is told as "…". */
const rangesMax = 200;

export class PortSet {
  #list: Set<number> | null = new Set();
  #bits: Uint8Array | null = null;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes held, about. */
  get stateBytes(): number {
    return this.#bits === null ? this.#list!.size * 24 : this.#bits.byteLength;
  }

  add(port: number): void {
    if (this.has(port)) return;
    this.#count++;
    if (this.#list !== null && this.#list.size >= listedMax) this.#spread();
    if (this.#bits === null) this.#list!.add(port);
    else this.#bits[port >>> 3] |= 1 << (port & 7);
  }

  has(port: number): boolean {
    if (this.#bits === null) return this.#list!.has(port);
    return (this.#bits[port >>> 3] & 1 << (port & 7)) !== 0;
  }

  /** How many ports both have. */
  countShared(other: PortSet): number {
    let count = 0;
    for (const port of this.#unsorted()) if (other.has(port)) count++;
    return count;
  }

  sorted(): number[] {
    const ports = [...this.#unsorted()];
    return this.#bits === null ? ports.sort((a, b) => a - b) : ports;
  }

  /** As "22,80,1000-1024". */
  toString(): string {
    return portRanges(this.sorted());
  }

  #unsorted(): Iterable<number> {
    if (this.#bits === null) return this.#list!;
    const ports: number[] = [];
    for (let byte = 0; byte < this.#bits.length; byte++) {
      for (let rest = this.#bits[byte]; rest !== 0; rest &= rest - 1) {
        ports.push(byte * 8 + 31 - Math.clz32(rest & -rest));
      }
    }
    return ports;
  }

  #spread(): void {
    this.#bits = new Uint8Array(8192);
    for (const port of this.#list!) this.#bits[port >>> 3] |= 1 << (port & 7);
    this.#list = null;
  }
}

/** Rising ports as "22,80,1000-1024"; after 200 ranges "…". */
export function portRanges(ports: readonly number[]): string {
  const ranges: string[] = [];
  for (let from = 0; from < ports.length;) {
    if (ranges.length === rangesMax) return `${ranges.join(",")},…`;
    let to = from;
    while (to + 1 < ports.length && ports[to + 1] === ports[to] + 1) to++;
    ranges.push(to === from ? `${ports[from]}` : `${ports[from]}-${ports[to]}`);
    from = to + 1;
  }
  return ranges.join(",");
}
