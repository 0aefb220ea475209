/**
 * Appends lines to the EVE log, `results/eve.json`, always whole ones: each piece is one write(), and what a full disk or an
 * end in the middle of it leaves of a line is cut off.
 *
 * A file that has reached its size is put aside as `eve-<UTC time of its first line>.json`, and the oldest of those goes. One
 * that somebody has moved or removed (logrotate) is let go within a second, and a new one begun.
 *
 * A log that is held (the disk is nearly full) turns on in the bytes it has: the oldest file makes way, and when none is left
 * lines are given up and counted.
 *
 * The world's failures (disk full, folder gone, no permission) never throw: the state becomes "failed" with a sentence, lines
 * wait up to `waitingMax`, the oldest are given up and counted, and a new attempt follows after 1, 2, 4 … 30 seconds.
 */
import type { EveOptions } from "../messages.ts";
import { FailedWrites, type WriteContext, writeFailureText } from "../failed_writes.ts";
import type { EveState } from "../records.ts";
import { ifThere } from "../errors.ts";
import { refuseForeignLink } from "../own_files.ts";

interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

interface OpenFile {
  readonly handle: Deno.FsFile;
  readonly inode: number | null;
  sizeBytes: number;
}

const inProgressName = "eve.json";
const olderNamePattern = /^eve-\d{8}T\d{6}Z(-\d+)?\.json$/;
const waitingBytesMax = 8_000_000;
const placeCheckMs = 1000;
/** How far back from the end of an earlier file the end of a line is looked for. */
const tailBytes = 1 << 20;
const lineFeed = 10;

export class EveFile {
  readonly #options: EveOptions;
  readonly #context: WriteContext;
  readonly #failure: FailedWrites;
  readonly #path: string;
  readonly #encoder = new TextEncoder();
  #file: OpenFile | null = null;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #placeCheckAtMs = 0;
  #linesWritten = 0;
  #linesLost = 0;
  #olderFiles = 0;
  #olderBytes = 0;
  /** Bytes that all files may have while they are held; null while they may grow. */
  #heldBytes: number | null = null;

  constructor(options: EveOptions, context: WriteContext) {
    this.#options = options;
    this.#context = context;
    this.#failure = new FailedWrites(context);
    this.#path = `${options.folder}/${inProgressName}`;
  }

  get path(): string {
    return this.#path;
  }

  /** Opens the file, so that it is there before the first line. */
  start(): void {
    this.#attempt();
  }

