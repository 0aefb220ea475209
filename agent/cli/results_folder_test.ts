import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { RunError } from "../errors.ts";
import { claimResults, reasonOf } from "./results_folder.ts";

async function withFolder(use: (folder: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("claimResults() makes the folder and leaves nothing but its lock in it", () =>
  withFolder((folder) => {
    const release = claimResults(`${folder}/a/b`);
    deepStrictEqual([...Deno.readDirSync(`${folder}/a/b`)].map(({ name }) => name), [
      ".tapwatch.lock",
    ]);
    strictEqual(Deno.readTextFileSync(`${folder}/a/b/.tapwatch.lock`), `${Deno.pid}\n`);
    release();
  }));

Deno.test("claimResults() refuses a folder that is claimed, until it is given up", () =>
  withFolder((folder) => {
    const release = claimResults(folder);
    throws(
      () => claimResults(folder),
      (error) =>
        error instanceof RunError &&
        error.message.includes(`in use by another tapwatch (pid ${Deno.pid})`),
    );
    release();
    claimResults(folder)();
  }));

Deno.test("claimResults() says why a folder cannot be written", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    throws(() => claimResults(`${folder}/file`), /a file of that name is in the way\. Give it to/);
    throws(() => claimResults(`${folder}/file/below`), /not a directory\. Give it to/);
  }));

Deno.test("reasonOf() is what the system said, without call and path", () => {
  strictEqual(
    reasonOf(new Error("Permission denied (os error 13): mkdir '/x'")),
    "permission denied",
  );
  strictEqual(reasonOf(new Error("ENOENT: no such file")), "ENOENT: no such file");
  strictEqual(reasonOf("text"), "text");
});
