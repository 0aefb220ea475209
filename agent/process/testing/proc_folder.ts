/** A folder like /proc, of processes that a test makes up. */
export interface MadeProcess {
  readonly comm: string;
  readonly stat?: string;
  readonly arguments?: readonly string[];
  readonly executable?: string;
  readonly cgroup?: string;
  /** Where its files lead: "socket:[7]", "/dev/null". */
  readonly files?: readonly string[];
}

export class ProcFolder implements Disposable {
  readonly root = Deno.makeTempDirSync();

  add(pid: number, process: MadeProcess): void {
    const folder = `${this.root}/${pid}`;
    Deno.mkdirSync(`${folder}/fd`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/comm`, `${process.comm}\n`);
    if (process.stat) Deno.writeTextFileSync(`${folder}/stat`, process.stat);
    const words = (process.arguments ?? []).map((word) => `${word}\0`).join("");
    Deno.writeTextFileSync(`${folder}/cmdline`, words);
    Deno.writeTextFileSync(`${folder}/cgroup`, process.cgroup ?? "0::/\n");
    if (process.executable) Deno.symlinkSync(process.executable, `${folder}/exe`);
    this.setFiles(pid, process.files ?? []);
  }

  setFiles(pid: number, files: readonly string[]): void {
    const folder = `${this.root}/${pid}/fd`;
    Deno.removeSync(folder, { recursive: true });
    Deno.mkdirSync(folder);
    files.forEach((target, index) => Deno.symlinkSync(target, `${folder}/${index}`));
  }

  remove(pid: number): void {
    Deno.removeSync(`${this.root}/${pid}`, { recursive: true });
  }

  /** Tables of sockets by name: "unix", "netlink". */
  setTables(tables: Readonly<Record<string, string>>): void {
    Deno.mkdirSync(`${this.root}/self/net`, { recursive: true });
    for (const [name, text] of Object.entries(tables)) {
      Deno.writeTextFileSync(`${this.root}/self/net/${name}`, text);
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}
