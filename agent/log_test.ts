import { deepStrictEqual, match } from "node:assert/strict";
import { Log } from "./log.ts";

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
