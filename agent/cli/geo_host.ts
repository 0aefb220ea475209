/** Keeps the MMDB files of --geo-db: read at the start, again when one is replaced, and handed to every thread that asks. */
import { UsageError } from "../errors.ts";
import { Mmdb, MmdbError } from "../geo/mmdb.ts";
import { type GeoFile, setGeoFiles } from "../geo/places.ts";
import type { GeoFileState } from "../records.ts";
import { reasonOf } from "./results_folder.ts";

/** Where packages of distributions and MaxMind's geoipupdate put files. */
const GEO_FOLDER = "/usr/share/GeoIP";
const checkMs = 10_000;
const chunkBytes = 2 ** 20;
/** More than any of the usual files has; the largest, cities with coordinates, are at 130 MB. */
const fileBytesMax = 2 ** 30;

interface Held {
  /** Size, time and number of the file that was tried last. */
  readonly signature: string;
  readonly file: GeoFile | null;
  readonly state: GeoFileState;
}

export interface GeoHostOptions {
  /** As given; none takes what is in `folder`. */
  readonly paths: readonly string[];
  readonly folder?: string;
  readonly onState?: (files: readonly GeoFileState[]) => void;
  readonly onWarning?: (text: string) => void;
  readonly checkMs?: number;
}

export class GeoHost {
  readonly #options: GeoHostOptions;
  readonly #held = new Map<string, Held>();
  readonly #listeners = new Set<(files: readonly GeoFile[]) => void>();
  #timer: number | null = null;
  #isChecking = false;

  constructor(options: GeoHostOptions) {
    this.#options = options;
  }

  /** Reads all files. Throws UsageError for one that was given and cannot be used; of others it warns. */
  async start(): Promise<void> {
    await this.#check();
    for (const path of this.#options.paths) {
      const { file, state } = this.#held.get(path)!;
      if (file === null) throw new UsageError(`Cannot use --geo-db ${path}: ${state.error}.`);
    }
    this.#tellErrors([...this.#held.keys()]);
  }

  /** Looks for files that were replaced, until stop(). */
  watch(): void {
    this.#timer = setInterval(() => this.#checkAgain(), this.#options.checkMs ?? checkMs);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#listeners.clear();
  }

  get files(): readonly GeoFile[] {
    return [...this.#held.values()].flatMap(({ file }) => file ?? []);
  }

  onChange(listener: (files: readonly GeoFile[]) => void): void {
    this.#listeners.add(listener);
  }

  async #checkAgain(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      const changed = await this.#check();
      this.#tellErrors(changed);
    } finally {
      this.#isChecking = false;
    }
  }

  #tellErrors(paths: readonly string[]): void {
    for (const path of paths) {
      const held = this.#held.get(path);
      if (!held || held.state.error === "") continue;
      this.#options.onWarning?.(
        `${path} cannot be used for countries and networks: ${held.state.error}.${
          held.file ? " What it held before stays in use." : ""
        }`,
      );
    }
  }

  /** The paths that were tried. */
  async #check(): Promise<string[]> {
    const isGiven = this.#options.paths.length > 0;
    const paths = isGiven ? this.#options.paths : listFolder(this.#options.folder ?? GEO_FOLDER);
    const tried: string[] = [];
    const before = this.files;
    for (const path of this.#held.keys()) if (!paths.includes(path)) this.#held.delete(path);
    for (const path of paths) {
      const old = this.#held.get(path);
      const signature = signatureOf(path);
      if (old?.signature === signature) continue;
      tried.push(path);
      this.#held.set(path, await this.#read(path, signature, old?.file ?? null));
    }
    const { files } = this;
    if (tried.length > 0 || files.length !== before.length) {
      this.#options.onState?.([...this.#held.values()].map(({ state }) => state));
    }
    if (files.length !== before.length || files.some((file, index) => file !== before[index])) {
      setGeoFiles(files);
      for (const listener of this.#listeners) listener(files);
    }
    return tried;
  }

  /** What was held before stays when the new file cannot be used. */
  async #read(path: string, signature: string, old: GeoFile | null): Promise<Held> {
    try {
      const file = { path, bytes: await readShared(path) };
      const { hasCountries, hasNetworks, builtUs } = new Mmdb(file);
      return { signature, file, state: { path, hasCountries, hasNetworks, builtUs, error: "" } };
    } catch (error) {
      const reason = error instanceof MmdbError ? error.message : reasonOf(error);
      const known = this.#held.get(path)?.state;
      const state = known ??
        { path, hasCountries: false, hasNetworks: false, builtUs: 0, error: "" };
      return { signature, file: old, state: { ...state, error: reason } };
    }
  }
}

function listFolder(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".mmdb"))
      .map(({ name }) => `${folder}/${name}`).sort();
  } catch {
    return [];
  }
}

function signatureOf(path: string): string {
  try {
    const { size, mtime, ino } = Deno.statSync(path);
    return `${size} ${mtime?.getTime()} ${ino}`;
  } catch (error) {
    return String(error);
  }
}

/** Into memory that all threads see, without holding this one up. */
async function readShared(path: string): Promise<SharedArrayBuffer> {
  using source = await Deno.open(path);
  const { size, isFile } = await source.stat();
  if (!isFile) throw new MmdbError("it is no file");
  if (size > fileBytesMax) throw new MmdbError(`it has ${size} bytes; at most 1 GiB is read`);
  const bytes = new SharedArrayBuffer(size);
  const target = new Uint8Array(bytes);
  const chunk = new Uint8Array(chunkBytes);
  let at = 0;
  while (at < size) {
    const read = await source.read(chunk);
    if (read === null) throw new MmdbError("it became shorter while it was read");
    const piece = chunk.subarray(0, Math.min(read, size - at));
    target.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
