/** What the README says is so: its part "Try it" line by line, and the names that it gives. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { COMMAND_NAMES, OPTIONS } from "../agent/options.ts";
import { ScanLab } from "./live_scan_lab.ts";
import {
  missingForRoot,
  missingNamespaces,
  patienceMs,
  Program,
  programCommand,
  runCommand,
  testWith,
  withFolder,
} from "./program.ts";

const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
const test = testWith.bind(
  null,
  missingForRoot("ip", "nmap", "ping") || await missingNamespaces(),
);

/** What a page, or the command itself where there is none, says. */
interface Seen {
  readonly page: string | null;
  readonly says: string[];
}
/** A row of "Try it": a command, and what is seen then. */
interface Line {
  readonly command: readonly string[];
  readonly seen: readonly Seen[];
}

const lines = readme.split("## Try it")[1]!.split("\n## ")[0]!.split("\n")
  .filter((line) => line.startsWith("| `")).map((line): Line => {
    const [, command, see] = line.split("|").map((cell) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!)
    );
    const seen: Seen[] = [];
    for (const text of see!) {
      if (text.startsWith("/")) seen.push({ page: text, says: [] });
      else if (seen.length === 0) seen.push({ page: null, says: [text] });
      else seen.at(-1)!.says.push(text);
    }
    return { command: command![0]!.replace(/^sudo /, "").split(" "), seen };
  });

test("each line of the README's part Try it shows what it says", () =>
  withFolder(async (folder) => {
    ok(
      lines.length >= 4 && lines.every(({ seen }) => seen.every(({ says }) => says.length > 0)),
      JSON.stringify(lines),
    );
    await using lab = await ScanLab.create();
    const [start, ...others] = lines;
    const options = { cwd: folder, prefix: lab.onSensor };
    await using program = await Program.start(start!.command.slice(1), options);
    await lab.watchFindings(program).ready();
    const run = async (command: readonly string[]) => {
      const { code, stdout, stderr } = await runCommand([...lab.onSensor, ...command], {
        cwd: folder,
      });
      ok(code === 0, `${command.join(" ")} ended with ${code}: ${stderr}`);
      return stdout;
    };
    const read = async (command: readonly string[], page: string | null) => {
      if (page !== null) return textOf(await run(["curl", "-sf", program.url + page]));
      return (await run(programCommand(command.slice(1)))).replace(/\s+/g, " ");
    };
    for (const line of [start!, ...others]) {
      const isOurs = line.command[0] === "tapwatch";
      if (!isOurs) await run(line.command);
      for (const { page, says } of line.seen) {
        await untilSaid(() => read(line.command, page), says);
      }
    }
    deepStrictEqual(await program.stop(), 0);
  }));

/** Asks again until all is said; what is captured takes a moment to a page. */
async function untilSaid(read: () => Promise<string>, says: readonly string[]): Promise<void> {
  const endMs = Date.now() + patienceMs;
  for (;;) {
    const text = await read();
    if (says.every((part) => text.includes(part))) return;
    ok(Date.now() < endMs, `${says.join(", ")} is not said in: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** What a person reads of a page. */
function textOf(html: string): string {
  return html.replaceAll(/<(script|style)[\s\S]*?<\/\1>|<!--[\s\S]*?-->/g, "")
    .replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");
}

Deno.test("options, variables and commands in the README are those of the program", () => {
  const code = [...readme.matchAll(/`([^`\n]+)`|^ {4}(.+)$/gm)].map(([, a, b]) => a ?? b!);
  // Those of other programs are not ours.
  const ofTapwatch = code.filter((text) => !/^(sudo )?(npx|deno|docker|systemctl) /.test(text));
  const flags = ofTapwatch.flatMap((text) => [...text.matchAll(/(?<![\w-])--([a-z][\w-]+)/g)]);
  const names = new Set(flags.map(([, name]) => name!));
  const known = new Set(OPTIONS.filter(({ isSecret }) => !isSecret).map(({ name }) => name));
  ok(names.size > 15);
  deepStrictEqual([...names].filter((name) => !known.has(name)), []);
  const variables = ofTapwatch.flatMap((text) => text.match(/\bTAPWATCH_\w+/g) ?? []);
  const variablesKnown = new Set(OPTIONS.map(({ env }) => env));
  deepStrictEqual(variables.filter((name) => !variablesKnown.has(name)), []);
  const commands = ofTapwatch.flatMap((text) => [...text.matchAll(/\btapwatch ([a-z][a-z-]+)/g)]);
  ok(commands.length > 5);
  const others = commands.map(([, name]) => name!)
    .filter((name) => !COMMAND_NAMES.some((known) => known === name));
  deepStrictEqual(others, []);
});

Deno.test("the metrics that the README names are there", async () => {
  const code = await Deno.readTextFile(
    new URL("../routes/(_server)/metrics_text.ts", import.meta.url),
  );
  const names = [...readme.matchAll(/`tapwatch_(\w+)/g)].map(([, name]) => name!);
  ok(names.length > 3);
  deepStrictEqual(names.filter((name) => !code.includes(`"${name}"`)), []);
});
