/** The functions of the C library that a packet socket needs, each with its C declaration, and the one place that loads them. */

const functions = {
  // int socket(int domain, int type, int protocol);
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  bindOffLoop: {
    name: "bind",
    parameters: ["i32", "pointer", "u32"],
    result: "i32",
    nonblocking: true,
  },
  // int getsockname(int sockfd, struct sockaddr *addr, socklen_t *addrlen);
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen);
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  setsockoptOffLoop: {
    name: "setsockopt",
    parameters: ["i32", "i32", "i32", "pointer", "u32"],
    result: "i32",
    nonblocking: true,
  },
  // int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen);
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // int ioctl(int fd, unsigned long request, …);
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  // int eventfd(unsigned int initval, int flags);
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  // ssize_t read(int fd, void *buf, size_t count);
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  // ssize_t write(int fd, const void *buf, size_t count);
  write: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
  closeOffLoop: { name: "close", parameters: ["i32"], result: "i32", nonblocking: true },
  // void *malloc(size_t size);
  malloc: { parameters: ["usize"], result: "pointer" },
  // void free(void *ptr);
  free: { parameters: ["pointer"], result: "void" },
  // int poll(struct pollfd *fds, nfds_t nfds, int timeout);
  poll: { parameters: ["pointer", "u64", "i32"], result: "i32", nonblocking: true },
  // int getifaddrs(struct ifaddrs **ifap);
  getifaddrs: { parameters: ["buffer"], result: "i32" },
  // void freeifaddrs(struct ifaddrs *ifa);
  freeifaddrs: { parameters: ["pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

type SocketFunctions = Deno.StaticForeignLibraryInterface<typeof functions>;

let loaded: SocketFunctions | null = null;

/** Loads them when they are first asked for. Throws Deno.errors.NotCapable without the permission to. */
export function socketFunctions(): SocketFunctions {
  return loaded ??= Deno.dlopen("libc.so.6", functions).symbols;
}
