/** For tests: has the kernel check a program. */

const symbols = {
  // int socket(int domain, int type, int protocol);
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int setsockopt(int fd, int level, int name, const void *value, socklen_t length);
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
} as const;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const instructionBytes = 8;

/** 0 when the kernel takes the program for a socket, which needs no rights. */
export function attach(program: Uint8Array<ArrayBuffer>): number {
  const libc = Deno.dlopen("libc.so.6", symbols).symbols;
  const socket = libc.socket(AF_INET, SOCK_DGRAM, 0);
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const fprog = new DataView(new ArrayBuffer(16));
  fprog.setUint16(0, program.length / instructionBytes, true);
  fprog.setBigUint64(8, Deno.UnsafePointer.value(Deno.UnsafePointer.of(program)), true);
  const code = libc.setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, fprog, fprog.byteLength);
  libc.close(socket);
  return code;
}
