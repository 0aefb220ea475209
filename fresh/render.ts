/** Renders a page into a document: layouts, wrapper, islands, and the script that starts them. */
import { Fragment, type FunctionComponent, h, isValidElement, options, type VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import type { Assets, Island } from "./assets.ts";
import type { AnyComponent, Frame, PageProps } from "./page_types.ts";
import { stringify } from "./serialize.ts";

export interface RenderOptions extends Frame {
  readonly url: URL;
  readonly assets: Assets;
  readonly pageProps: (Component: FunctionComponent) => PageProps;
}
export interface RenderedDocument {
  readonly html: string;
  /** 32 hex digits, new for each document. */
  readonly nonce: string;
  /** Value of the Link header; "" without client code. */
  readonly preloads: string;
}
type Props = Record<string, unknown>;
/** What one render gathers. */
interface RenderState {
  readonly url: URL;
  readonly nonce: string;
  readonly assets: Assets;
  readonly islands: Set<Island>;
  readonly islandProps: { readonly slots: never[]; readonly props: Props }[];
}

/** `page` with its layouts, innermost first, in the wrapper. */
export function renderDocument(page: AnyComponent, frame: RenderOptions): RenderedDocument {
  const { url, assets, app, layouts, pageProps } = frame;
  const nonce = crypto.randomUUID().replaceAll("-", "");
  const state: RenderState = { url, nonce, assets, islands: new Set(), islandProps: [] };
  const props = (inner: VNode | null) => pageProps(() => inner);
  const frames = [...app === null ? [] : [app], ...layouts];
  const vnode = frames.reduceRight(
    (inner, component) => vnodeOf(component, props(inner)),
    vnodeOf(page, props(null)),
  );
  current = state;
  try {
    const html = withScript("<!DOCTYPE html>" + renderToString(vnode), state);
    return { html, nonce, preloads: preloadsOf(state) };
  } finally {
    current = null;
  }
}

function vnodeOf(component: AnyComponent, props: PageProps): VNode {
  return h(component as FunctionComponent<PageProps>, props) as VNode;
}

// ---------------------------------------------------------------- Preact's hooks

/** Preact's hooks are global; a render is synchronous and sets this for its duration. */
let current: RenderState | null = null;

/** `__b` is Preact's mangled name of the hook that runs before a vnode is rendered. */
const hooks = options as typeof options & { __b?: (vnode: VNode<Props>) => void };
const previousHook = hooks.__b;
hooks.__b = (vnode) => {
  previousHook?.(vnode);
  if (current === null) return;
  const { type } = vnode;
  if (type === "script" || type === "style") vnode.props.nonce ??= current.nonce;
  if (type === "a") markActive(vnode.props, current.url);
  if (typeof type === "string") return;
  const island = current.assets.islands.get(type);
  if (island !== undefined) patchIsland(vnode, island, current);
};

/** Says of a link whether it leads to this page, or to one that this page is below. */
function markActive(props: Props, { pathname, search }: URL): void {
  const { href } = props;
  if (typeof href !== "string" || !/^\/(?!\/)/.test(href) || "aria-current" in props) return;
  // Not by URL: a list has thousands, which our own pages write as URL would.
  const [, linkPath = "", query = ""] = /^([^?#]*)(\?[^#]+)?/.exec(href) ?? [];
  const path = withoutSlash(linkPath);
  const here = withoutSlash(pathname);
  if (path === here && (query === "" || query === search)) {
    Object.assign(props, { "data-current": "true", "aria-current": "page" });
  } else if (path !== here && here.startsWith(`${path}/`)) {
    Object.assign(props, { "data-ancestor": "true", "aria-current": "true" });
  }
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, "");
}

/** An island is rendered by itself, as in the browser; islands that it renders are ordinary components there. */
function patchIsland(vnode: VNode<Props>, island: Island, state: RenderState): void {
  const component = vnode.type as FunctionComponent<Props>;
  vnode.type = (props: Props) => {
    const element = Object.keys(props).find((name) => isElement(props[name]));
    if (element !== undefined) {
      throw new TypeError(
        `Cannot render island ${island.name}: its ${element} are elements, not data`,
      );
    }
    state.islands.add(island);
    const index = state.islandProps.push({ slots: [], props }) - 1;
    current = null;
    const html = renderToString(h(component, props));
    current = state;
    const marked = `<!--frsh:island:${island.name}:${index}:-->${html}<!--/frsh:island-->`;
    return h(Fragment, { tpl: [marked] } as object);
  };
}

/** Signals pass for elements in Preact's eyes. */
function isElement(value: unknown): boolean {
  return Array.isArray(value) ? value.some(isElement) : isValidElement(value) && !("peek" in value);
}

// ---------------------------------------------------------------- client code

function withScript(html: string, state: RenderState): string {
  if (state.islands.size === 0) return html;
  const { clientEntry } = state.assets;
  const islands = [...state.islands];
  const imports = islands.map(({ name, exportName, url }) =>
    `import{${exportName} as ${name}}from${JSON.stringify(url)};`
  );
  const wire = JSON.stringify(stringify(state.islandProps))
    .replaceAll(/<\/(script|style)/gi, "<\\/$1")
    .replaceAll("<!--", "\\u003C!--");
  const script = `<script type="module" nonce="${state.nonce}">` +
    `import{boot}from${JSON.stringify(clientEntry)};${imports.join("")}` +
    `boot({${islands.map(({ name }) => name).join()}},${wire});</script>`;
  const end = html.lastIndexOf("</body>");
  return end < 0 ? html + script : html.slice(0, end) + script + html.slice(end);
}

function preloadsOf({ islands, assets }: RenderState): string {
  if (islands.size === 0) return "";
  const urls = new Set([assets.clientEntry, ...[...islands].map(({ url }) => url)]);
  return [...urls].map((url) => `<${url}>; rel="modulepreload"; as="script"`).join(", ");
}
