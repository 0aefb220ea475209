/** Questions to the kernel about sockets, sock_diag(7). The bytes are the caller's; no right is needed. */
import { checkCall, libc } from "./libc.ts";

const afNetlink = 16;
const rawCloseOnExec = 3 | 0o2000000;
const netlinkSockDiag = 4;
const dontWait = 0x40;
/** The kernel fills no larger messages, netlink(7). */
const answerBytes = 32 * 1024;

export class DiagSocket {
  readonly #handle: number;
  readonly #answer = new Uint8Array(answerBytes);

  /** Throws Error where the kernel has no such sockets, or does not give them to us. */
  constructor() {
    this.#handle = libc().socket(afNetlink, rawCloseOnExec, netlinkSockDiag);
    checkCall("socket", this.#handle);
  }

  /** The kernel's answer, good until the next question; empty when there is none. */
  ask(request: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { sendto, recv } = libc();
    const receive = () =>
      Math.max(0, Number(recv(this.#handle, this.#answer, BigInt(answerBytes), dontWait)));
    while (receive() > 0); // what came too late for its question
    const sent = sendto(this.#handle, request, BigInt(request.length), dontWait, null, 0);
    if (sent < 0) return this.#answer.subarray(0, 0);
    // The answer stands in the socket when sendto() returns.
    return this.#answer.subarray(0, receive());
  }

  close(): void {
    libc().close(this.#handle);
  }
}
