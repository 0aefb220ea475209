import { strictEqual } from "node:assert/strict";
import { asset, getBuildId, setBuildId } from "./build_id.ts";

Deno.test("asset() adds the build id to paths of this host only", () => {
  const before = getBuildId();
  setBuildId("id");
  try {
    const cases: [string, string][] = [
      ["/a.css", "/a.css?__frsh_c=id"],
      ["/a.css?x=1#top", "/a.css?x=1&__frsh_c=id#top"],
      ["/a.css?__frsh_c=id", "/a.css?__frsh_c=id"],
      ["//other.example/a.css", "//other.example/a.css"],
      ["a.css", "a.css"],
    ];
    for (const [path, url] of cases) strictEqual(asset(path), url);
  } finally {
    setBuildId(before);
  }
});
