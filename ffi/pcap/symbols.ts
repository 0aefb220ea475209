/**
 * The functions of libpcap and of the C library that tapwatch calls, each with its C declaration, and the one place
 * that loads them. Nothing is loaded before `openLibrary()`.
 */

/** libpcap, `pcap/pcap.h` of 1.9 and newer. */
const pcapFunctions = {
  // const char *pcap_lib_version(void);
  pcap_lib_version: { parameters: [], result: "pointer" },
  // int pcap_findalldevs(pcap_if_t **alldevsp, char *errbuf);
  pcap_findalldevs: { parameters: ["buffer", "buffer"], result: "i32" },
  // void pcap_freealldevs(pcap_if_t *alldevs);
  pcap_freealldevs: { parameters: ["pointer"], result: "void" },
  // pcap_t *pcap_create(const char *source, char *errbuf);
  pcap_create: { parameters: ["buffer", "buffer"], result: "pointer" },
  // int pcap_set_snaplen(pcap_t *p, int snaplen);
  pcap_set_snaplen: { parameters: ["pointer", "i32"], result: "i32" },
  // int pcap_set_promisc(pcap_t *p, int promisc);
  pcap_set_promisc: { parameters: ["pointer", "i32"], result: "i32" },
  // int pcap_set_timeout(pcap_t *p, int to_ms);
  pcap_set_timeout: { parameters: ["pointer", "i32"], result: "i32" },
  // int pcap_set_buffer_size(pcap_t *p, int buffer_size);
  pcap_set_buffer_size: { parameters: ["pointer", "i32"], result: "i32" },
  // int pcap_set_tstamp_precision(pcap_t *p, int tstamp_precision);
  pcap_set_tstamp_precision: { parameters: ["pointer", "i32"], result: "i32" },
  // int pcap_get_tstamp_precision(pcap_t *p);
  pcap_get_tstamp_precision: { parameters: ["pointer"], result: "i32" },
  // int pcap_activate(pcap_t *p);
  pcap_activate: { parameters: ["pointer"], result: "i32" },
  // int pcap_set_protocol_linux(pcap_t *p, int protocol);
  pcap_set_protocol_linux: { parameters: ["pointer", "i32"], result: "i32", optional: true },
  // int pcap_fileno(pcap_t *p);
  pcap_fileno: { parameters: ["pointer"], result: "i32" },
  // int pcap_datalink(pcap_t *p);
  pcap_datalink: { parameters: ["pointer"], result: "i32" },
  // int pcap_compile(pcap_t *p, struct bpf_program *fp, const char *str, int optimize, bpf_u_int32 netmask);
  pcap_compile: { parameters: ["pointer", "buffer", "buffer", "i32", "u32"], result: "i32" },
  // int pcap_setfilter(pcap_t *p, struct bpf_program *fp);
  pcap_setfilter: { parameters: ["pointer", "buffer"], result: "i32" },
  // void pcap_freecode(struct bpf_program *fp);
  pcap_freecode: { parameters: ["buffer"], result: "void" },
  // pcap_t *pcap_open_dead(int linktype, int snaplen);
  pcap_open_dead: { parameters: ["i32", "i32"], result: "pointer" },
  // pcap_dumper_t *pcap_dump_fopen(pcap_t *p, FILE *fp);
  pcap_dump_fopen: { parameters: ["pointer", "pointer"], result: "pointer" },
  // void pcap_dump_close(pcap_dumper_t *p);
  pcap_dump_close: { parameters: ["pointer"], result: "void" },
  // int pcap_dispatch(pcap_t *p, int cnt, pcap_handler callback, u_char *user);
  pcap_dispatch: {
    parameters: ["pointer", "i32", "pointer", "pointer"],
    result: "i32",
    nonblocking: true,
  },
  // int pcap_next_ex(pcap_t *p, struct pcap_pkthdr **pkt_header, const u_char **pkt_data);
  pcap_next_ex: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  /** The same function off the event loop, for the packet that has yet to come. */
  pcap_next_ex_wait: {
    name: "pcap_next_ex",
    parameters: ["pointer", "buffer", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  // int pcap_setnonblock(pcap_t *p, int nonblock, char *errbuf);
  pcap_setnonblock: { parameters: ["pointer", "i32", "buffer"], result: "i32" },
  // void pcap_breakloop(pcap_t *p);
  pcap_breakloop: { parameters: ["pointer"], result: "void" },
  // int pcap_stats(pcap_t *p, struct pcap_stat *ps);
  pcap_stats: { parameters: ["pointer", "buffer"], result: "i32" },
  // const char *pcap_statustostr(int error);
  pcap_statustostr: { parameters: ["i32"], result: "pointer" },
  // char *pcap_geterr(pcap_t *p);
  pcap_geterr: { parameters: ["pointer"], result: "pointer" },
  // void pcap_close(pcap_t *p);
  pcap_close: { parameters: ["pointer"], result: "void" },
  closeOffLoop: {
    name: "pcap_close",
    parameters: ["pointer"],
    result: "void",
    nonblocking: true,
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The C library's files in memory, and its loader. */
const memoryFileFunctions = {
  // void *malloc(size_t size);
  malloc: { parameters: ["usize"], result: "pointer" },
  // void free(void *ptr);
  free: { parameters: ["pointer"], result: "void" },
  // FILE *fmemopen(void *buf, size_t size, const char *mode);
  fmemopen: { parameters: ["pointer", "usize", "buffer"], result: "pointer" },
  // int fflush(FILE *stream);
  fflush: { parameters: ["pointer"], result: "i32" },
  // int ferror(FILE *stream);
  ferror: { parameters: ["pointer"], result: "i32" },
  // long ftell(FILE *stream);
  ftell: { parameters: ["pointer"], result: "i64" },
  // void rewind(FILE *stream);
  rewind: { parameters: ["pointer"], result: "void" },
  // int fclose(FILE *stream);
  fclose: { parameters: ["pointer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const loaderFunctions = {
  // void *dlopen(const char *filename, int flags);
  dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  // void *dlsym(void *handle, const char *symbol);
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

type PcapFunctions = Deno.StaticForeignLibraryInterface<typeof pcapFunctions>;
type MemoryFileFunctions = Deno.StaticForeignLibraryInterface<typeof memoryFileFunctions>;

/** What batches by `pcap_dump` need, where the platform has it. */
export interface DumpFunctions {
  readonly libc: MemoryFileFunctions;
  /** Address of libpcap's `pcap_dump`, a `pcap_handler`. */
  readonly pcapDump: Deno.PointerObject;
}

/** libpcap as it was loaded; it stays loaded until the process ends. */
export interface PcapLibrary {
  /** The name that was found, as "libpcap.so.0.8". */
  readonly name: string;
  readonly pcap: PcapFunctions;
  /** Null where there is no `fmemopen`, or no way to the address of `pcap_dump`. */
  readonly dump: DumpFunctions | null;
}

/** No library of these names could be loaded. `message` is the loader's last word. */
export class LibraryMissingError extends Error {
  override readonly name = "LibraryMissingError";
  readonly tried: readonly string[];

  constructor(tried: readonly string[], cause: unknown) {
    const text = cause instanceof Error ? cause.message : String(cause);
    super(text.replace(/^(Could not open library: )+/, ""), { cause });
    this.tried = tried;
  }
}

const libraryNames: Readonly<Record<string, readonly string[]>> = {
  linux: ["libpcap.so.1", "libpcap.so.0.8", "libpcap.so"],
  android: ["libpcap.so"],
  darwin: [
    "libpcap.dylib",
    "/usr/lib/libpcap.A.dylib",
    "/opt/homebrew/opt/libpcap/lib/libpcap.dylib",
    "/usr/local/opt/libpcap/lib/libpcap.dylib",
  ],
};
const libcNames: Readonly<Record<string, readonly string[]>> = {
  linux: ["libc.so.6"],
  darwin: ["libSystem.B.dylib"],
};
/** Before glibc 2.34 `dlopen` and `dlsym` lived in a library of their own. */
const loaderNames: Readonly<Record<string, readonly string[]>> = {
  linux: ["libc.so.6", "libdl.so.2"],
  darwin: ["libSystem.B.dylib"],
};
const rtldLazy = 1;
/** Only a handle to what is loaded already; the value differs between C libraries. */
const rtldNoload: Readonly<Record<string, number>> = { linux: 4, darwin: 16 };

/**
 * Loads libpcap. Throws LibraryMissingError when none of `names` can be loaded, and Deno.errors.NotCapable without
 * the permission to.
 */
export function openLibrary(names = libraryNames[Deno.build.os] ?? []): PcapLibrary {
  const { name, symbols } = openFirst(names, pcapFunctions);
  return { name, pcap: symbols, dump: findDumpFunctions(name) };
}

/** libpcap's own words, as "libpcap version 1.10.3 (with TPACKET_V3)". */
export function libraryVersion(library: PcapLibrary): string {
  return readCString(library.pcap.pcap_lib_version());
}

/** The zero-terminated string at `pointer`, "" for a null pointer. */
export function readCString(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

/** `text` as a zero-terminated string. Throws TypeError when it holds a zero itself. */
export function toCString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError("Cannot pass a string with a zero byte to libpcap");
  return new TextEncoder().encode(text + "\0");
}

function openFirst<T extends Deno.ForeignLibraryInterface>(names: readonly string[], functions: T) {
  let failure: unknown = new Error(`live capture is not available on ${Deno.build.os}`);
  for (const name of names) {
    try {
      return { name, symbols: Deno.dlopen(name, functions).symbols };
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      failure = error;
    }
  }
  throw new LibraryMissingError(names, failure);
}

function findDumpFunctions(pcapName: string): DumpFunctions | null {
  const os = Deno.build.os;
  try {
    const libc = openFirst(libcNames[os] ?? [], memoryFileFunctions).symbols;
    const loader = openFirst(loaderNames[os] ?? [], loaderFunctions).symbols;
    const handle = loader.dlopen(toCString(pcapName), rtldLazy | (rtldNoload[os] ?? 0));
    const pcapDump = handle === null ? null : loader.dlsym(handle, toCString("pcap_dump"));
    return pcapDump === null ? null : { libc, pcapDump };
  } catch (error) {
    // Another C library: batches are then copied packet by packet, which Pcap says in `batchMethod`.
    if (error instanceof LibraryMissingError) return null;
    throw error;
  }
}
