/**
 * The functions of the C library that tapwatch gives up rights with and talks to the system by, each with its C
 * declaration, and the one place that loads them. Linux with glibc, whose setuid and its kin act on all threads
 * (nptl(7)). Nothing is loaded before the first call.
 */

const functions = {
  // int setgroups(size_t size, const gid_t *list);
  setgroups: { parameters: ["usize", "buffer"], result: "i32" },
  // int setgid(gid_t gid);
  setgid: { parameters: ["u32"], result: "i32" },
  // int setuid(uid_t uid);
  setuid: { parameters: ["u32"], result: "i32" },
  // struct passwd *getpwnam(const char *name);
  getpwnam: { parameters: ["buffer"], result: "pointer" },
  // struct passwd *getpwuid(uid_t uid);
  getpwuid: { parameters: ["u32"], result: "pointer" },
  // int prctl(int option, unsigned long arg2, …);
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  // long syscall(long number, …);
  syscall: { parameters: ["i64", "i64", "i64", "buffer"], result: "i64" },
  // long syscall(SYS_perf_event_open, struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd, unsigned long flags);
  perf_event_open: {
    name: "syscall",
    parameters: ["i64", "buffer", "i64", "i64", "i64", "u64"],
    result: "i64",
  },
  // long syscall(SYS_fsopen, const char *fsname, unsigned int flags);
  fsopen: { name: "syscall", parameters: ["i64", "buffer", "u64"], result: "i64" },
  // long syscall(SYS_fsconfig, int fd, unsigned int cmd, const char *key, const void *value, int aux);
  fsconfig: {
    name: "syscall",
    parameters: ["i64", "i64", "u64", "pointer", "pointer", "i64"],
    result: "i64",
  },
  // long syscall(SYS_fsmount, int fsfd, unsigned int flags, unsigned int attr_flags);
  fsmount: { name: "syscall", parameters: ["i64", "i64", "u64", "u64"], result: "i64" },
  // int capget(cap_user_header_t hdrp, cap_user_data_t datap);
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  // int capset(cap_user_header_t hdrp, const cap_user_data_t datap);
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
  // int socket(int domain, int type, int protocol);
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // ssize_t sendto(int sockfd, const void *buf, size_t len, int flags, const struct sockaddr *addr, socklen_t len);
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "i64" },
  // ssize_t recv(int sockfd, void *buf, size_t len, int flags);
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i64" },
  // int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen);
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // ssize_t readlink(const char *pathname, char *buf, size_t bufsiz);
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "i64" },
  // int clock_gettime(clockid_t clockid, struct timespec *tp);
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  // int getrlimit(int resource, struct rlimit *rlim);
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  // int setrlimit(int resource, const struct rlimit *rlim);
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  // int mallopt(int param, int value);
  mallopt: { parameters: ["i32", "i32"], result: "i32" },
  // int malloc_trim(size_t pad);
  malloc_trim: { parameters: ["usize"], result: "i32" },
  // int madvise(void *addr, size_t length, int advice);
  madvise: { parameters: ["pointer", "usize", "i32"], result: "i32" },
  // int open(const char *pathname, int flags);
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // ssize_t read(int fd, void *buf, size_t count);
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  // int ioctl(int fd, unsigned long request, …);
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  // long sysconf(int name);
  sysconf: { parameters: ["i32"], result: "i64" },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
  // int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
  //                 char *const argv[], char *const envp[]);
  posix_spawn: {
    parameters: ["buffer", "buffer", "pointer", "pointer", "buffer", "buffer"],
    result: "i32",
  },
  // pid_t waitpid(pid_t pid, int *wstatus, int options);
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  // int *__errno_location(void);
  __errno_location: { parameters: [], result: "pointer" },
  // char *strerror(int errnum);
  strerror: { parameters: ["i32"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof functions>["symbols"];

let loaded: Libc | null = null;

/** Throws Deno.errors.NotCapable without the permission, Error where there is no such library. */
export function libc(): Libc {
  return loaded ??= Deno.dlopen("libc.so.6", functions).symbols;
}

/** Throws Error with the system's words when a call returned less than zero. */
export function checkCall(name: string, result: number | bigint): void {
  if (result >= 0) return;
  throw new Error(`${name}: ${errorText(lastErrno())}`);
}

/** The system's words for an error number. */
export function errorText(errno: number): string {
  const pointer = libc().strerror(errno);
  return pointer === null ? `error ${errno}` : Deno.UnsafePointerView.getCString(pointer);
}

/** `text` as a zero-terminated string. Throws TypeError when it holds a zero itself. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError("Cannot pass a string with a zero byte");
  return new TextEncoder().encode(text + "\0");
}

/** Of the call before, on this thread. */
export function lastErrno(): number {
  const pointer = libc().__errno_location();
  return pointer === null ? 0 : new Deno.UnsafePointerView(pointer).getInt32();
}
