/** The application: records what is registered, and turns it into one request handler. */
import {
  type BuildCache,
  buildCacheOf,
  type FileRoute,
} from "./build_cache.ts";
import { Context } from "./context.ts";
import { HttpError } from "./error.ts";
import { renderRoute } from "./handlers.ts";
import { Router } from "./router.ts";
import {
  chainOf,
  createSegment,
  runChain,
  type Segment,
  segmentOf,
} from "./segments.ts";
import {
  type AnyComponent,
  type FreshConfig,
  type LayoutConfig,
  type Method,
  METHODS,
  type MiddlewareFn,
  type ResolvedFreshConfig,
  type Route,
  type RouteConfig,
} from "./types.ts";

interface Target<State> {
  readonly root: Segment<State>;
  readonly router: Router<State>;
  readonly buildCache: BuildCache | null;
}
type Command<State> = (target: Target<State>) => void;
export type RequestHandler = (
  req: Request,
  info?: Deno.ServeHandlerInfo,
) => Promise<Response>;

const localInfo: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
};

/** Registration methods only record; the order of recording is the order of meaning. */
export class App<State> {
  readonly config: ResolvedFreshConfig;
  readonly #commands: Command<State>[] = [];

  constructor(config: FreshConfig = {}) {
    this.config = {
      root: Deno.cwd(),
      basePath: "",
      mode: config.mode ?? "production",
    };
  }

  /** Middlewares for everything, or for a path and what is below it. */
  use(...middlewares: MiddlewareFn<State>[]): this;
  use(path: string, ...middlewares: MiddlewareFn<State>[]): this;
  use(
    first: string | MiddlewareFn<State>,
    ...rest: MiddlewareFn<State>[]
  ): this {
    const path = typeof first === "string" ? first : "*";
    const middlewares = typeof first === "string" ? rest : [first, ...rest];
    return this.#record(({ root }) =>
      void segmentOf(root, path).middlewares.push(...middlewares)
    );
  }

  get(path: string, ...chain: MiddlewareFn<State>[]): this {
    return this.#endpoint(["GET"], path, chain);
  }
  post(path: string, ...chain: MiddlewareFn<State>[]): this {
    return this.#endpoint(["POST"], path, chain);
  }
  put(path: string, ...chain: MiddlewareFn<State>[]): this {
    return this.#endpoint(["PUT"], path, chain);
  }
  patch(path: string, ...chain: MiddlewareFn<State>[]): this {
    return this.#endpoint(["PATCH"], path, chain);
  }
  delete(path: string, ...chain: MiddlewareFn<State>[]): this {
    return this.#endpoint(["DELETE"], path, chain);
  }
  head(path: string, ...chain: MiddlewareFn<State>[]): this {
    return this.#endpoint(["HEAD"], path, chain);
  }
  all(path: string, ...chain: MiddlewareFn<State>[]): this {
    return this.#endpoint(METHODS, path, chain);
  }

  /** A page or handlers at `path`; a lazy one is loaded by its first request and takes every method. */
  route(
    path: string,
    route: Route<State> | (() => Promise<Route<State>>),
    config?: RouteConfig,
  ): this {
    const methods = typeof route === "function" ? METHODS : methodsOf(route);
    return this.#endpoint(methods, path, [routeStep(route, config)]);
  }

  layout(
    path: string,
    component: AnyComponent,
    config: LayoutConfig = {},
  ): this {
    return this.#record(({ root }) => {
      segmentOf(root, path).layout = { component, config };
    });
  }

  /** The outer html shell of every page registered after. */
  appWrapper(component: AnyComponent): this {
    return this.#record(({ root }) => {
      root.app = { component, config: {} };
    });
  }

  onError(path: string, route: Route<State> | MiddlewareFn<State>): this {
    return this.#record(({ root }) => {
      const errorRoute = typeof route === "function"
        ? { handler: route }
        : route;
      segmentOf(root, path).errorRoute = errorRoute;
    });
  }

  notFound(route: Route<State> | MiddlewareFn<State>): this {
    const handler = typeof route === "function" ? { handler: route } : route;
    return this.#record(({ root }) => {
      root.notFound = (ctx) => renderRoute(ctx, handler);
    });
  }

  /** Puts the build's file routes here. */
  fsRoutes(): this {
    return this.#record((target) => {
      for (const file of target.buildCache?.fsRoutes ?? []) {
        addFileRoute(target, file);
      }
    });
  }

  handler(): RequestHandler {
    const buildCache = buildCacheOf(this);
    if (buildCache !== null) this.config.root = buildCache.root;
    const target = {
      root: createSegment<State>(null),
      router: new Router<State>(),
      buildCache,
    };
    for (const command of this.#commands) command(target);
    const rootChain = chainOf(target.root, target.root);
    return async (req, info = localInfo) => {
      const url = new URL(req.url);
      url.pathname = url.pathname.replaceAll(/\/+/g, "/");
      const { chain, methods, ...match } = target.router.match(
        req.method as Method,
        url,
      );
      const ctx = new Context<State>({
        req,
        url,
        info,
        config: this.config,
        buildCache,
        ...match,
      });
      const last = () =>
        answerUnmatched(req.method, chain === null ? methods : []);
      const response = await runChain(ctx, chain ?? rootChain, last).then(
        checked,
      ).catch(answer);
      return req.method === "HEAD" ? new Response(null, response) : response;
    };
  }

  #record(command: Command<State>): this {
    this.#commands.push(command);
    return this;
  }

  #endpoint(
    methods: readonly Method[],
    path: string,
    steps: readonly MiddlewareFn<State>[],
  ): this {
    return this.#record(({ root, router }) => {
      const chain = [...chainOf(root, segmentOf(root, path)), ...steps];
      for (const method of methods) router.add(method, path, chain);
    });
  }
}

