/** Serves the files that the build knows. */
import type { StaticFile } from "./assets.ts";
import { ASSET_KEY, getBuildId } from "./build_id.ts";
import type { Context } from "./context.ts";
import type { MiddlewareFn } from "./types.ts";

/** GET and HEAD of static files; files do not pass the middlewares after it. */
export function staticFiles<State>(): MiddlewareFn<State> {
  return async (ctx) => {
    const { req, url, assets } = ctx;
    const file = assets.staticFiles.get(encodedPath(url.pathname) ?? "");
    if (file === undefined) {
      const isIcon = url.pathname === "/favicon.ico";
      return isIcon ? new Response(null, { status: 404 }) : await ctx.next();
    }
    if (req.method !== "GET" && req.method !== "HEAD") {
      return new Response("Method Not Allowed", { status: 405 });
    }
    const key = url.searchParams.get(ASSET_KEY);
    if (key === null || key === getBuildId()) {
      return await answer(ctx, file, key !== null);
    }
    url.searchParams.delete(ASSET_KEY);
    return new Response(null, { status: 307, headers: { location: url.pathname + url.search } });
  };
}

async function answer<State>(
  { req, url, assets }: Context<State>,
  file: StaticFile,
  hasKey: boolean,
): Promise<Response> {
  const headers = new Headers({ "content-type": file.contentType, vary: "If-None-Match" });
  const tag = `W/"${file.hash}"`;
  const known = req.headers.get("if-none-match");
  if (known === tag || known === file.hash) {
    return new Response(null, { status: 304, headers });
  }
  const isImmutable = hasKey ||
    url.pathname.startsWith(`/_fresh/js/${getBuildId()}/`);
  const body = await assets.readFile(file);
  headers.set("etag", tag);
  headers.set("content-length", String(body.byteLength));
  headers.set(
    "cache-control",
    isImmutable
      ? "public, max-age=31536000, immutable"
      : "no-cache, no-store, max-age=0, must-revalidate",
  );
  return new Response(body, { headers });
}

/** The path as the build writes it, without a slash at its end; null when its escapes are malformed. */
function encodedPath(path: string): string | null {
  try {
    return decodeURIComponent(path.replace(/(?<=.)\/$/, ""))
      .split("/").map(encodeURIComponent).join("/");
  } catch {
    return null;
  }
}
