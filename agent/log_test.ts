import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { isJournal, Log } from "./log.ts";

function logged(level: "debug" | "info" | "warning" | "error", format: "text" | "json"): string[] {
  const lines: string[] = [];
  const log = new Log({ level, format, write: (line) => lines.push(line) });
  log.debug("one");
  log.info("two");
  log.warning("three");
  log.error("four");
  return lines;
}

Deno.test("Log writes lines from its level on, with the time and all levels but info", () => {
  const lines = logged("debug", "text");
  match(lines[0]!, /^\d\d:\d\d:\d\d debug: one$/);
  deepStrictEqual(lines.map((line) => line.slice(9)), [
    "debug: one",
    "two",
    "warning: three",
    "error: four",
  ]);
  deepStrictEqual(logged("warning", "text").length, 2);
  deepStrictEqual(logged("error", "text").length, 1);
});

Deno.test("Log writes one JSON object a line for collectors", () => {
  const objects = logged("info", "json").map((line) => JSON.parse(line));
  deepStrictEqual(objects.map(({ level, text }) => [level, text]), [
    ["info", "two"],
    ["warning", "three"],
    ["error", "four"],
  ]);
  match(objects[0].time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

Deno.test("Log gives the journal priorities and no times, line by line", () => {
  const lines: string[] = [];
  const log = new Log({
    level: "debug",
    format: "text",
    write: (line) => lines.push(line),
    isJournal: true,
  });
  for (const level of ["debug", "info", "warning", "error"] as const) log.write(level, "a\nb");
  deepStrictEqual(lines, ["<7>a\n<7>b", "<6>a\n<6>b", "<4>a\n<4>b", "<3>a\n<3>b"]);
});

Deno.test("isJournal() compares device and inode of the stream", async () => {
  const path = await Deno.makeTempFile();
  const fd = openSync(path, "r");
  try {
    const { dev, ino } = Deno.statSync(path);
    strictEqual(isJournal(`${dev}:${ino}`, fd), true);
    strictEqual(isJournal(`${dev}:${ino! + 1}`, fd), false);
    strictEqual(isJournal(undefined, fd), false);
    strictEqual(isJournal("1:1", 99_999), false);
  } finally {
    closeSync(fd);
    await Deno.remove(path);
  }
});
