/**
 * V8 lets the heap of each thread grow to a size common to all before it collects it for the first time (`--initial-heap-size`,
 * tools/compile.ts). That is good for a file, which is read before; of threads that run for months the calm ones would each keep some
 * 15 MB of what nobody needs.
 */

/** So often it is looked at, and more seldom where little came, for each look wakes a thread: until the next one only V8 itself bounds it. */
const checkMsMin = 2000;
const checkMsMax = 16_000;
const littleBytesPerMs = 250;
/** So much more than after the last time is collected. */
const garbageBytesMin = 6e6;

/** There with --expose-gc, which the executable has. */
const { gc } = globalThis as { readonly gc?: () => void };

/** Keeps this thread's heap small from now on, and the thread not alive. */
export function collectGarbage(): void {
  if (gc === undefined) return;
  const check = garbageCheck(gc, () => Deno.memoryUsage().heapUsed);
  const lookIn = (ms: number) => Deno.unrefTimer(setTimeout(() => lookIn(check()), ms));
  lookIn(checkMsMin);
}

/** To be called again after the milliseconds that it returns: calls `collect` when `usedBytes` has grown since. */
export function garbageCheck(collect: () => void, usedBytes: () => number): () => number {
  let [leastBytes, lastBytes, checkMs] = [Infinity, Infinity, checkMsMin];
  return () => {
    const bytes = usedBytes();
    const isLittle = Math.abs(bytes - lastBytes) < littleBytesPerMs * checkMs;
    checkMs = isLittle ? Math.min(2 * checkMs, checkMsMax) : checkMsMin;
    leastBytes = Math.min(leastBytes, bytes);
    lastBytes = bytes;
    if (bytes >= leastBytes + garbageBytesMin) {
      collect();
      leastBytes = lastBytes = usedBytes();
    }
    return checkMs;
  };
}
