/**
 * What one render gathers, and the Preact hooks that gather it. Preact's hooks are global, so a render is
 * synchronous and sets `current` for its duration; elements made outside of it are left as they are.
 */
import {
  type ComponentChildren,
  Fragment,
  h,
  isValidElement,
  type JSX,
  options,
  type VNode,
} from "preact";
import { asset, assetSrcSet } from "./assets.ts";
import type { BuildCache, Island } from "./build_cache.ts";
import { headCollector } from "./head.ts";
import {
  ISLAND_END,
  ISLAND_START,
  SLOT_END,
  SLOT_START,
  templateId,
} from "./markers.ts";
import { stringify } from "./serialize.ts";

type Props = Record<string, unknown>;
type AnyVNode = VNode<Props>;
interface Slot {
  readonly id: number;
  readonly name: string;
  readonly children: ComponentChildren;
  isRendered: boolean;
}

export class RenderState {
  /** 32 hex digits, new for each render. */
  readonly nonce: string = crypto.randomUUID().replaceAll("-", "");
  readonly islands = new Set<Island>();
  readonly islandProps: { slots: never[]; props: Props }[] = [];
  readonly slots: Slot[] = [];
  /** Elements for the head by what they replace; the last of a kind wins. */
  readonly headElements = new Map<string, AnyVNode>();
  /** Components being rendered, outermost first. */
  readonly stack: AnyVNode[] = [];
  /** Components that an island renders itself, the island included; islands among them are ordinary components. */
  readonly insideIsland = new WeakSet<object>();
  hasHtml = false;
  hasHead = false;
  hasBody = false;
  isInHead = false;

  constructor(
    readonly path: string,
    readonly query: string,
    readonly buildCache: BuildCache,
  ) {}
}

let current: RenderState | null = null;

/** Runs the synchronous `render` with the hooks gathering into `state`. */
export function withState(state: RenderState, render: () => string): string {
  current = state;
  headCollector.collect = (vnode) => {
    if (state.hasHead) return;
    const element = vnode as AnyVNode;
    state.headElements.set(headIdentity(element), element);
  };
  try {
    return render();
  } finally {
    current = null;
    headCollector.collect = null;
    state.stack.length = 0;
  }
}

/** HTML that goes into the output as it is. */
export function raw(html: string): JSX.Element {
  return h(Fragment, { tpl: [html] } as object);
}

// ---------------------------------------------------------------- hooks

/** Preact's mangled names: `__b` before a vnode is diffed, `__r` before a component renders. */
const hooks = options as typeof options & {
  vnode?: (vnode: AnyVNode) => void;
  __b?: (vnode: AnyVNode) => void;
  __r?: (vnode: AnyVNode) => void;
  diffed?: (vnode: AnyVNode) => void;
};
const {
  vnode: previousVNode,
  __b: previousDiff,
  __r: previousRender,
  diffed: previousDiffed,
} = hooks;

hooks.vnode = (vnode: AnyVNode) => {
  previousVNode?.(vnode);
  if (current === null) return;
  if (typeof vnode.type === "string") {
    setAttributes(vnode.type, vnode.props, current);
  } else if (isInsideIsland(current)) current.insideIsland.add(vnode);
};
hooks.__b = (vnode: AnyVNode) => {
  previousDiff?.(vnode);
  if (current === null) return;
  if (typeof vnode.type === "string") patchElement(vnode, current);
  else if (vnode.type !== Fragment && !current.insideIsland.has(vnode)) {
    patchIsland(vnode, current);
  }
};
hooks.__r = (vnode: AnyVNode) => {
  previousRender?.(vnode);
  current?.stack.push(vnode);
};
hooks.diffed = (vnode: AnyVNode) => {
  previousDiffed?.(vnode);
  while (current?.stack.at(-1) === vnode) current?.stack.pop();
};

function isInsideIsland({ stack, insideIsland }: RenderState): boolean {
  const owner = stack.at(-1);
  return owner !== undefined && insideIsland.has(owner);
}

// ---------------------------------------------------------------- elements

function setAttributes(type: string, props: Props, state: RenderState): void {
  if (type === "script" || type === "style") props.nonce ??= state.nonce;
  else if (type === "a") markActiveLink(props, state);
  else if (type === "img" || type === "source") {
    if (props["data-fresh-disable-lock"] !== undefined) return;
    if (typeof props.src === "string") props.src = asset(props.src);
    for (const name of ["srcset", "srcSet"]) {
      if (typeof props[name] === "string") {
        props[name] = assetSrcSet(props[name]);
      }
    }
  }
}

function markActiveLink(props: Props, { path, query }: RenderState): void {
  const { href } = props;
  if (
    typeof href !== "string" || !/^\/(?!\/)/.test(href) ||
    props["aria-current"] != null
  ) return;
  const link = new URL(href, "http://host");
  if (link.pathname === path) {
    if (link.search !== "" && link.search !== query) return;
    Object.assign(props, { "data-current": "true", "aria-current": "page" });
  } else if (path.startsWith(link.pathname.replace(/\/?$/, "/"))) {
    Object.assign(props, { "data-ancestor": "true", "aria-current": "true" });
  }
}

