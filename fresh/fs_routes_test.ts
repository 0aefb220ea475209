import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { compareRouteFiles, type RouteFilePath, routeFilePath } from "./fs_routes.ts";

Deno.test("routeFilePath() makes URL patterns of file names", () => {
  const cases: [string, string][] = [
    ["/index", "/"],
    ["/hosts/index", "/hosts"],
    ["/hosts/[id]", "/hosts/:id"],
    ["/hosts/[id]/index", "/hosts/:id"],
    ["/a-[x]", "/a-:x"],
    ["/[x]@[y]", "/:x@:y"],
    ["/[...path]", "/:path*"],
    ["/[[lang]]/about", "/{:lang}?/about"],
    ["/docs/[[version]]", "/docs{/:version}?"],
    ["/(group)/page", "/page"],
    ["/(group)/index", "/"],
  ];
  for (const [id, pattern] of cases) strictEqual(routeFilePath(id)?.routePattern, pattern);
});

Deno.test("routeFilePath() knows roles and folders, and what is no route", () => {
  deepStrictEqual(routeFilePath("/a/(g)/_layout"), {
    id: "/a/(g)/_layout",
    type: "layout",
    folder: "/a/(g)",
    routePattern: "",
  });
  strictEqual(routeFilePath("/_500")?.type, "error");
  strictEqual(routeFilePath("/a/(_server)/state"), null);
  throws(() => routeFilePath("/[a][b]"), SyntaxError);
});

Deno.test("compareRouteFiles() puts special files before routes and parameters last", () => {
  const ids = [
    "/_app",
    "/_middleware",
    "/_layout",
    "/_404",
    "/_error",
    "/about",
    "/hosts/_layout",
    "/hosts/all",
    "/hosts/index",
    "/hosts/[id]",
    "/hosts/[...rest]",
    "/index",
    "/(group)/_layout",
    "/(group)/page",
    "/[page]",
  ];
  const files = ids.map((id) => routeFilePath(id)).filter((file): file is RouteFilePath => !!file);
  const sorted = files.toReversed().sort(compareRouteFiles).map(({ id }) => id);
  deepStrictEqual(sorted, ids);
});
