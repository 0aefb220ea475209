/**
 * `deno task build-hot`: compiles agent/hot/assembly to WebAssembly and writes it, as text that a program can import, to
 * agent/hot/hot_code.ts, which is committed: only who changes the sources needs the compiler.
 */
import asc from "assemblyscript/asc";

const folder = new URL("../agent/hot/", import.meta.url);
const output = new URL("hot_code.ts", folder);
const lineLength = 96;

/** The module's text, with `options` for the compiler added. */
export async function compileHot(): Promise<string> {
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
    readFile: readSource,
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
    `export const hotCode =\n${lines.map((line) => `  "${line}"`).join(" +\n")};\n`;
}

function readSource(name: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(name, folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

if (import.meta.main) await Deno.writeTextFile(output, await compileHot());
