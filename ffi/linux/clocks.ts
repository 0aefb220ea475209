/** Clocks of the system that JavaScript has not, clock_gettime(2). */
import { checkCall, libc } from "./libc.ts";

const clockMonotonic = 1;
const clockThreadCpu = 3;
const clockBoottime = 7;
/** struct timespec: seconds, nanoseconds */
const time = new BigInt64Array(2);
const timeBytes = new Uint8Array(time.buffer);

/** CLOCK_MONOTONIC, whose beginning is the system's. */
export function monotonicUs(): bigint {
  checkCall("clock_gettime", libc().clock_gettime(clockMonotonic, timeBytes));
  return time[0]! * 1_000_000n + time[1]! / 1000n;
}

/** CLOCK_BOOTTIME, which also counts what the system slept. */
export function boottimeMs(): number {
  checkCall("clock_gettime", libc().clock_gettime(clockBoottime, timeBytes));
  return Number(time[0]!) * 1000 + Number(time[1]!) / 1e6;
}

/** Processor time that the calling thread has had. */
export function threadCpuMs(): number {
  checkCall("clock_gettime", libc().clock_gettime(clockThreadCpu, timeBytes));
  return Number(time[0]!) * 1000 + Number(time[1]!) / 1e6;
}
