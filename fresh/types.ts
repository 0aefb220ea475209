/** Types that several parts of the server side share. */
import type { ComponentChildren, FunctionComponent } from "preact";
import type { Context } from "./context.ts";

export type Method =
  | "GET"
  | "POST"
  | "PUT"
  | "PATCH"
  | "DELETE"
  | "HEAD"
  | "OPTIONS";
export const METHODS: readonly Method[] = [
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
];

export type MaybePromise<T> = T | Promise<T>;

/** What a handler answers with when its page's component should render `data`. */
export interface PageResponse<Data> {
  readonly data: Data;
  readonly headers?: HeadersInit | undefined;
  readonly status?: number | undefined;
}

export type MiddlewareFn<State> = (
  ctx: Context<State>,
) => MaybePromise<Response>;
export type Middleware<State> = MiddlewareFn<State> | MiddlewareFn<State>[];
export type HandlerFn<Data, State> = (
  ctx: Context<State>,
) => MaybePromise<Response | PageResponse<Data>>;
export type HandlerByMethod<Data, State> = {
  [method in Method]?: HandlerFn<Data, State>;
};
export type RouteHandler<Data, State> =
  | HandlerFn<Data, State>
  | HandlerByMethod<Data, State>;

type PageData<Result> = Result extends PageResponse<infer Data> ? Data : never;
type ResultData<Handler> = Handler extends (...args: never[]) => infer Result
  ? PageData<Awaited<Result>>
  : never;
/** The data that a route's handlers give to its page. */
export type RouteData<Handler> = Handler extends (...args: never[]) => unknown
  ? ResultData<Handler>
  : { [method in keyof Handler]: ResultData<Handler[method]> }[keyof Handler];

export interface LayoutConfig {
  readonly skipInheritedLayouts?: boolean;
  readonly skipAppWrapper?: boolean;
}
export interface RouteConfig extends LayoutConfig {
  /** URL pattern that replaces the one made of the file's path. */
  readonly routeOverride?: string;
}

export interface FreshConfig {
  readonly mode?: "development" | "production";
}
export interface ResolvedFreshConfig {
  /** Folder that file paths of the build are relative to. */
  root: string;
  basePath: string;
  mode: "development" | "production";
}

/** Props of pages, layouts, error pages and the app wrapper. */
export interface PageProps<Data = unknown, State = unknown> {
  readonly config: ResolvedFreshConfig;
  readonly url: URL;
  readonly req: Request;
  readonly params: Record<string, string>;
  readonly info: Deno.ServeHandlerInfo;
  readonly state: State;
  readonly isPartial: boolean;
  /** The inner part: what a layout or the wrapper frames. */
  readonly Component: FunctionComponent;
  readonly error: unknown;
  readonly route: string | null;
  readonly data: Data;
}

export type Rendered = ComponentChildren | Response;
/** A page, layout or wrapper; which props it takes is checked where it is defined. */
export type AnyComponent = (props: never) => MaybePromise<Rendered>;
/** A layout or wrapper with its place among the inherited ones. */
export interface ComponentDefinition {
  readonly component: AnyComponent;
  readonly config: LayoutConfig;
}

/** A route as `App.route()` takes it. */
export interface Route<State> {
  readonly component?: AnyComponent | undefined;
  readonly handler?: RouteHandler<unknown, State> | undefined;
  readonly config?: RouteConfig | undefined;
}
