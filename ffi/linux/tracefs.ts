/** Files of tracefs, by which the kernel describes its tracepoints (Documentation/trace/events.rst). */
import { checkCall, cString, libc } from "./libc.ts";
import { readKernelFile } from "./kernel_file.ts";

const mountPoints = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/** The same on all machines that have them, since Linux 5.2. */
const callNumbers = { fsopen: 430n, fsconfig: 431n, fsmount: 432n };
const closeOnExec = 1n;
/** FSCONFIG_CMD_CREATE */
const create = 6n;
/** MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC */
const mountAttributes = 0xfn;

/**
 * The texts of files of tracefs, by paths below its root. Where it is mounted nowhere that we can see, it is mounted for a moment
 * where nobody else can see it, which takes CAP_SYS_ADMIN. Throws Error when they are not to be read.
 */
export function readTraceFiles(paths: readonly string[]): string[] {
  for (const root of mountPoints) {
    const texts = paths.map((path) => readKernelFile(`${root}/${path}`));
    if (texts.every((text) => text !== null)) return texts;
  }
  const mount = mountTracefs();
  try {
    return paths.map((path) => {
      const text = readKernelFile(`/proc/self/fd/${mount}/${path}`);
      if (text === null) throw new Error(`tracefs has no ${path}`);
      return text;
    });
  } finally {
    libc().close(mount);
  }
}

/** A mount of its own, in no folder; it is gone when the handle is closed. */
function mountTracefs(): number {
  const { fsopen, fsconfig, fsmount, close } = libc();
  const context = Number(fsopen(callNumbers.fsopen, cString("tracefs"), closeOnExec));
  checkCall("fsopen", context);
  try {
    const made = fsconfig(callNumbers.fsconfig, BigInt(context), create, null, null, 0n);
    checkCall("fsconfig", made);
    const mount = fsmount(callNumbers.fsmount, BigInt(context), closeOnExec, mountAttributes);
    checkCall("fsmount", mount);
    return Number(mount);
  } finally {
    close(context);
  }
}
