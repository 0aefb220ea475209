/** Helpers that only add types. */
import type { ComponentChildren } from "preact";
import type { PageProps } from "./page_types.ts";
import type { Middleware, RouteData, RouteHandler } from "./types.ts";

/** What `createDefine()` returns; each function gives back its argument. */
export interface Define<State> {
  handlers<Data, Handlers extends RouteHandler<Data, State> = RouteHandler<Data, State>>(
    handlers: Handlers,
  ): Handlers;
  page<Handler extends RouteHandler<unknown, State> = never>(
    component: (props: PageProps<RouteData<Handler>, State>) => ComponentChildren,
  ): typeof component;
  layout(component: (props: PageProps<unknown, State>) => ComponentChildren): typeof component;
  middleware<Fn extends Middleware<State>>(middleware: Fn): Fn;
}

/** Types for routes over one kind of state: `const define = createDefine<State>()`. */
export function createDefine<State>(): Define<State> {
  return {
    handlers: (handlers) => handlers,
    page: (component) => component,
    layout: (component) => component,
    middleware: (middleware) => middleware,
  };
}
