import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { RunError } from "../errors.ts";
import { claimResults, handResultsOver, reasonOf } from "./results_folder.ts";

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
    throws(
      () => claimResults(`${folder}/file`),
      /a file of that name is in the way\. Move that away/,
    );
    throws(() => claimResults(`${folder}/file/below`), /in the way\. Move that away/);
  }));

Deno.test("claimResults() lets nobody else read what it makes, nor what an earlier version made", () =>
  withFolder((folder) => {
    const modes = (path: string) => (Deno.statSync(path).mode! & 0o777).toString(8);
    const made = `${folder}/a/b`;
    claimResults(made)();
    deepStrictEqual([made, `${made}/.tapwatch.lock`].map(modes), ["700", "600"]);
    Deno.writeTextFileSync(`${made}/packet_logs.db`, "");
    Deno.writeTextFileSync(`${made}/notes.txt`, "");
    for (
      const [path, mode] of [["packet_logs.db", 0o644], ["notes.txt", 0o644], [".", 0o755]] as const
    ) {
      Deno.chmodSync(`${made}/${path}`, mode);
    }
    const release = claimResults(made);
    Deno.writeTextFileSync(`${made}/new`, "");
    release();
    deepStrictEqual(
      ["", "packet_logs.db", "notes.txt", "new"].map((name) => modes(`${made}/${name}`)),
      ["700", "600", "644", "600"],
    );
  }));

Deno.test("claimResults() refuses a lock that is a link, and leaves what it points to", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/target`, "precious");
    Deno.mkdirSync(`${folder}/r`);
    Deno.symlinkSync(`${folder}/target`, `${folder}/r/.tapwatch.lock`);
    throws(() => claimResults(`${folder}/r`), /\.tapwatch\.lock in it is a link/);
    strictEqual(Deno.readTextFileSync(`${folder}/target`), "precious");
  }));

const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;
const rootTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name: isRoot ? name : `${name} (SKIPPED: needs root)`, ignore: !isRoot, fn });
const nobody = { name: "nobody", uid: 65534, gid: 65534 };

rootTest(
  "claimResults() as root refuses a folder into which everybody may put links",
  () =>
    withFolder((folder) => {
      Deno.chmodSync(folder, 0o777);
      throws(() => claimResults(folder), /Everybody may write to/);
      claimResults(`${folder}/below`)();
    }),
);

rootTest(
  "handResultsOver() gives what root made, and no link, hard link or folder of others",
  () =>
    withFolder((folder) => {
      const owner = (path: string) => Deno.lstatSync(`${folder}/${path}`).uid;
      Deno.writeTextFileSync(`${folder}/outside`, "");
      Deno.mkdirSync(`${folder}/r`);
      for (const name of ["packet_logs.db", ".tapwatch.lock", "a"]) {
        Deno.writeTextFileSync(`${folder}/r/${name}`, "");
      }
      Deno.symlinkSync(`${folder}/outside`, `${folder}/r/eve.json`);
      Deno.linkSync(`${folder}/outside`, `${folder}/r/model.bin`);
      Deno.mkdirSync(`${folder}/r/evidence`);
      Deno.writeTextFileSync(`${folder}/r/evidence/1.pcap`, "");
      handResultsOver(`${folder}/r`, nobody);
      deepStrictEqual(
        ["r", "r/packet_logs.db", "r/evidence", "r/evidence/1.pcap"].map(owner),
        [65534, 65534, 65534, 65534],
      );
      deepStrictEqual(
        ["r/a", "r/eve.json", "r/model.bin", "outside"].map(owner),
        [0, 0, 0, 0],
      );
      Deno.mkdirSync(`${folder}/etc`);
      Deno.writeTextFileSync(`${folder}/etc/shadow`, "");
      throws(() => handResultsOver(`${folder}/etc`, nobody), /holds what is not tapwatch's/);
      deepStrictEqual(["etc", "etc/shadow"].map(owner), [0, 0]);
      handResultsOver(`${folder}/new/r`, nobody);
      deepStrictEqual(["new", "new/r"].map(owner), [0, 65534]);
      Deno.mkdirSync(`${folder}/theirs`);
      Deno.chownSync(`${folder}/theirs`, 1, 1);
      throws(
        () => handResultsOver(`${folder}/theirs`, nobody),
        /belongs neither to nobody nor to root/,
      );
    }),
);

Deno.test("reasonOf() is what the system said, without call and path", () => {
  strictEqual(
    reasonOf(new Error("Permission denied (os error 13): mkdir '/x'")),
    "permission denied",
  );
  strictEqual(reasonOf(new Error("ENOENT: no such file")), "ENOENT: no such file");
  strictEqual(reasonOf("text"), "text");
});
