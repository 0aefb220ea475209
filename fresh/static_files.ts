/** Serves the files that the build knows. */
import { ASSET_KEY, getBuildId } from "./build_id.ts";
import type { BuildCache, StaticFile } from "./build_cache.ts";
import { buildCacheFor } from "./context.ts";
import type { MiddlewareFn } from "./types.ts";

/** GET and HEAD of static files; put it first: files do not pass the middlewares after it. */
export function staticFiles<State>(): MiddlewareFn<State> {
  return async (ctx) => {
    const cache = buildCacheFor(ctx);
    const path = encodedPath(ctx.url.pathname);
    const file = path === null ? undefined : cache.staticFiles.get(path);
    if (file === undefined) {
      return ctx.url.pathname === "/favicon.ico"
        ? new Response(null, { status: 404 })
        : await ctx.next();
    }
    if (ctx.req.method !== "GET" && ctx.req.method !== "HEAD") {
      return new Response("Method Not Allowed", { status: 405 });
    }
    const key = ctx.url.searchParams.get(ASSET_KEY);
    if (key !== null && key !== getBuildId()) return withoutKey(ctx.url);
    const isImmutable = key !== null ||
      path?.startsWith(`/_fresh/js/${getBuildId()}/`) === true;
    return await answer(ctx.req, cache, file, isImmutable);
  };
}

async function answer(
  req: Request,
  cache: BuildCache,
  file: StaticFile,
  isImmutable: boolean,
): Promise<Response> {
  const headers = new Headers({
    "content-type": file.contentType,
    vary: "If-None-Match",
  });
  const tag = `W/"${file.hash}"`;
  const known = req.headers.get("if-none-match");
  if (known === tag || known === file.hash || known === `"${file.hash}"`) {
    return new Response(null, { status: 304, headers });
  }
  const body = await cache.readFile(file);
  headers.set("etag", tag);
  headers.set("content-length", String(body.byteLength));
  headers.set(
    "cache-control",
    isImmutable
      ? "public, max-age=31536000, immutable"
      : "no-cache, no-store, max-age=0, must-revalidate",
  );
  return new Response(req.method === "HEAD" ? null : body, { headers });
}

function withoutKey(url: URL): Response {
  const target = new URL(url);
  target.searchParams.delete(ASSET_KEY);
  return new Response(null, {
    status: 307,
    headers: { location: target.pathname + target.search },
  });
}

/** The path as the build writes it; null when its escapes are malformed. */
function encodedPath(path: string): string | null {
  try {
    return decodeURIComponent(path).split("/").map(encodeURIComponent).join(
      "/",
    );
  } catch {
    return null;
  }
}
