/** Whether a database is sound inside: what `doctor` says of it, and what a start tells. */
import { statSync } from "node:fs";
import { StoreError } from "../store/failure.ts";
import type { Notes } from "./notes.ts";
import { ReaderHost } from "./reader_host.ts";

/** Beyond it packets and flows would be read for minutes. */
const wholeBytesMax = 512e6;

/** Tables that are too large to look at. */
export function tablesLeftOut(path: string): readonly string[] {
  return statSync(path).size <= wholeBytesMax ? [] : ["packets", "flows"];
}

/** What to do about it is a sentence without its full stop. */
export function damageText(path: string, damage: string): string {
  return `${path} is damaged: ${damage}. ${damageFix(path)}`;
}

export function damageFix(path: string): string {
  return `Stop tapwatch, save what can be read (sqlite3 ${path} .recover | sqlite3 saved.db), and move the file away: a new one is made`;
}

/** Looks once, in a thread of its own, whether a database that is open is sound; returns what ends that early. */
export function lookForDamage(path: string, notes: Notes): () => void {
  const host = new ReaderHost(path, () => {});
  host.start();
  host.reader.damages(tablesLeftOut(path)).catch((error) => {
    if (!(error instanceof StoreError)) throw error;
    // Another kind also when it was ended early.
    return error.kind === "corrupt" ? [error.message] : [];
  }).then(([damage]) => {
    if (damage !== undefined) notes.note("error", `${damageText(path, damage)}.`);
    host.stop();
  });
  return () => host.stop();
}
