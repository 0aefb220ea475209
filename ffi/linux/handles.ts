/** How many handles (file descriptors) the process may have. */
import { libc } from "./libc.ts";

/** sys/resource.h */
const RLIMIT_NOFILE = 7;

/**
 * Raises the soft limit to the hard one (getrlimit(2)), if it can: the soft one is 1,024 as systems come, and a compiled program, other than
 * `deno run`, begins with that.
 */
export function raiseHandleLimit(): void {
  const limit = new BigUint64Array(2);
  if (libc().getrlimit(RLIMIT_NOFILE, limit) < 0) return;
  limit[0] = limit[1]!;
  libc().setrlimit(RLIMIT_NOFILE, limit);
}
