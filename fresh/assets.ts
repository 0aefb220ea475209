/** What pages and browsers load of a build: islands, the script that starts them, static files. */

export type Module = Record<string, unknown>;
/** The part of the generated `_fresh/snapshot.js` that is no route. */
export interface AssetSnapshot {
  readonly clientEntry: string;
  readonly islands: readonly {
    readonly name: string;
    readonly url: string;
    readonly module: Module;
  }[];
  /** By URL path. */
  readonly staticFiles: Readonly<Record<string, StaticFile>>;
}
export interface StaticFile {
  /** Relative to the root. */
  readonly filePath: string;
  readonly contentType: string;
  /** SHA-256 of the contents, hex. */
  readonly hash: string;
}
export interface Island {
  /** Unique; an identifier. */
  readonly name: string;
  readonly exportName: string;
  readonly url: string;
}

/** The assets of the build whose files lie under `root`, a folder path. */
export class Assets {
  readonly clientEntry: string;
  /** By component. */
  readonly islands: ReadonlyMap<unknown, Island>;
  readonly staticFiles: ReadonlyMap<string, StaticFile>;

  constructor(readonly root: string, snapshot: AssetSnapshot) {
    this.clientEntry = snapshot.clientEntry;
    this.islands = islandsOf(snapshot);
    this.staticFiles = new Map(Object.entries(snapshot.staticFiles));
  }

  readFile(file: StaticFile): Promise<Uint8Array<ArrayBuffer>> {
    return Deno.readFile(`${this.root}/${file.filePath}`);
  }
}

/** Every exported function of an island file is an island, found again by identity. */
function islandsOf(snapshot: AssetSnapshot): Map<unknown, Island> {
  const islands = new Map<unknown, Island>();
  const names = new Set<string>();
  for (const { name: file, url, module } of snapshot.islands) {
    for (const [exportName, component] of Object.entries(module)) {
      if (typeof component !== "function") continue;
      const base = exportName === "default" ? file.replaceAll(/\W/g, "_") : exportName;
      let name = base;
      for (let n = 1; names.has(name); n++) name = `${base}_${n}`;
      names.add(name);
      islands.set(component, { name, exportName, url });
    }
  }
  return islands;
}
