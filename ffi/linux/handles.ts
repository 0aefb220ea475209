/** How many handles (file descriptors) the process may have. */
import { libc } from "./libc.ts";

/** sys/resource.h */
const RLIMIT_NOFILE = 7;
/** More is of no use, and programs that close all they might have take long. */
const handlesMax = 65_536n;

/**
 * Raises the soft limit (getrlimit(2)) towards the hard one, if it can: the soft one is 1,024 as systems come, and a compiled program, other than
 * `deno run`, begins with that.
 */
export function raiseHandleLimit(): void {
  const limit = new BigUint64Array(2);
  if (libc().getrlimit(RLIMIT_NOFILE, limit) < 0) return;
  const most = limit[1]! < handlesMax ? limit[1]! : handlesMax;
  if (limit[0]! >= most) return;
  limit[0] = most;
  libc().setrlimit(RLIMIT_NOFILE, limit);
}
