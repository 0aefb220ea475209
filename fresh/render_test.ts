import { match, strictEqual } from "node:assert/strict";
import { h } from "preact";
import { App } from "./mod.ts";
import { ProdBuildCache, setBuildCache } from "./internal.ts";

function Box({ text }: { readonly text: string }) {
  return h("b", null, text);
}
function Outer({ text }: { readonly text: string }) {
  return h("section", null, h(Box, { text }), h("script", null, "1"));
}

async function render(page: () => unknown): Promise<string> {
  const app = new App<unknown>().fsRoutes();
  const snapshot = {
    version: "1",
    clientEntry: "/client.js",
    islands: [
      { name: "box-one", url: "/box.js", module: { default: Box, helper: 1 } },
      { name: "outer", url: "/outer.js", module: { Outer } },
    ],
    staticFiles: {},
    fsRoutes: [
      { id: "/x", folder: "", type: "route", routePattern: "/x", module: { default: page } },
    ] as const,
  };
  setBuildCache(app, new ProdBuildCache(".", snapshot), "production");
  return await (await app.handler()(new Request("http://localhost/x"))).text();
}

Deno.test("islands are marked where they stand; those inside another are ordinary components", async () => {
  const html = await render(() =>
    h("body", null, h(Outer, { text: "a&b" }), h(Box, { text: "c" }))
  );
  match(
    html,
    /<body><!--frsh:island:Outer:0:--><section><b>a&amp;b<\/b><script>1<\/script><\/sect/,
  );
  match(html, /<!--\/frsh:island--><!--frsh:island:box_one:1:--><b>c<\/b><!--\/frsh:island-->/);
  match(html, /import\{boot\}from"\/client\.js";import\{Outer as Outer\}from"\/outer\.js";/);
  match(
    html,
    /import\{default as box_one\}from"\/box\.js";boot\(\{Outer,box_one\},"\[.*"\);<\/script><\/body>$/,
  );
});

Deno.test("links to this page and to those above it are marked, unless they say themselves", async () => {
  const cases: readonly [string, string][] = [
    ["/x", ' data-current="true" aria-current="page"'],
    ["/x/", ' data-current="true" aria-current="page"'],
    ["/x?a=1", ""],
    ["/", ' data-ancestor="true" aria-current="true"'],
    ["/y", ""],
    ["//x", ""],
    ["x", ""],
    ["https://localhost/x", ""],
  ];
  for (const [href, marks] of cases) {
    const html = await render(() => h("a", { href }));
    strictEqual(html, `<!DOCTYPE html><a href="${href}"${marks}></a>`);
  }
  match(await render(() => h("a", { href: "/x", "aria-current": "false" })), /"false"><\/a>$/);
});

Deno.test("scripts and styles of a page get its nonce unless they have one", async () => {
  const html = await render(() => h("p", null, h("style", null, "a"), h("script", { nonce: "n" })));
  match(html, /<style nonce="[0-9a-f]{32}">a<\/style><script nonce="n"><\/script>/);
});

Deno.test("an island refuses elements and what is no plain data, and the next render is not disturbed", async () => {
  const log = console.error;
  const logged: unknown[] = [];
  console.error = (value) => logged.push(value);
  try {
    strictEqual(
      await render(() => h(Box, { text: h("i", null) as never })),
      "Internal server error",
    );
    strictEqual(
      await render(() => h(Box, { text: (() => "a") as never })),
      "Internal server error",
    );
  } finally {
    console.error = log;
  }
  match(String(logged[0]), /Cannot render island box_one: its text are elements, not data/);
  match(String(logged[1]), /Cannot send .*Function.* to an island/);
  match(await render(() => h(Box, { text: "fine" })), /frsh:island:box_one:0/);
});
