/** The server side without a build: file routes are handed over as modules. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { h } from "preact";
import { App, createDefine, HttpError, type MiddlewareFn, page, type PageProps } from "./mod.ts";
import { routeFilePath } from "./fs_routes.ts";
import { ProdBuildCache, setBuildCache } from "./internal.ts";
import type { RequestHandler } from "./app.ts";

interface State {
  trail?: string[];
}
const define = createDefine<State>();

/** A handler over files by id, in the order given; routes are lazy as in a build. */
function serve(files: Record<string, Record<string, unknown>>, ...before: MiddlewareFn<State>[]) {
  const fsRoutes = Object.entries(files).map(([id, module]) => {
    const path = routeFilePath(id);
    if (path === null) throw new Error(`${id} is no route`);
    return { ...path, module: path.type === "route" ? () => Promise.resolve(module) : module };
  });
  const app = new App<State>().use(...before).fsRoutes();
  const snapshot = { version: "", clientEntry: "", islands: [], staticFiles: {}, fsRoutes };
  setBuildCache(app, new ProdBuildCache(".", snapshot), "production");
  return app.handler();
}

async function answer(handler: RequestHandler, path: string, method = "GET") {
  const response = await handler(new Request(`http://localhost${path}`, { method }));
  return [response.status, await response.text()] as const;
}

const show = (name: string) => () => h("i", null, name);
const frame = (name: string) => ({ Component }: PageProps) => h(name, null, h(Component, null));

Deno.test("middlewares run from the outside in, and only for their folder", async () => {
  const mark = (name: string): MiddlewareFn<State> => (ctx) => {
    (ctx.state.trail ??= []).push(name);
    return ctx.next();
  };
  const trail = { handler: (ctx: { state: State }) => Response.json(ctx.state.trail) };
  const handler = serve({
    "/_middleware": { default: mark("root") },
    "/a/_middleware": { default: [mark("a1"), mark("a2")] },
    "/a/b/_middleware": { handler: mark("b") },
    "/a/b/c": trail,
    "/a/index": trail,
    "/ab": trail,
  }, mark("app"));
  deepStrictEqual(await answer(handler, "/a/b/c"), [200, '["app","root","a1","a2","b"]']);
  deepStrictEqual(await answer(handler, "/a"), [200, '["app","root","a1","a2"]']);
  deepStrictEqual(await answer(handler, "/ab"), [200, '["app","root"]']);
});

Deno.test("layouts and the wrapper nest, and a route can skip what it inherits", async () => {
  const handler = serve({
    "/_app": { default: frame("main") },
    "/_layout": { default: frame("div") },
    "/a/_layout": { default: frame("p") },
    "/a/x": { default: show("x") },
    "/a/alone": { default: show("y"), config: { skipInheritedLayouts: true } },
    "/a/bare": { default: show("z"), config: { skipInheritedLayouts: true, skipAppWrapper: true } },
    "/b/_layout": { default: frame("b"), config: { skipInheritedLayouts: true } },
    "/b/x": { default: show("x") },
  });
  const html = async (path: string) => (await answer(handler, path))[1].slice(15);
  strictEqual(await html("/a/x"), "<main><div><p><i>x</i></p></div></main>");
  strictEqual(await html("/a/alone"), "<main><i>y</i></main>");
  strictEqual(await html("/a/bare"), "<i>z</i>");
  strictEqual(await html("/b/x"), "<main><b><i>x</i></b></main>");
});

Deno.test("exact paths win over parameters, parameters over the rest", async () => {
  const name = ({ params, route }: PageProps) => h("i", null, `${route} ${JSON.stringify(params)}`);
  const handler = serve({
    "/h/[id]": { default: name },
    "/h/[...rest]": { default: name },
    "/h/new": { default: name },
    "/(group)/g": { default: name },
    "/o/[[id]]": { default: name },
  });
  const text = async (path: string) => {
    const [, html] = await answer(handler, path);
    return html.replaceAll("&quot;", '"').replaceAll(/<[^>]*>/g, "");
  };
  strictEqual(await text("/h/new"), "/h/new {}");
  strictEqual(await text("/h/new/"), "/h/new {}");
  strictEqual(await text("//h///new"), "/h/new {}");
  strictEqual(await text("/h/a%2Fb%20c"), '/h/:id {"id":"a%2Fb c"}');
  strictEqual(await text("/h/1/2"), '/h/:rest* {"rest":"1/2"}');
  strictEqual(await text("/g"), "/g {}");
  strictEqual(await text("/o"), '/o{/:id}? {"id":""}');
  strictEqual(await text("/h/%zz"), '/h/:id {"id":"%zz"}');
});