  /** Takes `count` whole lines; `shed` more were given up before they came here. */
  write(text: string, count: number, shed = 0): void {
    this.#linesLost += shed;
    if (count > 0) {
      const bytes = this.#encoder.encode(text);
      this.#waiting.push({ bytes, count });
      this.#waitingBytes += bytes.length;
    }
    this.#attempt();
    while (this.#waitingBytes > waitingBytesMax) this.#linesLost += this.#drop().count;
  }

  /** Whether the files may not grow for now. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#heldBytes ??= this.#sizeBytes;
    else this.#heldBytes = null;
  }

  get #sizeBytes(): number {
    return this.#olderBytes + (this.#file?.sizeBytes ?? 0);
  }

  /** Call it about once a second. */
  tick(): void {
    this.#attempt();
  }

  get state(): EveState {
    return {
      state: this.#failure.text === "" ? "ok" : "failed",
      detail: this.#failure.text,
      path: this.#path,
      linesWritten: this.#linesWritten,
      linesLost: this.#linesLost,
      files: this.#olderFiles + (this.#file === null ? 0 : 1),
      sizeBytes: this.#sizeBytes,
    };
  }

  /** Writes what it can, gives up the rest and closes the file. */
  close(): void {
    this.#tryNow();
    while (this.#waiting.length > 0) this.#linesLost += this.#drop().count;
    if (this.#file === null) return;
    this.#olderFiles++;
    this.#olderBytes += this.#file.sizeBytes;
    this.#closeFile();
  }

  #attempt(): void {
    if (this.#failure.isDue) this.#tryNow();
  }

  #tryNow(): void {
    try {
      this.#checkPlace(this.#context.now());
      this.#file ??= this.#open();
      while (this.#waiting.length > 0) {
        const isWritten = this.#hasRoom(this.#waiting[0]!);
        if (isWritten) this.#append(this.#waiting[0]!);
        const { count } = this.#drop();
        if (isWritten) this.#linesWritten += count;
        else this.#linesLost += count;
      }
      this.#failure.recovered(`${this.#path} is written again.`);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Makes room in a log that is held. False when there is none left to make. */
  #hasRoom({ bytes }: Piece): boolean {
    if (this.#heldBytes === null) return true;
    const sizeMax = this.#heldBytes - bytes.length;
    if (this.#sizeBytes > sizeMax) {
      this.#removeOlder((left) => left + this.#file!.sizeBytes > sizeMax);
    }
    return this.#sizeBytes <= sizeMax;
  }

  #drop(): Piece {
    const piece = this.#waiting.shift()!;
    this.#waitingBytes -= piece.bytes.length;
    return piece;
  }

  /** All of the piece, or none: the file is cut back to whole lines. */
  #append({ bytes }: Piece): void {
    const { fileBytesMax, fileCountMax } = this.#options;
    let file = this.#file!;
    if (fileCountMax > 0 && file.sizeBytes > 0 && file.sizeBytes + bytes.length > fileBytesMax) {
      this.#rotate();
      file = this.#file = this.#open();
    }
    try {
      for (let written = 0; written < bytes.length;) {
        written += file.handle.writeSync(bytes.subarray(written));
      }
    } catch (error) {
      file.handle.truncateSync(file.sizeBytes);
      throw error;
    }
    file.sizeBytes += bytes.length;
  }

  #open(): OpenFile {
    Deno.mkdirSync(this.#options.folder, { recursive: true });
    refuseForeignLink(this.#path);
    const handle = Deno.openSync(this.#path, { read: true, append: true, create: true });
    try {
      const { size, ino, isFile } = handle.statSync();
      if (!isFile) throw new Error("it is no file");
      const sizeBytes = endOfLines(handle, size);
      if (sizeBytes < size) {
        handle.truncateSync(sizeBytes);
        this.#context.note(
          "warning",
          `${this.#path} ended inside a line; ${size - sizeBytes} bytes were cut off.`,
        );
      }
      this.#removeOldest();
      return { handle, inode: ino, sizeBytes };
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  #rotate(): void {
    const stem = `${this.#options.folder}/eve-${firstTime(this.#file!.handle)}`;
    this.#closeFile();
    let path = `${stem}.json`;
    for (let number = 2; isThere(path); number++) path = `${stem}-${number}.json`;
    Deno.renameSync(this.#path, path);
  }

  /** Keeps to the number of files. */
  #removeOldest(): void {
    const { fileCountMax } = this.#options;
    this.#removeOlder((_, count) => fileCountMax > 0 && count > fileCountMax - 1);
  }

  /** Removes older files, the oldest first, while `isTooMuch` of their bytes and number, and counts what is left. */
  #removeOlder(isTooMuch: (bytes: number, count: number) => boolean): void {
    const { folder } = this.#options;
    const older = [...Deno.readDirSync(folder)]
      .filter(({ isFile, name }) => isFile && olderNamePattern.test(name))
      .map(({ name }) => ({ path: `${folder}/${name}`, ...Deno.statSync(`${folder}/${name}`) }))
      .sort((a, b) => Number(a.mtime) - Number(b.mtime) || (a.path < b.path ? -1 : 1));
    let bytes = older.reduce((total, { size }) => total + size, 0);
    while (older.length > 0 && isTooMuch(bytes, older.length)) {
      const { path, size } = older.shift()!;
      Deno.removeSync(path);
      bytes -= size;
    }
    this.#olderFiles = older.length;
    this.#olderBytes = bytes;
  }

  /** Lets a file go that was moved or removed: writing on would go where nobody looks. */
  #checkPlace(now: number): void {
    if (this.#file === null || now < this.#placeCheckAtMs) return;
    this.#placeCheckAtMs = now + placeCheckMs;
    if (this.#file.inode === null || this.#file.inode === inodeOf(this.#path)) return;
    this.#closeFile();
    this.#context.note("info", `${this.#path} was moved or removed; a new one is begun.`);
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = null;
    file?.handle.close();
  }

  #fail(error: unknown): void {
    try {
      this.#closeFile();
    } catch {
      // The handle is given up either way; what is told is the first failure.
    }
    this.#failure.fail(writeFailureText(this.#path, error));
  }
}

/** Behind the last line feed; the end of the file when none is near. */
function endOfLines(handle: Deno.FsFile, size: number): number {
  const tail = readAt(handle, Math.max(0, size - tailBytes), Math.min(size, tailBytes));
  const feed = tail.lastIndexOf(lineFeed);
  if (feed < 0) return size < tailBytes ? 0 : size;
  return size - tail.length + feed + 1;
}

/** As 20261122T140731Z, of the first line; of now when it tells no time. */
function firstTime(handle: Deno.FsFile): string {
  const text = new TextDecoder().decode(readAt(handle, 0, 4096));
  const match = /"timestamp":"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)/.exec(text);
  const [year, month, day, hour, minute, second] = match?.slice(1) ??
    new Date().toISOString().slice(0, 19).split(/[-T:]/);
  return `${year}${month}${day}T${hour}${minute}${second}Z`;
}

function readAt(handle: Deno.FsFile, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  handle.seekSync(position, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const read = handle.readSync(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

function inodeOf(path: string): number | null {
  return ifThere(() => Deno.statSync(path).ino);
}

function isThere(path: string): boolean {
  return inodeOf(path) !== null;
}
