/**
 * V8 lets the heap of each thread grow to a size common to all before it collects it for the first time (`--initial-heap-size`,
 * tools/compile.ts). That is good for a file, which is read before; of threads that run for months the calm ones would each keep some
 * 15 MB of what nobody needs.
 */

const checkMs = 2000;
/** So much more than after the last time is collected. */
const garbageBytesMin = 6e6;

/** There with --expose-gc, which the executable has. */
const { gc } = globalThis as { readonly gc?: () => void };

/** Keeps this thread's heap small from now on, and the thread not alive. */
export function collectGarbage(): void {
  if (gc === undefined) return;
  Deno.unrefTimer(setInterval(garbageCheck(gc, () => Deno.memoryUsage().heapUsed), checkMs));
}

/** To be called now and then: calls `collect` when `usedBytes` has grown since. */
export function garbageCheck(collect: () => void, usedBytes: () => number): () => void {
  let leastBytes = Infinity;
  return () => {
    const bytes = usedBytes();
    leastBytes = Math.min(leastBytes, bytes);
    if (bytes < leastBytes + garbageBytesMin) return;
    collect();
    leastBytes = usedBytes();
  };
}
