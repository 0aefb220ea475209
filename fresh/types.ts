/** Types that several parts of the server side share. */
import type { Context } from "./context.ts";
import type { AnyComponent } from "./page_types.ts";

/** What a file route is asked with; other methods do not reach it. */
export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
export type Method = typeof METHODS[number];
export type MaybePromise<T> = T | Promise<T>;

/** What a handler answers with when its route's component should render `data`. */
export interface PageResponse<Data> {
  readonly data: Data;
  readonly headers?: HeadersInit | undefined;
  readonly status?: number | undefined;
}

export type MiddlewareFn<State> = (ctx: Context<State>) => MaybePromise<Response>;
export type Middleware<State> = MiddlewareFn<State> | MiddlewareFn<State>[];
export type HandlerFn<Data, State> = (
  ctx: Context<State>,
) => MaybePromise<Response | PageResponse<Data>>;
export type HandlerByMethod<Data, State> = {
  [method in Method]?: HandlerFn<Data, State>;
};
export type RouteHandler<Data, State> = HandlerFn<Data, State> | HandlerByMethod<Data, State>;

type ResultData<Result> = Result extends PageResponse<infer Data> ? Data : never;
type FunctionData<Handler> = Handler extends (...args: never[]) => infer Result
  ? ResultData<Awaited<Result>>
  : never;
/** The data that a route's handlers give to its page. */
export type RouteData<Handler> = Handler extends (...args: never[]) => unknown
  ? FunctionData<Handler>
  : { [method in keyof Handler]: FunctionData<Handler[method]> }[keyof Handler];

export interface LayoutConfig {
  readonly skipInheritedLayouts?: boolean;
  readonly skipAppWrapper?: boolean;
}
export type RouteConfig = LayoutConfig;

/** The exports of a file under `routes/` that count. */
export interface RouteFile<State> {
  readonly component?: AnyComponent | undefined;
  readonly handler?: RouteHandler<unknown, State> | undefined;
  readonly middlewares: readonly MiddlewareFn<State>[];
  readonly config: RouteConfig;
}
