/** Writes lines to a file or to stdout in large pieces. */
import { RunError } from "../errors.ts";
import { reasonOf } from "./results_folder.ts";
import { writeToStdout } from "./stdout.ts";

const chunkCharacters = 1 << 18;

export class LineWriter {
  readonly #path: string;
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile | null = null;
  #text = "";

  /** `-` is stdout. Nothing is opened yet. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Makes the file anew, unless that was done already. Throws RunError. */
  open(): void {
    if (this.#path === "-" || this.#file !== null) return;
    this.#attempt(() => {
      this.#file = Deno.openSync(this.#path, { write: true, create: true, truncate: true });
    });
  }

  /** Throws RunError, as do `close()` and `open()`. */
  write(line: string): void {
    this.#text += line + "\n";
    if (this.#text.length >= chunkCharacters) this.#flush();
  }

  /** Writes what is left; the file is there afterwards, even without a line. */
  close(): void {
    this.#flush();
    this.#file?.close();
  }

  #flush(): void {
    this.open();
    const bytes = this.#encoder.encode(this.#text);
    this.#text = "";
    this.#attempt(() => {
      if (this.#file === null) return writeToStdout(bytes);
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(this.#file.writeSync(rest));
    });
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      const name = this.#path === "-" ? "to standard output" : this.#path;
      throw new RunError(`Cannot write ${name}: ${reasonOf(error)}.`, { cause: error });
    }
  }
}
