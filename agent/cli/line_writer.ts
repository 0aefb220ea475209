/** Writes lines to a file or to stdout in large pieces. */
import { RunError } from "../errors.ts";

const chunkBytes = 1 << 18;

export class LineWriter {
  readonly #file: { writeSync(bytes: Uint8Array): number; close(): void };
  readonly #path: string;
  readonly #encoder = new TextEncoder();
  #text = "";

  /** Opens `path` for writing, anew; `-` is stdout. Throws RunError. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = path === "-"
        ? Deno.stdout
        : Deno.openSync(path, { write: true, create: true, truncate: true });
    } catch (error) {
      throw new RunError(`Cannot write ${path}: ${(error as Error).message}.`, { cause: error });
    }
  }

  write(line: string): void {
    this.#text += line + "\n";
    if (this.#text.length >= chunkBytes) this.#flush();
  }

  close(): void {
    this.#flush();
    if (this.#path !== "-") this.#file.close();
  }

  #flush(): void {
    let rest = this.#encoder.encode(this.#text);
    this.#text = "";
    try {
      while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
    } catch (error) {
      throw new RunError(`Cannot write ${this.#path}: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  }
}
