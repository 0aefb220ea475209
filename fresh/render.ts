/** Renders a page into a document: layouts, wrapper, head, islands, and the script that starts them. */
import {
  type ComponentChildren,
  Fragment,
  type FunctionComponent,
  h,
  type JSX,
} from "preact";
import { renderToString } from "preact-render-to-string";
import type { BuildCache } from "./build_cache.ts";
import { raw, RenderState, withState } from "./render_state.ts";
import type { AnyComponent, ComponentDefinition, PageProps } from "./types.ts";

export interface RenderOptions {
  readonly url: URL;
  readonly buildCache: BuildCache;
  readonly app: ComponentDefinition | null;
  /** Outermost first. */
  readonly layouts: readonly ComponentDefinition[];
  readonly pageProps: (Component: FunctionComponent) => PageProps;
}
export interface RenderedDocument {
  readonly html: string;
  readonly nonce: string;
  /** Value of the Link header; "" without client code. */
  readonly preloads: string;
}

/** The page and its layouts become one string first, so that the wrapper's head knows what they put into it. */
export async function renderDocument(
  page: JSX.Element,
  { url, buildCache, app, layouts, pageProps }: RenderOptions,
): Promise<RenderedDocument | Response> {
  let vnode: JSX.Element = page;
  for (const { component } of layouts.toReversed()) {
    const inner = vnode;
    const outer = await componentVNode(component, pageProps(() => inner));
    if (outer instanceof Response) return outer;
    vnode = outer;
  }
  const state = new RenderState(url.pathname, url.search, buildCache);
  let html = render(vnode, state);
  if (app !== null) {
    const inner = html;
    const outer = await componentVNode(
      app.component,
      pageProps(() => raw(inner)),
    );
    if (outer instanceof Response) return outer;
    html = render(outer, state);
  }
  html = "<!DOCTYPE html>" + completed(html, state);
  return { html, nonce: state.nonce, preloads: preloadsOf(state, buildCache) };
}

/** An async component runs at once and may answer the request itself; others run when they are rendered. */
export async function componentVNode(
  component: AnyComponent,
  props: PageProps,
): Promise<JSX.Element | Response> {
  if (component.constructor.name !== "AsyncFunction") {
    return h(component as FunctionComponent<PageProps>, props);
  }
  const result = await (component as (props: PageProps) => unknown)(props);
  return result instanceof Response
    ? result
    : h(Fragment, null, result as ComponentChildren);
}

function render(vnode: JSX.Element, state: RenderState): string {
  return withState(state, () => renderToString(vnode));
}

/** Adds the parts of a document that nobody rendered. */
function completed(rendered: string, state: RenderState): string {
  let html = rendered;
  if (!state.hasBody) html = render(h("body", null, raw(html)), state);
  if (!state.hasHead) {
    html = render(h("head", null, h("meta", { charset: "utf-8" })), state) +
      html;
  }
  return state.hasHtml ? html : `<html>${html}</html>`;
}

function preloadsOf(state: RenderState, { clientEntry }: BuildCache): string {
  if (state.islands.size === 0) return "";
  const urls = new Set([
    clientEntry,
    ...[...state.islands].map((island) => island.url),
  ]);
  return [...urls].map((url) => `<${url}>; rel="modulepreload"; as="script"`)
    .join(", ");
}
