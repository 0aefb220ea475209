/** A peer that captures until it is interrupted and says on stderr how it does. */
export class Peer {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #text = "";
  #check = () => {};

  constructor(command: string, args: string[]) {
    const pipes = { stdin: "null", stdout: "null", stderr: "piped" } as const;
    this.#child = new Deno.Command(command, { args, ...pipes }).spawn();
    this.#reading = this.#read();
  }

  /** Resolves when it has said that. Throws Error when it ends without. */
  async until(pattern: RegExp): Promise<void> {
    const isSaid = new Promise<void>((resolve) => {
      this.#check = () => pattern.test(this.#text) && resolve();
      this.#check();
    });
    await Promise.race([isSaid, this.#reading]);
    if (!pattern.test(this.#text)) throw new Error(`The peer did not start: ${this.#text}`);
  }

  /** The figure in what it said; NaN when there is none. */
  number(pattern: RegExp): number {
    return Number(pattern.exec(this.#text)?.[1] ?? NaN);
  }

  /** Sends SIGINT and waits until it has said all. */
  async interrupt(): Promise<void> {
    this.#child.kill("SIGINT");
    await this.#reading;
    await this.#child.status;
  }

  /** Ends it if it still runs. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      return;
    }
    await this.#child.status;
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#check();
    }
  }
}