function patchElement(vnode: AnyVNode, state: RenderState): void {
  const { type, props } = vnode;
  if (type === "html") state.hasHtml = true;
  else if (type === "head") {
    state.hasHead = state.isInHead = true;
    vnode.props = {
      ...props,
      children: [props.children, h(HeadEnd, { state })],
    };
  } else if (type === "body") {
    state.hasBody = true;
    vnode.props = {
      ...props,
      children: [
        props.children,
        h(UnusedSlots, { state }),
        h(BootScript, { state }),
      ],
    };
  } else if (state.isInHead) replaceInHead(vnode, state);
}

function replaceInHead(vnode: AnyVNode, state: RenderState): void {
  const identity = headIdentity(vnode);
  const replacement = state.headElements.get(identity);
  if (replacement === undefined) return;
  state.headElements.delete(identity);
  vnode.props = propsWithKey(replacement) as AnyVNode["props"];
}

/** Same title, same key, or same tag with equal attributes but for what usually differs. */
function headIdentity({ type, key, props }: AnyVNode): string {
  if (type === "title") return "title";
  if (key != null) return `key ${key}`;
  const names = Object.keys(props).filter((name) =>
    name !== "children" && name !== "nonce" &&
    name !== (type === "meta" ? "content" : "href")
  );
  return JSON.stringify([
    type,
    names.sort().map((name) => [name, props[name]]),
  ]);
}

function propsWithKey({ key, props }: AnyVNode): Props {
  return key == null ? props : { ...props, "data-key": key };
}

function HeadEnd({ state }: { state: RenderState }): ComponentChildren {
  state.isInHead = false;
  return [...state.headElements.values()].map((vnode) =>
    h(vnode.type as string, propsWithKey(vnode))
  );
}

// ---------------------------------------------------------------- islands

function patchIsland(vnode: AnyVNode, state: RenderState): void {
  const island = state.buildCache.islands.get(vnode.type);
  if (island === undefined) return;
  const component = vnode.type as (props: Props) => ComponentChildren;
  const { key } = vnode;
  vnode.type = (props: Props) => {
    const withSlots = { ...props };
    for (const [name, value] of Object.entries(props)) {
      const isSlot = name === "children" ? value != null : isElement(value);
      if (isSlot) {
        withSlots[name] = slotVNode(name, value as ComponentChildren, state);
      }
    }
    const index = state.islandProps.push({ slots: [], props: withSlots }) - 1;
    state.islands.add(island);
    const root = h(component, withSlots);
    state.insideIsland.add(root);
    const label = `${island.name}:${index}:${
      key == null ? "" : encodeURIComponent(key)
    }`;
    return marked(ISLAND_START + label, root, ISLAND_END);
  };
}

/** Signals pass for elements in Preact's eyes. */
function isElement(value: unknown): boolean {
  return isValidElement(value) && !("peek" in value);
}

function slotVNode(
  name: string,
  children: ComponentChildren,
  state: RenderState,
): JSX.Element {
  const slot = { id: state.slots.length, name, children, isRendered: false };
  state.slots.push(slot);
  return h(SlotContent, { slot });
}

function SlotContent({ slot }: { slot: Slot }): JSX.Element {
  slot.isRendered = true;
  return marked(
    `${SLOT_START}${slot.id}:${slot.name}`,
    slot.children,
    SLOT_END,
  );
}

function marked(
  start: string,
  children: ComponentChildren,
  end: string,
): JSX.Element {
  return h(Fragment, null, comment(start), children, comment(end));
}

function comment(text: string): JSX.Element {
  return h(Fragment, { UNSTABLE_comment: text } as object);
}

/** Templates with the slots that no island rendered; rendering one may bring up further islands and slots. */
function UnusedSlots({ state }: { state: RenderState }): ComponentChildren {
  const unused = state.slots.filter((slot) => !slot.isRendered);
  if (unused.length === 0) return null;
  const templates = unused.map((slot) => {
    slot.isRendered = true;
    return h("template", { id: templateId(slot) }, slot.children);
  });
  return [templates, h(UnusedSlots, { state })];
}

function BootScript({ state }: { state: RenderState }): JSX.Element | null {
  if (state.islands.size === 0) return null;
  const islands = [...state.islands];
  const imports = islands.map(({ name, exportName, url }) => {
    const binding = exportName === name ? name : `${exportName} as ${name}`;
    return `import{${binding}}from${JSON.stringify(url)};`;
  });
  const wire = stringify(state.islandProps, (value) => {
    if (!isValidElement(value) || value.type !== SlotContent) return null;
    const { id, name } = (value.props as unknown as { slot: Slot }).slot;
    return { tag: "Slot", value: { id, name } };
  });
  const text = JSON.stringify(wire)
    .replaceAll(/<\/(script|style)/gi, "<\\/$1")
    .replaceAll("<!--", "\\u003C!--");
  const __html =
    `import{boot}from${JSON.stringify(state.buildCache.clientEntry)};` +
    `${imports.join("")}boot({${
      islands.map((island) => island.name).join()
    }},${text});`;
  return h("script", {
    type: "module",
    nonce: state.nonce,
    dangerouslySetInnerHTML: { __html },
  });
}
