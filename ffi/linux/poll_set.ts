/** Waits for files of the system, poll(2), without holding up the thread that asks. */

const pollIn = 1;
/** struct pollfd { int fd; short events; short revents; } */
const pollfdBytes = 8;

const pollLibrary = {
  // int poll(struct pollfd *fds, nfds_t nfds, int timeout);
  poll: { parameters: ["pointer", "u64", "i32"], result: "i32", nonblocking: true },
  // void *malloc(size_t size);
  malloc: { parameters: ["usize"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

export class PollSet {
  readonly #library = Deno.dlopen("libc.so.6", pollLibrary);
  readonly #count: number;
  /** Of the C library, and never freed: when a worker is terminated, a wait goes on, and the kernel writes there at its end. */
  readonly #files: Deno.PointerObject;

  constructor(handles: readonly number[]) {
    this.#count = handles.length;
    const byteLength = pollfdBytes * handles.length;
    this.#files = this.#library.symbols.malloc(BigInt(byteLength))!;
    const view = new DataView(Deno.UnsafePointerView.getArrayBuffer(this.#files, byteLength));
    handles.forEach((handle, index) => {
      view.setInt32(pollfdBytes * index, handle, true);
      view.setInt16(pollfdBytes * index + 4, pollIn, true);
      view.setInt16(pollfdBytes * index + 6, 0, true);
    });
  }

  /** Resolves when there is something to read, or the time is over. */
  async wait(timeoutMs: number): Promise<void> {
    await this.#library.symbols.poll(this.#files, BigInt(this.#count), timeoutMs);
  }
}
