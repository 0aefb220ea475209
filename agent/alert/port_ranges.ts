/** Lists of ports as findings and mutes write them: "22", "80,443", "1-1024,3306". */

export type PortRange = readonly [first: number, last: number];

const portMax = 65_535;

/** Throws RangeError with what is wrong. "" is no port at all. */
export function parsePorts(text: string): PortRange[] {
  if (text.trim() === "") return [];
  return text.split(",").map((part) => {
    const match = /^\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last > portMax || first > last) {
      throw new RangeError(
        `port must be a number from 0 to ${portMax}, a range as 1-1024, or several with commas, got ${
          JSON.stringify(part.trim())
        }`,
      );
    }
    return [first, last];
  });
}

/** Whether each port of `inner` is among those of `outer`. */
export function includesPorts(outer: readonly PortRange[], inner: readonly PortRange[]): boolean {
  const joined = mergePorts(outer);
  return inner.every(([first, last]) => joined.some(([from, to]) => from <= first && last <= to));
}

function mergePorts(ranges: readonly PortRange[]): PortRange[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else merged.push([first, last]);
  }
  return merged;
}
