/** Block lists with the whole program: files, replay, lists that change while it runs. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { demoCapture, Program, runProgram, withFolder } from "./program.ts";

interface Found {
  readonly kind: string;
  readonly reason: string;
}

Deno.test("analyze finds what a list names, and nothing more is found than without it", () =>
  withFolder(async (folder) => {
    const list = `${folder}/feed.txt`;
    const lines = ["wiki.example.org", "*.example.net", "t13i3111h2_e8f1e7e78f70_b26ce05bbdd6"];
    await Deno.writeTextFile(list, `# names\n${lines.join("\n")}\n192.168.10.80\nnot a name\n`);
    const analyze = async (...options: string[]) => {
      const { code, stdout, stderr } = await runProgram([
        "analyze",
        demoCapture,
        "--json",
        ...options,
      ]);
      equal(code, 0, stderr);
      const findings: Found[] = JSON.parse(stdout).findings;
      return { findings, stderr };
    };
    const { findings, stderr } = await analyze("--blocklist", list);
    const hits = findings.filter(({ kind }) => kind === "blocklist");
    for (const line of [2, 3, 4, 5]) {
      const here = hits.filter(({ reason }) => reason.includes(`line ${line} of ${list} lists it`));
      ok(here.length > 0, `line ${line}`);
    }
    ok(hits.some(({ reason }) => /asked for the name wiki\.example\.org/.test(reason)));
    ok(
      hits.some(({ reason }) =>
        /by the name (maps|video)\.example\.net; .* \(\*\.example\.net\)/.test(reason)
      ),
    );
    ok(hits.some(({ reason }) => /by TLS with the fingerprint t13i3111h2/.test(reason)));
    match(stderr, /feed\.txt, line 6: "not a name" is more than one entry/);
    // A beacon of a host that is on a list is graver.
    const reasons = (all: readonly Found[]) =>
      all.filter(({ kind }) => kind !== "blocklist").map(({ reason }) => reason);
    deepEqual(reasons(findings), reasons((await analyze()).findings));
  }));

Deno.test("a list that cannot be read is refused before anything starts", () =>
  withFolder(async (folder) => {
    for (const path of [`${folder}/none.txt`, folder]) {
      const { code, stderr } = await runProgram(["analyze", demoCapture, "--blocklist", path]);
      equal(code, 2);
      match(stderr, /Cannot read .* \(--blocklist\)/);
    }
  }));

Deno.test("a list that changes is read again, and one that goes leaves its entries", () =>
  withFolder(async (folder) => {
    const list = `${folder}/feed.txt`;
    await Deno.writeTextFile(list, "192.0.2.1\n");
    await using program = await Program.start([
      ...["replay", demoCapture, "--results", `${folder}/results`, "--blocklist", list],
    ]);
    await program.logged(/1 block list read: 1 entries/);
    await Deno.writeTextFile(`${list}.new`, "192.0.2.1\nwiki.example.org\n???\n");
    await Deno.rename(`${list}.new`, list);
    await program.logged(/1 block list read again: 2 entries, 1 line without one/);
    await Deno.remove(list);
    await program.logged(/The entries read before stay/);
    equal(await program.metric("tapwatch_blocklist_entries"), 2);
    equal(await program.metric("tapwatch_blocklist_bad_lines"), 1);
    const status = await program.get("/status");
    match(status, /2 entries/);
    equal(await program.stop(), 0);
  }));
