/** Waits for files of the system, poll(2), without holding up the thread that asks. */

const pollIn = 1;
/** POLLERR, POLLHUP, POLLNVAL: told whether they are asked for or not. */
const pollFailed = 0x8 | 0x10 | 0x20;
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
  readonly #view: DataView;

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
    this.#view = view;
  }

  /** Resolves when there is something to read, a file has failed, or the time is over; with whether one has failed. */
  async wait(timeoutMs: number): Promise<boolean> {
    const ready = await this.#library.symbols.poll(this.#files, BigInt(this.#count), timeoutMs);
    if (ready <= 0) return ready < 0;
    for (let index = 0; index < this.#count; index++) {
      if ((this.#view.getInt16(pollfdBytes * index + 6, true) & pollFailed) !== 0) return true;
    }
    return false;
  }
}
