/**
 * The pace of a scan by nmap's timing templates: T0 sends a probe every 5 minutes, T1 every 15 s, T2 every 0.4 s; the
 * faster ones send in parallel and differ on the wire by little, so their bounds are ours.
 */
const gapsMin = 3;
/** Least median gap of T0, T1 … T4, in seconds. */
const slowest = [90, 5, 0.25, 0.02, 0.001] as const;
/** Gaps are counted by powers of two of a microsecond. */
const bucketCount = 48;

export class Tempo {
  readonly #counts: Uint32Array;
  #lastUs = NaN;

  /** Without gaps, or with so many in each of the 48 buckets. */
  constructor(counts: Uint32Array = new Uint32Array(bucketCount)) {
    this.#counts = counts;
  }

  /** A probe was sent; the order of calls need not be quite that of times. */
  add(startUs: number): void {
    const gapUs = Math.abs(startUs - this.#lastUs);
    this.#lastUs = startUs;
    if (!(gapUs >= 0)) return;
    const bucket = gapUs < 2 ** 31 ? 31 - Math.clz32(gapUs + 1) : Math.floor(Math.log2(gapUs + 1));
    this.#counts[Math.min(bucketCount - 1, bucket)]++;
  }

  /** "T0" … "T5" by the median gap; "" with too few. */
  name(): string {
    let gaps = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) gaps += this.#counts[bucket];
    if (gaps < gapsMin) return "";
    const medianUs = this.#medianUs(gaps);
    const template = slowest.findIndex((seconds) => medianUs >= seconds * 1e6);
    return `T${template < 0 ? slowest.length : template}`;
  }

  /** Geometric middle of the median's bucket. */
  #medianUs(gaps: number): number {
    let seen = 0;
    let bucket = 0;
    while (bucket < bucketCount - 1 && (seen += this.#counts[bucket]) * 2 < gaps) bucket++;
    return 2 ** (bucket + 0.5);
  }
}
