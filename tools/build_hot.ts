/**
 * `deno task build-hot`: compiles what is written in AssemblyScript to WebAssembly and writes it, as text that a program
 * can import, beside its sources. That is committed: only who changes the sources needs the compiler.
 */
import asc from "assemblyscript/asc";

/** Sources in assembly/index.ts of a folder, and the module there that exports their code under a name. */
export interface HotModule {
  readonly folder: URL;
  readonly output: string;
  readonly codeName: string;
}

const HOT_PATH: HotModule = {
  folder: new URL("../agent/hot/", import.meta.url),
  output: "hot_code.ts",
  codeName: "hotCode",
};
const HOST_ACTIVITY: HotModule = {
  folder: new URL("../agent/detect/anomaly/", import.meta.url),
  output: "activity_code.ts",
  codeName: "activityCode",
};
const SCAN_CONTACTS: HotModule = {
  folder: new URL("../agent/detect/scan/", import.meta.url),
  output: "contact_code.ts",
  codeName: "contactCode",
};
const FOREST: HotModule = {
  folder: new URL("../agent/detect/forest/", import.meta.url),
  output: "forest_code.ts",
  codeName: "forestCode",
};
const FLOOD_ARRIVALS: HotModule = {
  folder: new URL("../agent/detect/flood/", import.meta.url),
  output: "arrivals_code.ts",
  codeName: "arrivalsCode",
};
const BEACON_BEATS: HotModule = {
  folder: new URL("../agent/detect/beacon/", import.meta.url),
  output: "beats_code.ts",
  codeName: "beatsCode",
};
export const HOT_MODULES: readonly HotModule[] = [
  HOT_PATH,
  HOST_ACTIVITY,
  SCAN_CONTACTS,
  FLOOD_ARRIVALS,
  BEACON_BEATS,
  FOREST,
];
const lineLength = 96;

/** The text of the module's output. */
export async function compileHot({ folder, codeName }: HotModule): Promise<string> {
  let code: Uint8Array | null = null;
  const { error, stderr } = await asc.main([
    "assembly/index.ts",
    "--outFile",
    "hot.wasm",
    "-O3",
    "--runtime",
    "stub",
    "--noAssert",
    "--memoryBase",
    "1024",
  ], {
    readFile: (name) => readSource(new URL(name, folder)),
    writeFile: (name, contents) => {
      if (name === "hot.wasm") code = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error !== null || code === null) {
    throw new Error(`AssemblyScript: ${error?.message}\n${stderr}`);
  }
  const lines = (code as Uint8Array).toBase64().match(new RegExp(`.{1,${lineLength}}`, "g"))!;
  return `/** Written by tools/build_hot.ts from assembly/. */\n// deno-fmt-ignore-file\n` +
    `export const ${codeName} =\n${lines.map((line) => `  "${line}"`).join(" +\n")};\n`;
}

/** Whether a module's output is what its sources compile to. */
export async function isHotCurrent(module: HotModule): Promise<boolean> {
  const committed = await Deno.readTextFile(new URL(module.output, module.folder));
  return committed === await compileHot(module);
}

function readSource(url: URL): string | null {
  try {
    return Deno.readTextFileSync(url);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

if (import.meta.main) {
  for (const module of HOT_MODULES) {
    await Deno.writeTextFile(new URL(module.output, module.folder), await compileHot(module));
  }
}
