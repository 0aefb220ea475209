/**
 * The executable's own pages in memory. The system keeps those of a file in its cache, but a process counts as resident what it
 * has read once: most of a start's 60 MB (relocations, the snapshot, compilers) is not needed again.
 */
import { readKernelFile } from "./kernel_file.ts";
import { libc } from "./libc.ts";

/** asm-generic/mman-common.h */
const MADV_DONTNEED = 4;

export interface Mapping {
  readonly address: bigint;
  readonly bytes: bigint;
}

/** The mappings of the running executable of which nothing was written; none where that cannot be told. */
export function programMappings(): Mapping[] {
  return cleanMappings(readKernelFile("/proc/self/smaps") ?? "", Deno.execPath());
}

/** Those of the file `path` in a text of /proc/PID/smaps (proc(5)) that are read-only and have no pages of their own. */
export function cleanMappings(smaps: string, path: string): Mapping[] {
  const clean: Mapping[] = [];
  let mapping: Mapping | null = null;
  for (const line of smaps.split("\n")) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +(.*)$/.exec(line);
    if (head !== null) {
      const address = BigInt(`0x${head[1]}`);
      mapping = head[3] === path ? { address, bytes: BigInt(`0x${head[2]}`) - address } : null;
    } else if (/^[0-9a-f]+-/.test(line)) mapping = null;
    else if (mapping !== null && /^Anonymous:\s+0 kB$/.test(line)) clean.push(mapping);
  }
  return clean;
}

/** Lets the pages of `mappings` go; what is used again is mapped again, from the system's cache as a rule. */
export function letGo(mappings: readonly Mapping[]): void {
  for (const { address, bytes } of mappings) {
    libc().madvise(Deno.UnsafePointer.create(address), bytes, MADV_DONTNEED);
  }
}
