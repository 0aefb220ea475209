/**
 * The dashboard: a Fresh app over what main hands in. Every request passes, in this order: Host check, write guard,
 * static files, login, then a route; every answer gets the security headers.
 *
 * Under a password all pages lead to /login and the API answers 401; `/healthz` and `/readyz` stay open, and scripts
 * (Prometheus) may send `Authorization: Basic` with any name.
 */
import { App, HttpError, type MiddlewareFn, staticFiles } from "fresh";
import { ProdBuildCache, setBuildCache } from "fresh/internal";
import * as snapshot from "./_fresh/snapshot.js";
import type { DashboardContext } from "./agent/dashboard_context.ts";
import { parseTheme, themeCookieName } from "./components/theme.ts";
import { EventHub, liveMessage } from "./routes/(_server)/event_hub.ts";
import { isAllowedHost, isOwnWrite } from "./routes/(_server)/host_check.ts";
import { LoginGate, readCookie } from "./routes/(_server)/login_gate.ts";
import { errorJson } from "./routes/(_server)/parameters.ts";
import { addSecurityHeaders } from "./routes/(_server)/security_headers.ts";
import { sensorInfo, type State } from "./routes/(_server)/state.ts";

const openPaths = new Set(["/login", "/healthz", "/readyz", "/theme"]);
const bodyBytesMax = 10_000;

/** Answers a request of `Deno.serve`. */
export type DashboardHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo,
) => Promise<Response>;

export interface Dashboard {
  readonly handler: DashboardHandler;
  /** Ends the streams of `/api/events`; a server only shuts down after this. */
  readonly closeStreams: () => void;
}

/** The app as Fresh code; `hub` carries its event streams. */
export function createApp(context: DashboardContext, hub = new EventHub(context.live)): App<State> {
  const gate = new LoginGate(context.options.password);
  const app = new App<State>()
    .use(staticFiles())
    .use(provideState(context, { gate, hub }))
    .use(requireLogin)
    .fsRoutes();
  setBuildCache(app, new ProdBuildCache(import.meta.dirname ?? ".", snapshot), "production");
  return app;
}

/** The whole dashboard, and how to end its streams. */
export function createDashboard(context: DashboardContext): Dashboard {
  const hub = new EventHub(context.live);
  const answer = createApp(context, hub).handler();
  return {
    handler: async (request, info) =>
      addSecurityHeaders(refuse(request, context) ?? await answer(request, info)),
    closeStreams: () => hub.close(),
  };
}

function refuse(request: Request, { options }: DashboardContext): Response | null {
  const host = request.headers.get("host");
  if (!isAllowedHost(host, { boundHost: options.host, hostname: options.hostname })) {
    return plainText(
      421,
      `This is not the dashboard of "${
        host ?? ""
      }". Open it as http://localhost:${options.port}/ ` +
        `or by the address that tapwatch is bound to.`,
    );
  }
  if (["GET", "HEAD", "OPTIONS"].includes(request.method)) return null;
  if (!isOwnWrite(request)) return plainText(403, "This request came from another site.");
  const length = Number(request.headers.get("content-length") ?? 0);
  return length > bodyBytesMax ? plainText(413, "This request is too long.") : null;
}

function plainText(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

function provideState(
  context: DashboardContext,
  { gate, hub }: { readonly gate: LoginGate; readonly hub: EventHub },
): MiddlewareFn<State> {
  const sensor = sensorInfo(context);
  return (ctx) => {
    const cookies = ctx.req.headers.get("cookie") ?? "";
    const { remoteAddr } = ctx.info;
    Object.assign(ctx.state, {
      context,
      gate,
      hub,
      sensor,
      address: "hostname" in remoteAddr ? remoteAddr.hostname : "local",
      theme: parseTheme(readCookie(cookies, themeCookieName)),
      message: liveMessage(context.live, context.live.seconds(1)),
    });
    return ctx.next();
  };
}

const requireLogin: MiddlewareFn<State> = (ctx) => {
  const { gate, address } = ctx.state;
  const { pathname, search } = ctx.url;
  if (openPaths.has(pathname)) return ctx.next();
  const isAllowed = gate.isAllowed(ctx.req, address);
  if (isAllowed) return ctx.next();
  if (isAllowed === null) {
    return errorJson(429, "Too many wrong passwords; wait before the next try", {
      "retry-after": "60",
    });
  }
  const isPage = !pathname.startsWith("/api/") && pathname !== "/metrics";
  if (isPage && ctx.req.method === "GET") {
    return ctx.redirect(`/login?next=${encodeURIComponent(pathname + search)}`, 303);
  }
  if (isPage) throw new HttpError(401);
  // Browsers would ask for the password in a window of their own.
  const isBrowser = ctx.req.headers.has("sec-fetch-mode");
  return errorJson(
    401,
    "The dashboard's password is needed: log in, or send Authorization: Basic with any name",
    isBrowser ? {} : { "www-authenticate": 'Basic realm="tapwatch", charset="UTF-8"' },
  );
};