function methodsOf<State>(
  { component, handler }: Route<State>,
): readonly Method[] {
  if (handler === undefined && component === undefined) return [];
  if (typeof handler !== "object") return METHODS;
  const methods = Object.keys(handler) as Method[];
  return component === undefined || methods.includes("GET")
    ? methods
    : [...methods, "GET"];
}

function routeStep<State>(
  route: Route<State> | (() => Promise<Route<State>>),
  config: RouteConfig | undefined,
): MiddlewareFn<State> {
  let loaded: Route<State> | null = null;
  return async (ctx) => {
    loaded ??= typeof route === "function" ? await route() : route;
    return await renderRoute(ctx, {
      ...loaded,
      config: loaded.config ?? config,
    });
  };
}

function addFileRoute<State>(
  { root, router }: Target<State>,
  { file, routePattern, type, pattern, load }: FileRoute,
): void {
  const segment = segmentOf(root, pattern, type === "route");
  if (type === "route") {
    const route = load === null
      ? file as Route<State>
      : load as () => Promise<Route<State>>;
    const methods = load === null ? methodsOf(file as Route<State>) : METHODS;
    const chain = [...chainOf(root, segment), routeStep(route, undefined)];
    for (const method of methods) router.add(method, routePattern, chain);
    return;
  }
  const { component, handler, config = {}, middlewares } = file;
  if (type === "middleware") {
    segment.middlewares.push(...middlewares as MiddlewareFn<State>[]);
  } else if (type === "error") segment.errorRoute = file as Route<State>;
  else if (type === "notFound") {
    root.notFound = (ctx) =>
      renderRoute(ctx, { component, handler, config } as Route<State>);
  } else if (component === undefined) {
    throw new Error(`No default export in routes${pattern}`);
  } else if (type === "app") root.app = { component, config };
  else segment.layout = { component, config };
}

function answerUnmatched(
  method: string,
  allowed: readonly Method[],
): Promise<Response> {
  if (allowed.length === 0) return Promise.reject(new HttpError(404));
  if (method !== "OPTIONS") return Promise.reject(new HttpError(405));
  const headers = { allow: allowed.join(", ") };
  return Promise.resolve(new Response(null, { status: 204, headers }));
}

function checked(response: unknown): Response {
  if (response instanceof Response) return response;
  throw new Error(
    `Expected a "Response" instance to be returned, but got: ${
      Deno.inspect(response)
    }`,
  );
}

/** The last resort: never tells more than an HttpError says of itself. */
function answer(error: unknown): Response {
  if (!(error instanceof HttpError)) {
    console.error(error);
    return new Response("Internal server error", { status: 500 });
  }
  if (error.status >= 500) console.error(error);
  const text = error.message || STATUS_TEXT[error.status] ||
    String(error.status);
  return new Response(text, { status: error.status });
}

const STATUS_TEXT: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};
