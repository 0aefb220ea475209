import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { UsageError } from "./errors.ts";
import { createAnew, refuseForeignLink, writeAnew } from "./own_files.ts";
import { EvidenceKeeper } from "./capture/evidence_keeper.ts";
import { EveFile } from "./eve/eve_file.ts";
import { openForWriting } from "./store/open.ts";
import { testAsRoot } from "../ffi/pcap/testing.ts";

const text = "somebody else's file";
const nobody = 65_534;

/** A folder with a victim of root's, and a way to plant links of another user. */
async function withVictim(
  use: (place: { folder: string; victim: string; plant: (name: string, to?: string) => string }) =>
    | void
    | Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const victim = `${folder}/victim`;
    await Deno.writeTextFile(victim, text);
    const plant = (name: string, to = victim) => {
      const path = `${folder}/${name}`;
      Deno.symlinkSync(to, path);
      new Deno.Command("chown", { args: ["-h", String(nobody), path] }).outputSync();
      return path;
    };
    await use({ folder, victim, plant });
    strictEqual(await Deno.readTextFile(victim), text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

testAsRoot(
  "a new file takes the place of a link, and not of what it points to",
  () =>
    withVictim(({ plant }) => {
      createAnew(plant("one")).close();
      const path = plant("two");
      writeAnew(path, new Uint8Array(3));
      deepStrictEqual([Deno.lstatSync(path).isFile, Deno.statSync(path).size], [true, 3]);
    }),
);

testAsRoot(
  "a link of another user is refused, one's own is not",
  () =>
    withVictim(({ folder, victim, plant }) => {
      throws(() => refuseForeignLink(plant("foreign")), UsageError);
      Deno.symlinkSync(victim, `${folder}/own`);
      refuseForeignLink(`${folder}/own`);
      refuseForeignLink(victim);
      refuseForeignLink(`${folder}/absent`);
    }),
);

testAsRoot(
  "neither database, EVE log nor evidence goes through another user's link",
  () =>
    withVictim(({ folder, plant }) => {
      const elsewhere = `${folder}/elsewhere`;
      Deno.mkdirSync(elsewhere);
      const path = plant("packet_logs.db", `${elsewhere}/new.db`);
      const options = { path, checkpointPages: 1000, walBytesMax: 1e6, nowUs: 0 };
      throws(() => openForWriting(options), /packet_logs\.db is a link/);
      plant("eve.json");
      const context = { note: () => {}, now: () => 0 };
      const eve = new EveFile({ folder, fileBytesMax: 1e6, fileCountMax: 2 }, context);
      eve.start();
      eve.write("a line\n", 1);
      strictEqual(eve.state.state, "failed");
      plant("evidence", elsewhere);
      const keeper = new EvidenceKeeper(
        { folder, bytesMax: 1e6, findingBytesMax: 1e5, vxlanPorts: [] },
        { note: () => {}, makeSorter: () => ({}) as never },
      );
      keeper.start();
      strictEqual(keeper.state.state, "failed");
      deepStrictEqual([...Deno.readDirSync(elsewhere)], []);
    }),
);
