/** `deno task dev`: builds, runs main.ts with the arguments given, and does both again when a source changes. */
import { join } from "node:path";
import { build } from "./build.ts";

const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const watched = [
  "agent",
  "components",
  "dashboard.ts",
  "ffi",
  "fresh",
  "islands",
  "main.ts",
]
  .concat(["routes", "static"]).map((path) => join(root, path));
/** Editors write a file in several steps; a change counts when nothing followed it for this long. */
const quietMs = 200;

let child = await start();
let timer = 0;
for await (const event of Deno.watchFs(watched)) {
  if (event.kind === "access") continue;
  clearTimeout(timer);
  timer = setTimeout(restart, quietMs);
}

async function start(): Promise<Deno.ChildProcess | null> {
  try {
    await build();
  } catch (error) {
    console.error(error);
    return null;
  }
  const args = ["run", "-A", "--lock=deno.lock", "main.ts", ...Deno.args];
  return new Deno.Command(Deno.execPath(), { args, cwd: root }).spawn();
}

async function restart(): Promise<void> {
  try {
    child?.kill("SIGTERM");
  } catch {
    // It ended by itself.
  }
  await child?.status;
  child = await start();
}
