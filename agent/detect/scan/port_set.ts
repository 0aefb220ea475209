/** A set of ports: a bit for each of the 65,536, once there is one. */
const wordCount = 65_536 / 32;
/** Ranges written out; what is beyond is told as "…". */
const rangesMax = 200;

export class PortSet {
  #bits: Int32Array | null = null;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes held. */
  get stateBytes(): number {
    return this.#bits === null ? 0 : this.#bits.byteLength;
  }

  add(port: number): void {
    const bits = this.#bits ??= new Int32Array(wordCount);
    const before = bits[port >>> 5];
    const after = before | 1 << (port & 31);
    if (after === before) return;
    bits[port >>> 5] = after;
    this.#count++;
  }

  has(port: number): boolean {
    return this.#bits !== null && (this.#bits[port >>> 5] & 1 << (port & 31)) !== 0;
  }

  /** How many ports both have. */
  countShared(other: PortSet): number {
    return other.#bits === null ? 0 : this.#ports(other.#bits).length;
  }

  sorted(): number[] {
    return this.#bits === null ? [] : this.#ports(this.#bits);
  }

  /** As "22,80,1000-1024". */
  toString(): string {
    return portRanges(this.sorted());
  }

  /** Ports that are in `mask` too, rising. */
  #ports(mask: Int32Array): number[] {
    const ports: number[] = [];
    const bits = this.#bits;
    if (bits === null) return ports;
    for (let word = 0; word < wordCount; word++) {
      for (let rest = bits[word] & mask[word]; rest !== 0; rest &= rest - 1) {
        ports.push(word * 32 + 31 - Math.clz32(rest & -rest));
      }
    }
    return ports;
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
