/** The application: records what is registered, and turns it into one request handler. */
import {
  buildCacheOf,
  emptyBuildCache,
  type FileRoute,
  type ProdBuildCache,
} from "./build_cache.ts";
import { Context } from "./context.ts";
import { HttpError } from "./error.ts";
import { renderRoute } from "./handlers.ts";
import { Router } from "./router.ts";
import { runChain, Scopes } from "./scopes.ts";
import { METHODS, type MiddlewareFn, type RouteFile } from "./types.ts";

interface Target<State> {
  readonly scopes: Scopes<State>;
  readonly router: Router<readonly MiddlewareFn<State>[]>;
  readonly buildCache: ProdBuildCache;
}
/** Answers a request; without `info` it came from localhost. */
export type RequestHandler = (req: Request, info?: Deno.ServeHandlerInfo) => Promise<Response>;

const localInfo: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
};

/** The order of registration is the order of meaning. */
export class App<State> {
  readonly #commands: ((target: Target<State>) => void)[] = [];

  /** Middlewares for every request that comes to what is registered after. */
  use(...middlewares: MiddlewareFn<State>[]): this {
    this.#commands.push(({ scopes }) => scopes.of("").middlewares.push(...middlewares));
    return this;
  }

  /** Puts the build's file routes here. */
  fsRoutes(): this {
    this.#commands.push((target) => {
      for (const file of target.buildCache.fsRoutes) addFileRoute(target, file);
    });
    return this;
  }

  handler(): RequestHandler {
    const buildCache = buildCacheOf(this) ?? emptyBuildCache;
    const { assets } = buildCache;
    const scopes = new Scopes<State>();
    const router = new Router<readonly MiddlewareFn<State>[]>();
    for (const command of this.#commands) command({ scopes, router, buildCache });
    const rootChain = scopes.chainOf("");
    return async (req, info = localInfo) => {
      const url = new URL(req.url);
      url.pathname = url.pathname.replaceAll(/\/+/g, "/");
      const match = router.match(url);
      const { route = null, params = {} } = match ?? {};
      const ctx = new Context<State>({ req, url, info, params, route, assets });
      const isTaken = match !== null && (METHODS as readonly string[]).includes(req.method);
      const answer = isTaken
        ? runChain(ctx, match.target)
        : runChain(ctx, rootChain, match === null ? 404 : 405);
      const response = await answer.then(checkResponse).catch(lastResort);
      return req.method === "HEAD" ? new Response(null, response) : response;
    };
  }
}

function addFileRoute<State>({ scopes, router }: Target<State>, route: FileRoute): void {
  const scope = scopes.of(route.folder);
  if (route.type === "route") {
    let loaded: RouteFile<State> | null = null;
    const answer = async (ctx: Context<State>) => {
      loaded ??= await route.load<State>();
      return await renderRoute(ctx, loaded);
    };
    router.add(route.routePattern, [...scopes.chainOf(route.folder), answer]);
    return;
  }
  const file = route.file<State>();
  if (route.type === "middleware") scope.middlewares.push(...file.middlewares);
  else if (route.type === "error") scope.errorRoute = file;
  else if (route.type === "notFound") scopes.notFound = file;
  else if (file.component === undefined) {
    throw new Error(`routes${route.id} has no default export`);
  } else if (route.type === "app") scopes.app = file.component;
  else scope.layout = { component: file.component, config: file.config };
}

function checkResponse(response: unknown): Response {
  if (response instanceof Response) return response;
  throw new Error(`Expected a "Response" instance, but got: ${Deno.inspect(response)}`);
}

/** For what no error page took: tells the client no more than an HttpError says of itself. */
function lastResort(error: unknown): Response {
  if (!(error instanceof HttpError)) {
    console.error(error);
    return new Response("Internal server error", { status: 500 });
  }
  if (error.status >= 500) console.error(error);
  return new Response(error.message || `Status ${error.status}`, { status: error.status });
}
