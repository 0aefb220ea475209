/**
 * Giving up root for good, in every thread. setgroups, setgid and setuid of glibc act on all threads. What the kernel
 * keeps for each thread by itself is done so that it reaches all: a thread that is not the caller loses its capabilities
 * with the user id; "no new privileges" is set in all by the system call filter, which is installed for all of them;
 * threads that begin later have what the thread that begins them has.
 */
import { CAP_NET_RAW, readCapabilities, writeCapabilities } from "./capability.ts";
import { checkCall, cString, libc } from "./libc.ts";
import { readKernelFile } from "./kernel_file.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface ProcessRights {
  readonly uid: number;
  /** Capabilities that any thread may have. */
  readonly permitted: bigint;
  /** All threads are barred from gaining rights by starting a program. */
  readonly hasNoNewPrivileges: boolean;
}

/** linux/prctl.h, linux/seccomp.h */
const prSetKeepcaps = 8;
const prSetNoNewPrivs = 38;
const seccompSetModeFilter = 1;
const seccompFilterFlagTsync = 1;

/** What the filter must know of a machine: AUDIT_ARCH_…, and the numbers of seccomp, execve and execveat. */
const machines: Readonly<
  Record<string, { arch: number; seccomp: number; execve: number; execveat: number }>
> = {
  x86_64: { arch: 0xc000003e, seccomp: 317, execve: 59, execveat: 322 },
  aarch64: { arch: 0xc00000b7, seccomp: 277, execve: 221, execveat: 281 },
};

/** The user of that name, as the system knows it; null when there is none. */
export function findUser(name: string): User | null {
  const entry = libc().getpwnam(cString(name));
  if (entry === null) return null;
  // struct passwd { char *pw_name; char *pw_passwd; uid_t pw_uid; gid_t pw_gid; … }
  const view = new Deno.UnsafePointerView(entry);
  return { name, uid: view.getUint32(16), gid: view.getUint32(20) };
}

/** The name of a user, as the system knows it; null when there is none. */
export function findUserName(uid: number): string | null {
  const entry = libc().getpwuid(uid);
  if (entry === null) return null;
  const name = new Deno.UnsafePointerView(entry).getPointer();
  return name === null ? null : Deno.UnsafePointerView.getCString(name);
}

/**
 * Makes this process `user`'s, once and for all. With `keepsNetRaw` this thread and those that it begins may take up
 * CAP_NET_RAW again (`withCapability`); nothing else is kept. Throws Error when a step fails or a thread still has more:
 * then the process must end.
 */
export function becomeUser(user: User, keepsNetRaw: boolean): void {
  const { setgroups, setgid, setuid, prctl } = libc();
  checkCall("setgroups", setgroups(0n, null));
  checkCall("setgid", setgid(user.gid));
  if (keepsNetRaw) checkCall("prctl", prctl(prSetKeepcaps, 1n, 0n, 0n, 0n));
  checkCall("setuid", setuid(user.uid));
  const netRaw = keepsNetRaw ? 1n << BigInt(CAP_NET_RAW) : 0n;
  const permitted = readCapabilities().permitted & netRaw;
  writeCapabilities({ effective: 0n, permitted, inheritable: 0n });
  if (keepsNetRaw) checkCall("prctl", prctl(prSetKeepcaps, 0n, 0n, 0n, 0n));
  barPrograms();
  const rights = readProcessRights();
  const isLeft = rights.uid === user.uid && (rights.permitted & ~netRaw) === 0n &&
    rights.hasNoNewPrivileges;
  if (!isLeft) throw new Error("a thread has kept rights");
}

/** What the threads of a process may do, of all taken together; the user id of one that differs when one does. */
export function readProcessRights(pid: number | "self" = "self"): ProcessRights {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
    readKernelFile(`/proc/${pid}/task/${name}/status`) ?? []
  ).map(readRights);
  const own = threads[0]?.uid ?? 0;
  return {
    uid: threads.find(({ uid }) => uid !== own)?.uid ?? own,
    permitted: threads.reduce((all, { permitted }) => all | permitted, 0n),
    hasNoNewPrivileges: threads.every(({ hasNoNewPrivileges }) => hasNoNewPrivileges),
  };
}

/** Of one thread, proc_pid_status(5). Of its four user ids the one that is least expected. */
export function readRights(status: string): ProcessRights {
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
  const ids = field("Uid").split(/\s+/).map(Number);
  return {
    uid: ids.find((id) => id !== ids[0]) ?? ids[0]!,
    permitted: BigInt(`0x${field("CapPrm") || "0"}`) | BigInt(`0x${field("CapInh") || "0"}`),
    hasNoNewPrivileges: field("NoNewPrivs") === "1",
  };
}

/**
 * Bars all threads from gaining rights, and from starting programs at all (EPERM). seccomp(2): with TSYNC the filter, and
 * "no new privileges" with it, is set in every thread.
 */
function barPrograms(): void {
  checkCall("prctl", libc().prctl(prSetNoNewPrivs, 1n, 0n, 0n, 0n));
  const machine = machines[Deno.build.arch];
  if (machine === undefined) throw new Error(`no filter for ${Deno.build.arch}`);
  const program = filterWithout(machine.arch, [machine.execve, machine.execveat]);
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const fprog = new DataView(new ArrayBuffer(16));
  fprog.setUint16(0, program.length / 8, true);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(program));
  fprog.setBigUint64(8, BigInt(address), true);
  const result = libc().syscall(
    BigInt(machine.seccomp),
    BigInt(seccompSetModeFilter),
    BigInt(seccompFilterFlagTsync),
    new Uint8Array(fprog.buffer),
  );
  // Above zero is the thread that could not be reached.
  if (result > 0n) throw new Error(`seccomp: thread ${result} has a filter of its own`);
  checkCall("seccomp", result);
}

/** BPF over struct seccomp_data { int nr; u32 arch; … }: other architectures' calls and `calls` fail with EPERM. */
function filterWithout(arch: number, calls: readonly number[]): Uint8Array<ArrayBuffer> {
  const load = (offset: number) => [0x20, 0, 0, offset] as const; // ld [offset]
  const isEqual = (value: number, yes: number, no: number) => [0x15, yes, no, value] as const; // jeq
  const end = (action: number) => [0x06, 0, 0, action] as const; // ret
  const refused = calls.map((call, index) => isEqual(call, calls.length - index, 0));
  const code = [
    load(4),
    isEqual(arch, 0, calls.length + 2),
    load(0),
    ...refused,
    end(0x7fff0000), // SECCOMP_RET_ALLOW
    end(0x00050001), // SECCOMP_RET_ERRNO, EPERM
  ];
  const program = new DataView(new ArrayBuffer(8 * code.length));
  code.forEach(([operation, yes, no, value], index) => {
    program.setUint16(8 * index, operation, true);
    program.setUint8(8 * index + 2, yes);
    program.setUint8(8 * index + 3, no);
    program.setUint32(8 * index + 4, value, true);
  });
  return new Uint8Array(program.buffer);
}
