/** Datagrams to a UNIX socket, which Deno does not send by itself: what sd_notify(3) needs. */
import { cString, libc } from "./libc.ts";

const afUnix = 1;
const datagramCloseOnExec = 2 | 0o2000000;
/** Do not wait, raise no signal. */
const dontWaitNoSignal = 0x40 | 0x4000;
/** struct sockaddr_un { sa_family_t sun_family; char sun_path[108]; } */
const pathBytesMax = 108;

export class NotifySocket {
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #handle: number;

  /** `path` as NOTIFY_SOCKET has it: absolute, or with "@" an abstract name. Throws Error for anything else. */
  constructor(path: string) {
    const name = cString(path);
    const isAbstract = path.startsWith("@");
    if (!isAbstract && !path.startsWith("/") || name.length > pathBytesMax) {
      throw new Error(`no address of a UNIX socket: ${JSON.stringify(path)}`);
    }
    if (isAbstract) name[0] = 0;
    // An abstract name ends with the address, any other with its zero.
    this.#address = new Uint8Array(2 + name.length - (isAbstract ? 1 : 0));
    this.#address.set([afUnix, 0]);
    this.#address.set(name.subarray(0, this.#address.length - 2), 2);
    this.#handle = libc().socket(afUnix, datagramCloseOnExec, 0);
  }

  /** False when nobody took it. */
  send(text: string): boolean {
    const message = new TextEncoder().encode(text);
    const sent = libc().sendto(
      this.#handle,
      message,
      BigInt(message.length),
      dontWaitNoSignal,
      this.#address,
      this.#address.length,
    );
    return Number(sent) === message.length;
  }

  close(): void {
    libc().close(this.#handle);
  }
}
