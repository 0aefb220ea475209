/**
 * The dashboard: a Fresh app over what main hands in. Every request passes, in this order: Host check, origin check,
 * method, length of its body, static files, login, then a route; every answer gets the security headers.
 *
 * Under a password all pages lead to /login and the API answers 401; `/healthz` and `/readyz` stay open, and scripts
 * (Prometheus) may send `Authorization: Basic` with any name. What is refused, and whatever fails before the reader is
 * let in, is plain text: no page is rendered that could show traffic.
 */
import { App, HttpError, type MiddlewareFn, staticFiles } from "fresh";
import { ProdBuildCache, setBuildCache } from "fresh/internal";
import * as snapshot from "./_fresh/snapshot.js";
import type { DashboardContext } from "./agent/dashboard_context.ts";
import { parseTheme, themeCookieName } from "./components/theme.ts";
import { EventHub, liveMessage } from "./routes/(_server)/event_hub.ts";
import { isAllowedHost, isOwnRequest, isPage } from "./routes/(_server)/host_check.ts";
import { lookItems } from "./routes/(_server)/incident_pages.ts";
import { attempt } from "./routes/(_server)/lists.ts";
import { LoginGate, readCookie } from "./routes/(_server)/login_gate.ts";
import { METHODS } from "./routes/(_server)/methods.ts";
import { errorJson, plainText } from "./routes/(_server)/plain_answers.ts";
import { takeBody } from "./routes/(_server)/request_body.ts";
import { addSecurityHeaders } from "./routes/(_server)/security_headers.ts";
import { sensorInfo, type State } from "./routes/(_server)/state.ts";

/** What a hub has not. */
const ofSensors = /^(\/api)?\/(packets|hosts\/new|export)(\/|$)/;
const openPaths = new Set(["/login", "/logout", "/healthz", "/readyz", "/theme"]);

/** Answers a request of `Deno.serve`. */
type DashboardHandler = (
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
  const gate = new LoginGate(context.options.password, {
    onFailure: (text) => context.note("warning", text),
  });
  const app = new App<State>()
    .use(knowReader(context, { gate, hub }))
    .use(staticFiles())
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
    handler: async (request, info) => {
      // HEAD is GET without its body, whatever the route does: a stream that it opens ends at once.
      const isHead = request.method === "HEAD";
      const asked = isHead ? new Request(request, { method: "GET" }) : request;
      const taken = refuse(asked, context) ?? await takeBody(asked);
      const response = addSecurityHeaders(
        taken instanceof Response ? taken : await answer(taken, info),
      );
      if (!isHead) return response;
      await response.body?.cancel();
      return new Response(null, response);
    },
    closeStreams: () => hub.close(),
  };
}

/** The answer to what is no request for this dashboard. */
function refuse(request: Request, { options }: DashboardContext): Response | null {
  const host = request.headers.get("host");
  if (!isAllowedHost(host, { boundHost: options.host, hostname: options.hostname })) {
    return plainText(
      421,
      `This is not the dashboard of "${host ?? ""}". ` +
        `Open it as http://localhost:${options.port}/ ` +
        `or by the address that tapwatch is bound to.`,
    );
  }
  if (!URL.canParse(request.url)) return plainText(400, "This is no address.");
  if (!METHODS.some((method) => method === request.method)) {
    return plainText(405, "This is no method that any address takes.", {
      allow: METHODS.join(", "),
    });
  }
  return isOwnRequest(request) ? null : plainText(403, "This request came from another site.");
}

/**
 * Sets up the state of a request, as far as strangers may see of it, and answers for what fails before its reader is let
 * in: error pages have the frame, and the frame has live data.
 */
function knowReader(
  context: DashboardContext,
  { gate, hub }: { readonly gate: LoginGate; readonly hub: EventHub },
): MiddlewareFn<State> {
  const sensor = sensorInfo(context);
  return async (ctx) => {
    const cookies = ctx.req.headers.get("cookie") ?? "";
    const { remoteAddr } = ctx.info;
    Object.assign(ctx.state, {
      context,
      gate,
      hub,
      sensor,
      address: "hostname" in remoteAddr ? remoteAddr.hostname : "local",
      theme: parseTheme(readCookie(cookies, themeCookieName)),
      isLetIn: false,
      look: [],
    });
    try {
      return await ctx.next();
    } catch (error) {
      if (ctx.state.isLetIn) throw error;
      return plainError(error);
    }
  };
}

function plainError(error: unknown): Response {
  if (error instanceof HttpError) return plainText(error.status, error.message || "Refused.");
  console.error(error);
  return plainText(500, "This could not be answered; the log of tapwatch says why.");
}

const requireLogin: MiddlewareFn<State> = async (ctx) => {
  const { gate, address, context } = ctx.state;
  const { pathname, search } = ctx.url;
  if (openPaths.has(pathname)) return ctx.next();
  const { isAllowed, retryAfterS } = gate.admit(ctx.req, address);
  if (isAllowed) {
    ctx.state.isLetIn = true;
    ctx.state.message = liveMessage(context.live, context.live.seconds(1));
    if (context.fleet !== undefined) {
      const agents = (await attempt(context.fleet.agents, [])).value;
      ctx.state.agents = new Map(agents.map((agent) => [agent.id, agent]));
      if (ofSensors.test(pathname)) {
        throw new HttpError(
          404,
          "A hub has no packets: they stay with the agents, whose own dashboards show them",
        );
      }
    }
    if (isPage(pathname)) ctx.state.look = (await attempt(() => lookItems(ctx.state), [])).value;
    return ctx.next();
  }
  const refuse = isPage(pathname) ? plainText : errorJson;
  if (retryAfterS > 0) {
    return refuse(429, "Too many wrong passwords; wait before the next try.", {
      "retry-after": String(retryAfterS),
    });
  }
  if (isPage(pathname) && ctx.req.method === "GET") {
    return ctx.redirect(`/login?next=${encodeURIComponent(pathname + search)}`, 303);
  }
  // Browsers would ask for the password in a window of their own.
  const isBrowser = ctx.req.headers.has("sec-fetch-mode");
  return refuse(
    401,
    "The dashboard's password is needed: log in, or send Authorization: Basic with any name.",
    isBrowser ? {} : { "www-authenticate": 'Basic realm="tapwatch", charset="UTF-8"' },
  );
};
