/**
 * Compiles what is written in AssemblyScript to WebAssembly and writes it, as text that a program can import, beside its
 * sources: part of `deno task build`. A module whose sources are the ones it was made of is left alone.
 */
import { createHash } from "node:crypto";

/** Sources in assembly/index.ts of a folder, and the file there with a function of this name that gives their module. */
export interface HotModule {
  readonly folder: URL;
  readonly output: string;
  readonly functionName: string;
}

export const HOT_MODULES: readonly HotModule[] = [
  hotModule("agent/hot", "hot"),
  hotModule("agent/detect/anomaly", "activity"),
  hotModule("agent/detect/scan", "contact"),
  hotModule("agent/detect/flood", "arrivals"),
  hotModule("agent/detect/beacon", "beats"),
  hotModule("agent/detect/forest", "forest"),
  hotModule("ffi/afpacket", "frames"),
];
const compilerOptions = ["-O3", "--runtime", "stub", "--noAssert", "--memoryBase", "1024"];
const lineLength = 96;

/** Compiles the modules that are not what their sources compile to; returns the outputs that it wrote. */
export async function buildHot(
  modules: readonly HotModule[],
  { force = false } = {},
): Promise<string[]> {
  const written: string[] = [];
  for (const module of modules) {
    if (!force && isCurrent(module)) continue;
    await Deno.writeTextFile(outputOf(module), await compile(module));
    written.push(module.output);
  }
  return written;
}

function hotModule(folder: string, name: string): HotModule {
  return {
    folder: new URL(`../${folder}/`, import.meta.url),
    output: `${name}_code.ts`,
    functionName: `${name}Module`,
  };
}

function outputOf({ folder, output }: HotModule): URL {
  return new URL(output, folder);
}

/** The text of the module's output. Its second line tells its sources, and their digest. */
async function compile({ folder, functionName }: HotModule): Promise<string> {
  // Large, and seldom needed.
  const { default: asc } = await import("assemblyscript/asc");
  let code: Uint8Array | null = null;
  const sources = new Set<string>();
  const { error, stderr } = await asc.main(
    ["assembly/index.ts", "--outFile", "hot.wasm", ...compilerOptions],
    {
      readFile: (name) => {
        const text = readText(new URL(name, folder));
        if (text !== null) sources.add(name);
        return text;
      },
      writeFile: (name, contents) => {
        if (name === "hot.wasm") code = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || code === null) {
    throw new Error(`AssemblyScript: ${error?.message}\n${stderr}`);
  }
  const names = [...sources].sort();
  const lines = (code as Uint8Array).toBase64().match(new RegExp(`.{1,${lineLength}}`, "g"))!;
  return `/** Written by tools/build_hot.ts from assembly/. */
// ${digestOf(names, folder)} ${names.join(" ")}
// deno-fmt-ignore-file
let module: WebAssembly.Module | null = null;

/** Compiled once a thread. */
export function ${functionName}(): WebAssembly.Module {
  return module ??= new WebAssembly.Module(Uint8Array.fromBase64(code));
}

const code =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}

function isCurrent(module: HotModule): boolean {
  const made = /^.*\n\/\/ ([0-9a-f]{64}) (.+)\n/.exec(readText(outputOf(module)) ?? "");
  return made !== null && made[1] === digestOf(made[2]!.split(" "), module.folder);
}

/** Digest of the sources, and of what compiles them. */
function digestOf(names: readonly string[], folder: URL): string {
  const hash = createHash("sha256").update(readText(new URL(import.meta.url))!)
    .update(readText(new URL("../deno.lock", import.meta.url))!);
  for (const name of names) hash.update(`${name}\0${readText(new URL(name, folder))}\0`);
  return hash.digest("hex");
}

function readText(url: URL): string | null {
  try {
    return Deno.readTextFileSync(url);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
