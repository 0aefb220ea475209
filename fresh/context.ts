/** What handlers, middlewares and pages know of a request. */
import type { FunctionComponent } from "preact";
import type { Assets } from "./assets.ts";
import type { AnyComponent, Frame, PageProps } from "./page_types.ts";
import { renderDocument } from "./render.ts";

export interface ContextInit {
  readonly req: Request;
  readonly url: URL;
  readonly info: Deno.ServeHandlerInfo;
  readonly params: Record<string, string>;
  readonly route: string | null;
  readonly assets: Assets;
}

export class Context<State> {
  readonly req: Request;
  readonly url: URL;
  readonly info: Deno.ServeHandlerInfo;
  readonly params: Record<string, string>;
  /** Pattern of the route. */
  readonly route: string | null;
  readonly state = {} as State;
  data: unknown = undefined;
  /** What was thrown, in error pages and the not-found handler. */
  error: unknown = null;
  /** Runs the rest of the chain. */
  next: () => Promise<Response> = () => Promise.reject(new Error("The chain has not started"));
  /** Not in the published package. */
  readonly assets: Assets;
  /** Not in the published package. */
  frame: Frame = { app: null, layouts: [] };

  constructor(init: ContextInit) {
    this.req = init.req;
    this.url = init.url;
    this.info = init.info;
    this.params = init.params;
    this.route = init.route;
    this.assets = init.assets;
  }

  /** Redirects; runs of `/` in a path on this host become one, so that `//evil` stays here. */
  redirect(to: string, status = 302): Response {
    const path = /^\/[^?#]+/.exec(to)?.[0] ?? "";
    const location = path.replaceAll(/\/+/g, "/") + to.slice(path.length);
    return new Response(null, { status, headers: { location } });
  }

  /** The document for `page` in the layouts and the wrapper that hold here. Not in the published package. */
  renderPage(page: AnyComponent, init: ResponseInit): Response {
    const { url, req, params, info, state, error, route, data, frame, assets } = this;
    const props = { url, req, params, info, state, error, route, data };
    const pageProps = (Component: FunctionComponent): PageProps => ({
      ...props,
      Component,
    });
    const { html, nonce, preloads } = renderDocument(page, { ...frame, url, assets, pageProps });
    const headers = new Headers(init.headers);
    headers.set("Content-Type", "text/html; charset=utf-8");
    if (preloads !== "") headers.append("Link", preloads);
    return Object.assign(new Response(html, { ...init, headers }), { [NONCE]: nonce });
  }
}

/** On a rendered response: the nonce of its script, for whoever writes the Content-Security-Policy. */
const NONCE = Symbol.for("__freshNonce");
