/** All pages of a program that has replayed a capture: one path at least for each file of routes/ that makes a page. */
import { fileURLToPath } from "node:url";
import type { Program } from "./program.ts";

const root = fileURLToPath(new URL("../routes", import.meta.url));

/** Waits until a replay has written all that it found. */
export async function replayed(program: Program): Promise<void> {
  await program.logged(/The file is at its end; everything is written/);
}

/** Paths by the page that they are of, as "/flows/:id"; "404" is none. Throws for a page that the capture gave nothing to show on. */
export async function pagePaths(program: Program): Promise<Map<string, string[]>> {
  const paths = new Map<string, string[]>();
  for (const pattern of patterns("")) {
    const found = pattern.includes(":") ? await pathsOf(program, pattern) : [pattern];
    if (found.length === 0) throw new Error(`There is nothing to show on ${pattern}`);
    paths.set(pattern, found);
  }
  paths.set("404", ["/no-such-page"]);
  return paths;
}

/** "/flows/:id" for flows/[id].tsx; without what a hub alone has (fleet_pages_test.ts). */
function patterns(folder: string): string[] {
  return [...Deno.readDirSync(root + folder)].flatMap(({ name, isDirectory }) => {
    if (/^[_(]/.test(name)) return [];
    if (isDirectory) return name === "api" ? [] : patterns(`${folder}/${name}`);
    if (!name.endsWith(".tsx")) return [];
    if (folder === "/agents" || name === "agents.tsx") return [];
    const path = `${folder}/${name.slice(0, -".tsx".length)}`.replaceAll(/\[(\w+)\]/g, ":$1");
    return [path.replace(/\/index$/, "") || "/"];
  }).sort();
}

const shownMax = 3;

/** Of a page of one thing: the first of its list, and others of other kinds. */
async function pathsOf(program: Program, pattern: string): Promise<string[]> {
  const [, list = "", parameter] = /^\/(\w+)\/:(\w+)$/.exec(pattern) ?? [];
  if (parameter === undefined) throw new Error(`Nobody knows what is shown on ${pattern}`);
  const rows: Record<string, unknown>[] =
    JSON.parse(await program.get(`/api/${list}?limit=200`))[list];
  const kinds = new Map(rows.toReversed().map((row) => [row.kind ?? row.service, row]));
  return [...kinds.values()].toReversed().slice(0, shownMax)
    .map(({ id, address }) => `/${list}/${list === "hosts" ? address : id}`);
}
