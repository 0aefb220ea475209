import { match, strictEqual } from "node:assert/strict";
import { UsageError } from "../errors.ts";
import { failureText } from "./failure_text.ts";

Deno.test("failureText() says how to build a clone that was not, and asks to report what is unknown", () => {
  for (const file of ["_fresh/snapshot.js", "agent/hot/hot_code.ts"]) {
    const error = new TypeError(`Module not found "file:///srv/clone/${file}".`);
    match(failureText(error), /^This clone has not been built yet\. .*: deno task build$/);
  }
  const other = new TypeError('Module not found "file:///srv/clone/agent/config.ts".');
  match(failureText(other), /^This should not have happened; please report it\. TypeError: Module/);
  strictEqual(failureText(new UsageError("No such option.")), "No such option.");
});

Deno.test("failureText() knows how Deno words a missing file", async () => {
  const path = new URL("./not_made_code.ts", import.meta.url).href;
  const error = await import(path).catch((error: unknown) => error);
  match(failureText(error), /has not been built/);
});
