/** What components are and get: these types know nothing of requests' contexts. */
import type { ComponentChildren, FunctionComponent } from "preact";

/** Props of pages, layouts, error pages and the app wrapper. */
export interface PageProps<Data = unknown, State = unknown> {
  readonly url: URL;
  readonly req: Request;
  readonly params: Record<string, string>;
  readonly info: Deno.ServeHandlerInfo;
  readonly state: State;
  /** The inner part: what a layout or the wrapper frames. */
  readonly Component: FunctionComponent;
  readonly error: unknown;
  readonly route: string | null;
  readonly data: Data;
}

/** A page, layout or wrapper; which props it takes is checked where it is defined. */
export type AnyComponent = (props: never) => ComponentChildren;

/** The wrapper and the layouts, outermost first, around whatever is rendered at this point of the chain. */
export interface Frame {
  readonly app: AnyComponent | null;
  readonly layouts: readonly AnyComponent[];
}
