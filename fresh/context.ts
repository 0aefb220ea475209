/** What handlers, middlewares and pages know of a request. */
import { type FunctionComponent, h, isValidElement, type VNode } from "preact";
import { type BuildCache, emptyBuildCache } from "./build_cache.ts";
import { renderDocument } from "./render.ts";
import type {
  ComponentDefinition,
  LayoutConfig,
  PageProps,
  ResolvedFreshConfig,
} from "./types.ts";

/** The wrapper and layouts around whatever is rendered at this point of the chain. */
export interface Frame {
  app: ComponentDefinition | null;
  layouts: readonly ComponentDefinition[];
}
const frames = new WeakMap<object, Frame>();
export function frameOf(ctx: object): Frame {
  let frame = frames.get(ctx);
  if (frame === undefined) frames.set(ctx, frame = { app: null, layouts: [] });
  return frame;
}

const buildCaches = new WeakMap<object, BuildCache>();
/** The build that serves this request; an empty one without a build. */
export function buildCacheFor(ctx: object): BuildCache {
  return buildCaches.get(ctx) ?? emptyBuildCache;
}

/** On a rendered response: the nonce of its scripts and styles, for csp(). */
export const NONCE = Symbol.for("__freshNonce");

export interface ContextInit {
  readonly req: Request;
  readonly url: URL;
  readonly info: Deno.ServeHandlerInfo;
  readonly params: Record<string, string>;
  readonly route: string | null;
  readonly config: ResolvedFreshConfig;
  readonly buildCache: BuildCache | null;
}

export class Context<State> {
  readonly req: Request;
  readonly url: URL;
  readonly info: Deno.ServeHandlerInfo;
  readonly params: Record<string, string>;
  readonly route: string | null;
  readonly config: ResolvedFreshConfig;
  readonly state = {} as State;
  readonly isPartial = false;
  data: unknown = undefined;
  /** What was thrown, in error pages and the not-found handler. */
  error: unknown = null;
  Component: FunctionComponent = () => null;
  /** Runs the rest of the chain. */
  next: () => Promise<Response> = () =>
    Promise.reject(new Error("The chain has not started."));

  constructor(init: ContextInit) {
    this.req = init.req;
    this.url = init.url;
    this.info = init.info;
    this.params = init.params;
    this.route = init.route;
    this.config = init.config;
    if (init.buildCache !== null) buildCaches.set(this, init.buildCache);
  }

  /** Props for a page, or for a frame around `Component`. */
  pageProps(Component: FunctionComponent): PageProps<unknown, State> {
    const {
      config,
      url,
      req,
      params,
      info,
      state,
      isPartial,
      error,
      route,
      data,
    } = this;
    return {
      config,
      url,
      req,
      params,
      info,
      state,
      isPartial,
      error,
      route,
      data,
      Component,
    };
  }

  /** Redirects; runs of `/` in a path on this host become one, so that `//evil` stays here. */
  redirect(to: string, status = 302): Response {
    let location = to;
    if (to !== "/" && to.startsWith("/")) {
      const end = to.search(/[?#]/);
      const path = end < 0 ? to : to.slice(0, end);
      location = path.replaceAll(/\/+/g, "/") + (end < 0 ? "" : to.slice(end));
    }
    return new Response(null, { status, headers: { location } });
  }

  /** The document for `vnode` in the layouts and wrapper that hold here. */
  async render(
    vnode: VNode | null,
    init: ResponseInit = {},
    config: LayoutConfig = {},
  ): Promise<Response> {
    if (vnode !== null && !isValidElement(vnode)) {
      throw new Error(
        `Cannot render: expected a JSX element or null, got ${typeof vnode}`,
      );
    }
    const { app, layouts } = frameOf(this);
    const result = await renderDocument(vnode ?? h("body", null), {
      url: this.url,
      buildCache: buildCacheFor(this),
      app: config.skipAppWrapper ? null : app,
      layouts: config.skipInheritedLayouts ? [] : layouts,
      pageProps: (Component) => this.pageProps(Component),
    });
    if (result instanceof Response) return result;
    const headers = new Headers(init.headers);
    headers.set("Content-Type", "text/html; charset=utf-8");
    if (result.preloads !== "") headers.append("Link", result.preloads);
    const response = new Response(result.html, { ...init, headers });
    return Object.assign(response, { [NONCE]: result.nonce });
  }

  text(body: string, init?: ResponseInit): Response {
    return new Response(body, init);
  }

  json(value: unknown, init?: ResponseInit): Response {
    return Response.json(value, init);
  }

  html(body: string, init: ResponseInit = {}): Response {
    const headers = new Headers(init.headers);
    headers.set("Content-Type", "text/html; charset=utf-8");
    return new Response(body, { ...init, headers });
  }
}
