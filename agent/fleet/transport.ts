/**
 * How the NATS client speaks over Deno's own sockets: the client's transport for Node hangs in Deno 2.7.11 when it turns TLS on
 * (denoland/deno#33242). The engine says first, in plain text, whether it wants TLS; then the same connection goes on encrypted.
 */
import type { ConnectionOptions, Server } from "@nats-io/nats-core";
import type { Transport } from "@nats-io/nats-core/internal";
import { isLoopbackHost } from "./servers.ts";

/** The engine's first line is some hundred bytes; a list of a large cluster's servers some thousand. */
const greetingMax = 65_536;
const chunkBytes = 65_536;

export class DenoTransport implements Transport {
  readonly lang = "deno-tapwatch";
  readonly version = "1";
  closeError?: Error;
  #connection: Deno.Conn | null = null;
  #isEncrypted = false;
  #isClosed = false;
  #greeting: Uint8Array = new Uint8Array();
  readonly #closed = Promise.withResolvers<void | Error>();
  readonly #frames: Uint8Array[] = [];
  #isWriting = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async connect({ hostname, port }: Server, { tls }: ConnectionOptions): Promise<void> {
    const plain = await Deno.connect({ hostname, port });
    this.#connection = plain;
    if (this.#isClosed) return plain.close();
    plain.setNoDelay();
    this.#greeting = await readGreeting(plain);
    const { tls_required, tls_available } = readInfo(this.#greeting);
    const isOffered = tls_required === true || tls_available === true;
    const isNeeded = Boolean(tls) || !isLoopbackHost(hostname);
    if (isNeeded && !isOffered) throw new Error(`${hostname}:${port} does not offer TLS`);
    if (!isNeeded && tls_required !== true) return;
    const ca = tls?.ca;
    const secure = await Deno.startTls(plain, {
      hostname,
      caCerts: ca === undefined ? [] : [ca],
    });
    this.#connection = secure;
    await secure.handshake();
    this.#isEncrypted = true;
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    yield this.#greeting;
    let failure: Error | undefined;
    try {
      while (!this.#isClosed) {
        // A new one each time: the client keeps parts of it.
        const chunk = new Uint8Array(chunkBytes);
        const count = await this.#connection!.read(chunk);
        if (count === null) break;
        yield chunk.subarray(0, count);
      }
    } catch (error) {
      failure = error as Error;
    }
    this.#end(failure);
  }

  isEncrypted(): boolean {
    return this.#isEncrypted;
  }

  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    this.#frames.push(frame);
    if (!this.#isWriting) this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let frame = this.#frames.shift(); frame; frame = this.#frames.shift()) {
        while (frame.length > 0) frame = frame.subarray(await this.#connection!.write(frame));
      }
    } catch (error) {
      this.#end(error as Error);
    }
    this.#isWriting = false;
  }

  /** What has been sent is written first, but for a second at most. */
  async close(error?: Error): Promise<void> {
    const until = Date.now() + 1000;
    while (!error && this.#isWriting && !this.#isClosed && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#end(error);
    await this.#closed.promise;
  }

  disconnect(): void {
    this.#end();
  }

  discard(): void {
    this.#end();
  }

  closed(): Promise<void | Error> {
    return this.#closed.promise;
  }

  #end(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (error) this.closeError = error;
    try {
      this.#connection?.close();
    } catch {
      // It is closed already.
    }
    this.#closed.resolve(error);
  }
}

/** Byte by byte, so that nothing is taken of what follows it. Throws when there is none. */
async function readGreeting(connection: Deno.Conn): Promise<Uint8Array> {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (bytes.length < greetingMax) {
    if (await connection.read(one) === null) break;
    bytes.push(one[0]!);
    if (one[0] === 10) return new Uint8Array(bytes);
  }
  throw new Error("no NATS server answers there");
}

function readInfo(greeting: Uint8Array): Readonly<Record<string, unknown>> {
  const [, text] = /^INFO\s+(\{.*\})\s*$/.exec(new TextDecoder().decode(greeting)) ?? [];
  if (text === undefined) throw new Error("no NATS server answers there");
  return JSON.parse(text);
}
