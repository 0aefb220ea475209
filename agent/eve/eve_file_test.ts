import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EveFile } from "./eve_file.ts";
import { testOnSmallDisk } from "../../tests/small_disk.ts";

interface Settings {
  readonly fileBytesMax?: number;
  readonly fileCountMax?: number;
}

/** A log in a new folder, and a clock that the test moves. */
async function withLog(
  { fileBytesMax = 1e6, fileCountMax = 3 }: Settings,
  use: (
    log: { file: EveFile; folder: string; notes: string[]; pass: (ms: number) => void },
  ) => void,
): Promise<void> {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/results`;
  const notes: string[] = [];
  let nowMs = 0;
  const file = new EveFile({ folder, fileBytesMax, fileCountMax }, {
    note: (_, text) => notes.push(text),
    now: () => nowMs,
  });
  try {
    file.start();
    use({
      file,
      folder,
      notes,
      pass: (ms) => {
        nowMs += ms;
        file.tick();
      },
    });
  } finally {
    file.close();
    await Deno.remove(parent, { recursive: true });
  }
}

const read = (path: string) => Deno.readTextFileSync(path);
const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const line = (second: number) =>
  `{"timestamp":"2026-01-01T00:00:0${second}.000000+0000","event_type":"x"}\n`;

Deno.test("the log is there from the start, and is appended to", () =>
  withLog({}, ({ file, folder }) => {
    strictEqual(read(file.path), "");
    file.write(line(1), 1);
    file.write(line(2) + line(3), 2, 5);
    strictEqual(read(file.path), line(1) + line(2) + line(3));
    file.close();
    const { state, linesWritten, linesLost, files } = file.state;
    deepStrictEqual([state, linesWritten, linesLost, files], ["ok", 3, 5, 1]);
    const next = new EveFile({ folder, fileBytesMax: 1e6, fileCountMax: 3 }, {
      note: () => {},
      now: () => 0,
    });
    next.write(line(4), 1);
    next.close();
    strictEqual(read(file.path), line(1) + line(2) + line(3) + line(4));
  }));

Deno.test("what an end in the middle of a line has left is cut off", async () => {
  for (
    const [before, kept] of [[line(1) + '{"time', line(1)], ['{"time', ""], [line(1), line(1)]]
  ) {
    await withLog({}, ({ file, notes, folder }) => {
      file.close();
      Deno.writeTextFileSync(file.path, before!);
      const next = new EveFile({ folder, fileBytesMax: 1e6, fileCountMax: 3 }, {
        note: (_, text) => notes.push(text),
        now: () => 0,
      });
      next.write(line(2), 1);
      next.close();
      strictEqual(read(file.path), kept + line(2));
      strictEqual(notes.length, before === kept ? 0 : 1);
    });
  }
});

Deno.test("a file that is full is put aside under its first line's time, and the oldest goes", () =>
  withLog({ fileBytesMax: 150 }, ({ file, folder }) => {
    for (let second = 1; second <= 7; second++) file.write(line(second), 1);
    deepStrictEqual(names(folder), [
      "eve-20260101T000003Z.json",
      "eve-20260101T000005Z.json",
      "eve.json",
    ]);
    strictEqual(read(`${folder}/eve-20260101T000005Z.json`), line(5) + line(6));
    strictEqual(read(file.path), line(7));
    const { files, sizeBytes, linesWritten } = file.state;
    deepStrictEqual([files, sizeBytes, linesWritten], [3, 5 * line(1).length, 7]);
  }));

Deno.test("with no limit of files nothing is put aside", () =>
  withLog({ fileBytesMax: 100, fileCountMax: 0 }, ({ file, folder }) => {
    for (let second = 1; second <= 5; second++) file.write(line(second), 1);
    deepStrictEqual(names(folder), ["eve.json"]);
  }));

Deno.test("a file that was moved or removed is let go within a second", () =>
  withLog({}, ({ file, folder, notes, pass }) => {
    file.write(line(1), 1);
    Deno.renameSync(file.path, `${folder}/eve.json.1`);
    pass(1000);
    strictEqual(read(file.path), "");
    file.write(line(2), 1);
    deepStrictEqual([read(`${folder}/eve.json.1`), read(file.path)], [line(1), line(2)]);
    Deno.removeSync(file.path);
    pass(1000);
    file.write(line(3), 1);
    strictEqual(read(file.path), line(3));
    ok(notes.every((note) => / was moved or removed; a new one is begun\.$/.test(note)));
    strictEqual(notes.length, 2);
  }));

Deno.test("a folder that cannot be made is told once, and lines wait until it can", () =>
  withLog({}, ({ file, folder, notes, pass }) => {
    Deno.removeSync(folder, { recursive: true });
    Deno.writeTextFileSync(folder, "in the way");
    pass(1000);
    file.write(line(1), 1);
    file.write(line(2), 1);
    pass(1000);
    const { state, detail, linesWritten, linesLost } = file.state;
    deepStrictEqual([state, linesWritten, linesLost], ["failed", 0, 0]);
    match(detail, /^Cannot write .*eve\.json: \S.*\.$/);
    Deno.removeSync(folder);
    pass(30_000);
    deepStrictEqual([file.state.state, file.state.detail, file.state.linesWritten], ["ok", "", 2]);
    strictEqual(read(file.path), line(1) + line(2));
    match(notes.at(-1)!, /is written again\.$/);
    strictEqual(notes.filter((note) => note.startsWith("Cannot write")).length, 1);
  }));

Deno.test("while nothing can be written the oldest lines beyond 8 MB are given up and counted", () =>
  withLog({}, ({ file, folder }) => {
    file.close();
    Deno.removeSync(folder, { recursive: true });
    Deno.writeTextFileSync(folder, "in the way");
    const text = line(1).repeat(10_000);
    for (let i = 0; i < 20; i++) file.write(text, 10_000);
    const { linesWritten, linesLost } = file.state;
    strictEqual(linesWritten, 0);
    strictEqual(linesLost % 10_000, 0);
    ok(linesLost >= 20 * 10_000 - 8e6 / line(1).length && linesLost < 200_000);
    file.close();
    strictEqual(file.state.linesLost, 200_000);
  }));

Deno.test("what is no file is not written to", () =>
  withLog({}, ({ file, folder, pass }) => {
    Deno.removeSync(file.path);
    Deno.mkdirSync(file.path);
    pass(1000);
    match(file.state.detail, /^Cannot write .*eve\.json: /);
    Deno.removeSync(file.path);
    pass(30_000);
    deepStrictEqual([file.state.state, names(folder)], ["ok", ["eve.json"]]);
  }));

testOnSmallDisk(
  "a full disk leaves whole lines, and says what to do",
  128 << 10,
  (disk) => {
    let nowMs = 0;
    const options = { folder: `${disk}/results`, fileBytesMax: 1e6, fileCountMax: 3 };
    const file = new EveFile(options, { note: () => {}, now: () => nowMs });
    const text = line(1).repeat(100);
    for (let i = 0; i < 30; i++) file.write(text, 100);
    strictEqual(file.state.state, "failed");
    match(file.state.detail, /the disk is full; free some space/);
    const { linesWritten } = file.state;
    strictEqual(read(file.path), line(1).repeat(linesWritten));
    ok(linesWritten > 0 && linesWritten < 3000);
    Deno.renameSync(file.path, `${disk}/moved`);
    Deno.truncateSync(`${disk}/moved`);
    nowMs = 60_000;
    file.write(line(2), 1);
    file.close();
    deepStrictEqual([file.state.linesWritten, file.state.linesLost], [3001, 0]);
    strictEqual(read(file.path), line(1).repeat(3000 - linesWritten) + line(2));
  },
);

Deno.test("a log that is held turns on in the bytes it has, then gives up lines, and goes on afterwards", () =>
  withLog({ fileBytesMax: 200, fileCountMax: 5 }, ({ file }) => {
    for (let second = 0; second < 8; second++) file.write(line(second), 1);
    const { sizeBytes, files } = file.state;
    ok(files > 2);
    file.hold(true);
    for (let second = 0; second < 8; second++) file.write(line(second), 1);
    const held = file.state;
    ok(held.sizeBytes <= sizeBytes, `${held.sizeBytes} of ${sizeBytes}`);
    strictEqual(held.linesWritten, 16);
    // A piece that is larger than all there was.
    file.write(line(1).repeat(50), 50);
    strictEqual(file.state.linesLost, 50);
    file.hold(false);
    file.write(line(9), 1);
    deepStrictEqual([file.state.linesWritten, file.state.state], [17, "ok"]);
  }));
