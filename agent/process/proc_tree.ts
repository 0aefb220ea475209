/** What /proc says of processes, proc(5). Processes come and go while it is read: what is gone is null. */
import { readKernelFile } from "../../ffi/linux/kernel_file.ts";
import { readLink } from "../../ffi/linux/proc_links.ts";
import type { FlowProcess } from "../records.ts";
import { unitOf } from "./unit.ts";

/** comm has at most so many bytes, TASK_COMM_LEN without its zero. */
const commBytes = 15;
const nameMax = 64;
const pathMax = 256;
const commandMax = 400;

/** Where tables of /proc/net have the inode. */
const inodeColumns = { unix: 6, netlink: 9, tcp: 9, tcp6: 9 };
/** The state of a socket there that begins a connection. */
const tcpSynSent = "02";

/** All but the user, who is the socket's. */
export type ProcessFacts = Omit<FlowProcess, "user">;

/** A process for good: numbers are given again, but not to one that begins at the same moment. */
export interface ProcessId {
  readonly pid: number;
  /** After the system's start, in clock ticks. */
  readonly startTicks: number;
}

/** /proc/PID/stat, from the field behind the name in brackets on. */
const flagsField = 6;
const startField = 19;
/** PF_KTHREAD */
const isKernelThread = 0x0020_0000;

export class ProcTree {
  readonly #root: string;
  readonly #hasArguments: boolean;
  #ownNetwork: number | null = null;

  constructor({ root = "/proc", hasArguments = false } = {}) {
    this.#root = root;
    this.#hasArguments = hasArguments;
  }

  /** Numbers of all processes that may be known of, rising. */
  pids(): number[] {
    return names(this.#root)?.filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) =>
      a - b
    ) ?? [];
  }

  /** Numbers that were given last, the newest first: processes or threads, some of them gone; proc_loadavg(5). */
  newest(count: number): number[] {
    const last = Number(/ (\d+)\s*$/.exec(readKernelFile(`${this.#root}/loadavg`) ?? "")?.[1] ?? 0);
    return Array.from({ length: Math.min(count, last) }, (_, index) => last - index);
  }

  /** The process that a number is one of, be it of a thread; 0 when it is gone. */
  leader(pid: number): number {
    const status = readKernelFile(`${this.#root}/${pid}/status`) ?? "";
    return Number(/^Tgid:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
  }

  /** Inodes of the sockets that a process has; null when it may not be looked at, or is gone. */
  sockets(pid: number): number[] | null {
    const folder = `${this.#root}/${pid}/fd`;
    const inodes: number[] = [];
    const files = names(folder);
    let isReadable = files?.length === 0;
    for (const name of files ?? []) {
      const target = readLink(zeroEnded(`${folder}/${name}`));
      if (target === null) continue;
      isReadable = true;
      if (target.startsWith("socket:[")) inodes.push(Number(target.slice(8, -1)));
    }
    return isReadable ? inodes : null;
  }

  /**
   * Inodes of the sockets that begin nothing on the network just now: within this host and to the kernel (proc_net_unix(5)), those
   * that wait for connections, and those that have theirs.
   */
  passiveSockets(): Set<number> {
    const inodes = Object.entries(inodeColumns).flatMap(([name, column]) =>
      (readKernelFile(`${this.#root}/self/net/${name}`) ?? "").split("\n").slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((cells) => !name.startsWith("tcp") || cells[3] !== tcpSynSent)
        .map((cells) => Number(cells[column]))
    );
    return new Set(inodes);
  }

  /**
   * Whether a process is in the network namespace of this one, as all are that have sockets of this host's addresses. The kernel
   * has the files of each apart, and lets everybody see whose they are, which ns/net is not for.
   */
  isOfOwnNetwork(pid: number): boolean {
    this.#ownNetwork ??= networkFile(`${this.#root}/self`);
    return this.#ownNetwork !== null && networkFile(`${this.#root}/${pid}`) === this.#ownNetwork;
  }

  /** Null when it is gone. */
  identify(pid: number): ProcessId | null {
    const fields = this.#stat(pid);
    return fields === null ? null : { pid, startTicks: Number(fields[startField]) };
  }

  /** A thread of the kernel, which does what others have asked for. */
  isOfKernel(pid: number): boolean {
    return (Number(this.#stat(pid)?.[flagsField] ?? 0) & isKernelThread) !== 0;
  }

  /** Whose the sockets are that a process opens; null when it is gone. */
  user(pid: number): number | null {
    const status = readKernelFile(`${this.#root}/${pid}/status`) ?? "";
    // Real, effective, saved, of files.
    const uid = /^Uid:\s+\d+\s+\d+\s+\d+\s+(\d+)$/m.exec(status)?.[1];
    return uid === undefined ? null : Number(uid);
  }

  /** Whose a process is; null when it is gone. */
  uid(pid: number): number | null {
    try {
      return Deno.statSync(`${this.#root}/${pid}`).uid;
    } catch {
      return null;
    }
  }

  /** Null when the process is gone. */
  describe(pid: number): ProcessFacts | null {
    const folder = `${this.#root}/${pid}`;
    const comm = readKernelFile(`${folder}/comm`);
    if (comm === null) return null;
    const executable = readLink(zeroEnded(`${folder}/exe`)) ?? "";
    const words = (readKernelFile(`${folder}/cmdline`) ?? "").replace(/\0+$/, "").split("\0");
    const first = firstWord(words[0]!, executable);
    return {
      pid,
      name: printable(wholeName(comm.replace(/\n$/, ""), [executable, first]), nameMax),
      executable: printable(executable, pathMax),
      command: printable(this.#hasArguments ? words.join(" ") : first, commandMax),
      unit: printable(unitOf(readKernelFile(`${folder}/cgroup`) ?? ""), nameMax + nameMax),
    };
  }

  #stat(pid: number): string[] | null {
    const text = readKernelFile(`${this.#root}/${pid}/stat`);
    return text?.slice(text.lastIndexOf(")") + 2).split(" ") ?? null;
  }
}

/** The number of a file that each network namespace has of its own; null when the process is gone. */
function networkFile(folder: string): number | null {
  try {
    return Deno.statSync(`${folder}/net/dev`).ino;
  } catch {
    return null;
  }
}

/** Null when the folder is gone or not to be read. */
function names(folder: string): string[] | null {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch {
    return null;
  }
}

/** Programs that write a title over their arguments leave one word of many: "sshd: bob [priv]". */
function firstWord(word: string, executable: string): string {
  return word === executable ? word : word.split(" ")[0]!;
}

/** comm is cut off: the program's own name goes on. */
function wholeName(comm: string, paths: readonly string[]): string {
  if (new TextEncoder().encode(comm).length < commBytes) return comm;
  const longer = paths.map((path) => path.replace(/ \(deleted\)$/, "").split("/").at(-1)!);
  return longer.find((name) => name.startsWith(comm)) ?? comm;
}

const unprintable =
  // deno-lint-ignore no-control-regex -- these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffd]/g;

/** Programs choose their names: control characters and marks that turn text around are shown by their numbers. */
export function printable(text: string, lengthMax: number): string {
  const shown = text.slice(0, lengthMax).toWellFormed().replaceAll(
    unprintable,
    (mark) => `\\u${mark.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
  return text.length > lengthMax ? `${shown}…` : shown;
}

function zeroEnded(path: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${path}\0`);
}
