/** How the C library holds memory that JavaScript's buffers are made of. */
import { libc } from "./libc.ts";

/** malloc.h */
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;
const mmapBytesMin = 32 * 1024;
const arenasMax = 2;

/**
 * For a process of many threads that lives long: what is larger than 32 KiB goes back to the system when it is freed. By itself
 * glibc keeps pieces of up to 32 MiB once one of them was freed, for each thread apart. Call it before there are many threads.
 */
export function giveMemoryBack(): void {
  libc().mallopt(M_MMAP_THRESHOLD, mmapBytesMin);
  libc().mallopt(M_ARENA_MAX, arenasMax);
}

/** Gives whole free pages inside the C library's heaps back too; of 90 MB beside 20,000 packets/s some 10. */
export function trim(): void {
  libc().malloc_trim(0n);
}