Deno.test("page() carries data, status and headers to the component", async () => {
  const handlers = define.handlers({
    GET: (ctx) => page({ query: ctx.url.search }, { status: 203, headers: { "x-a": "1" } }),
  });
  const component = define.page<typeof handlers>(({ data }) => h("i", null, data.query));
  const handler = serve({ "/p": { handlers, default: component } });
  const response = await handler(new Request("http://localhost/p?q"));
  deepStrictEqual([response.status, response.headers.get("x-a")], [203, "1"]);
  strictEqual(response.headers.get("content-type"), "text/html; charset=utf-8");
  strictEqual(await response.text(), "<!DOCTYPE html><i>?q</i>");
});

Deno.test("methods: HEAD is GET without a body, a missing one is 404, an unknown one 405, a page takes all", async () => {
  const handler = serve({
    "/api": { handlers: { GET: () => new Response("got", { headers: { "x-a": "1" } }) } },
    "/page": { default: show("page") },
    "/form": { handlers: { POST: () => new Response("posted") }, default: show("form") },
  });
  const head = await handler(new Request("http://localhost/api", { method: "HEAD" }));
  deepStrictEqual([await head.text(), head.headers.get("x-a")], ["", "1"]);
  strictEqual((await answer(handler, "/api", "POST"))[0], 404);
  strictEqual((await answer(handler, "/api", "PURGE"))[0], 405);
  strictEqual((await answer(handler, "/page", "PURGE"))[0], 405);
  strictEqual((await answer(handler, "/none", "PURGE"))[0], 404);
  strictEqual((await answer(handler, "/page", "DELETE"))[0], 200);
  match((await answer(handler, "/form"))[1], /<i>form<\/i>/);
  strictEqual((await answer(handler, "/form", "POST"))[1], "posted");
});

Deno.test("the nearest error page answers with the error's status, in its folder's layouts", async () => {
  const fail = { handler: () => Promise.reject(new HttpError(418, "teapot")) };
  const told = ({ error }: PageProps) => h("i", null, (error as Error).message);
  const handler = serve({
    "/_layout": { default: frame("div") },
    "/_error": { default: told },
    "/a/_layout": { default: frame("p") },
    "/a/_error": { default: told },
    "/a/x": fail,
    "/x": fail,
  });
  deepStrictEqual(await answer(handler, "/a/x"), [
    418,
    "<!DOCTYPE html><div><p><i>teapot</i></p></div>",
  ]);
  deepStrictEqual(await answer(handler, "/x"), [418, "<!DOCTYPE html><div><i>teapot</i></div>"]);
  strictEqual((await answer(handler, "/none"))[0], 404);
});

Deno.test("a not-found page takes 404 alone, with the status that its handler sets", async () => {
  const files = {
    "/_error": { default: show("error") },
    "/gone": { handler: () => Promise.reject(new HttpError(404)) },
    "/bad": { handler: () => Promise.reject(new HttpError(400)) },
  };
  const plain = serve({ ...files, "/_404": { default: show("missing") } });
  strictEqual((await answer(plain, "/gone"))[0], 200);
  const set = () => page(undefined, { status: 404 });
  const handler = serve({ ...files, "/_404": { default: show("missing"), handler: set } });
  deepStrictEqual(await answer(handler, "/gone"), [404, "<!DOCTYPE html><i>missing</i>"]);
  deepStrictEqual(await answer(handler, "/bad"), [400, "<!DOCTYPE html><i>error</i>"]);
});

Deno.test("without an error page an HttpError is told, anything else is not", async () => {
  const log = console.error;
  const logged: unknown[] = [];
  console.error = (value) => logged.push(value);
  try {
    const handler = serve({
      "/told": { handler: () => Promise.reject(new HttpError(409, "in use")) },
      "/secret": { handler: () => Promise.reject(new Error("password is x")) },
      "/nothing": { handler: () => undefined, default: show("x") },
    });
    deepStrictEqual(await answer(handler, "/told"), [409, "in use"]);
    deepStrictEqual(await answer(handler, "/secret"), [500, "Internal server error"]);
    strictEqual((await answer(handler, "/nothing"))[0], 500);
    strictEqual(logged.length, 2);
  } finally {
    console.error = log;
  }
});

Deno.test("redirect() keeps paths on this host and leaves other targets as they are", async () => {
  const cases = [
    ["/a//b?x=//y", "/a/b?x=//y"],
    ["//evil.example/a", "/evil.example/a"],
    ["/", "/"],
    ["https://other.example//a", "https://other.example//a"],
  ];
  for (const [to = "", location] of cases) {
    const handler = serve({}, (ctx) => ctx.redirect(to, 303));
    const response = await handler(new Request("http://localhost/"));
    deepStrictEqual([response.status, response.headers.get("location")], [303, location]);
  }
});

Deno.test("a route file without a component or handler is refused when it is loaded", async () => {
  const log = console.error;
  const logged: unknown[] = [];
  console.error = (value) => logged.push(value);
  try {
    strictEqual((await answer(serve({ "/x": { other: 1 } }), "/x"))[0], 500);
  } finally {
    console.error = log;
  }
  match(String(logged[0]), /routes\/x exports no component, handler or middleware/);
});
