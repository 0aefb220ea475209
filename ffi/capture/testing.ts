/** Compares numbers that are written down here with those of the C headers, where there is a compiler. */
import { deepStrictEqual } from "node:assert/strict";

interface HeadersCheck {
  readonly headers: readonly string[];
  /** C expressions and what they are. */
  readonly expected: readonly (readonly [string, number])[];
  /** What is missing where it is skipped. */
  readonly needs: string;
}

/** Adds the test of a `layout.ts`. */
export async function testAgainstHeaders({ headers, expected, needs }: HeadersCheck) {
  const canCompile = await compileAndRun(headers, "").then((output) => output === "", () => false);
  Deno.test({
    name: "layout.ts agrees with the C headers" + (canCompile ? "" : ` (SKIPPED: no ${needs})`),
    ignore: !canCompile,
    fn: async () => {
      const lines = expected.map(([expression]) =>
        `printf("%lld\\n", (long long)(${expression}));`
      );
      const output = await compileAndRun(headers, lines.join("\n"));
      const actual = output.trim().split("\n").map(Number);
      deepStrictEqual(expected.map(([name], i) => [name, actual[i]]), expected);
    },
  });
}

async function compileAndRun(headers: readonly string[], body: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const includes = headers.map((name) => `#include <${name}>`).join("\n");
    await Deno.writeTextFile(`${folder}/a.c`, `${includes}\nint main(void) {\n${body}\n}\n`);
    await run("cc", ["-o", `${folder}/a`, `${folder}/a.c`]);
    return await run(`${folder}/a`, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(command: string, args: string[]): Promise<string> {
  const output = await new Deno.Command(command, { args }).output();
  const text = new TextDecoder();
  if (!output.success) throw new Error(text.decode(output.stderr));
  return text.decode(output.stdout);
}
