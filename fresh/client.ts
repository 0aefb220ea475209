/**
 * The browser's side of islands: finds their markers in the document, rebuilds their props, and lets Preact take over
 * the server's elements. Only islands and what they import reach the browser.
 */
import { computed, signal } from "@preact/signals";
import {
  type ComponentChildren,
  type ComponentType,
  type ContainerNode,
  h,
  render,
} from "preact";
import {
  ISLAND_END,
  ISLAND_START,
  SLOT_END,
  SLOT_START,
  type SlotRef,
  templateId,
} from "./markers.ts";
import { parse } from "./serialize.ts";

type Props = Record<string, unknown>;
type Islands = Record<string, ComponentType<Props>>;
class ClientSlot {
  constructor(readonly ref: SlotRef) {}
}
interface Marked {
  readonly start: Comment;
  readonly end: Comment;
}
interface Page {
  readonly islands: Islands;
  readonly props: readonly { readonly props: Props }[];
  /** By their start comments. */
  readonly marked: Map<Node, Marked>;
  /** By slot id. */
  readonly slots: Map<string, Marked>;
}

/** Starts the islands of the document; `wire` holds the props of each marker. */
export function boot(islands: Islands, wire: string): void {
  const props = parse(wire, revive) as Page["props"];
  const page: Page = { islands, props, marked: new Map(), slots: new Map() };
  const roots = findMarkers(document.body, page);
  const vnodes = roots.map((root) => islandVNode(root, page));
  roots.forEach((root, at) => {
    const vnode = vnodes[at];
    setTimeout(
      () => vnode !== undefined && render(vnode, containerOf(root)),
      0,
    );
  });
}

function revive(tag: string, value: unknown): unknown {
  if (tag === "Signal") return signal(value);
  if (tag === "Computed") return computed(() => value);
  if (tag === "Slot") return new ClientSlot(value as SlotRef);
  throw new Error(`Unknown value in island props: ${tag}`);
}

/** Pairs the comments; gives those islands that lie in no other one. */
function findMarkers(body: Node, page: Page): Marked[] {
  const roots: Marked[] = [];
  const open: Comment[] = [];
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_COMMENT);
  while (walker.nextNode()) {
    const comment = walker.currentNode as Comment;
    const { data } = comment;
    if (data.startsWith(ISLAND_START) || data.startsWith(SLOT_START)) {
      open.push(comment);
    } else if (data === ISLAND_END || data === SLOT_END) {
      const start = open.pop();
      if (start === undefined) continue;
      if (start.parentNode !== comment.parentNode) {
        console.error(
          `The HTML around ${start.data} is not nested well; it stays as it is.`,
        );
        continue;
      }
      const marked = { start, end: comment };
      page.marked.set(start, marked);
      if (data === SLOT_END) {
        page.slots.set(start.data.split(":")[2] ?? "", marked);
      } else if (open.length === 0) roots.push(marked);
    }
  }
  return roots;
}

function islandVNode({ start }: Marked, page: Page): ComponentChildren {
  const [name = "", index = "", key = ""] = start.data.slice(
    ISLAND_START.length,
  ).split(":");
  const island = page.islands[name];
  if (island === undefined) throw new Error(`Unknown island: ${name}`);
  const props = { ...page.props[Number(index)]?.props };
  for (const [prop, value] of Object.entries(props)) {
    if (value instanceof ClientSlot) {
      props[prop] = slotChildren(value.ref, page);
    }
  }
  return h(
    island,
    key === "" ? props : { ...props, key: decodeURIComponent(key) },
  );
}

function slotChildren(ref: SlotRef, page: Page): ComponentChildren {
  const marked = page.slots.get(String(ref.id));
  if (marked !== undefined) {
    return childrenBetween(marked.start.nextSibling, marked.end, page);
  }
  const template = document.getElementById(templateId(ref)) as
    | HTMLTemplateElement
    | null;
  if (template === null) return null;
  findMarkers(template.content, page);
  return childrenBetween(template.content.firstChild, null, page);
}

/** Vnodes for the siblings from `first` up to `end`. */
function childrenBetween(
  first: Node | null,
  end: Node | null,
  page: Page,
): ComponentChildren[] {
  const children: ComponentChildren[] = [];
  for (
    let node = first;
    node !== null && node !== end;
    node = node.nextSibling
  ) {
    const marked = page.marked.get(node);
    if (marked !== undefined) {
      children.push(islandVNode(marked, page));
      node = marked.end;
    } else if (node instanceof Element) children.push(elementVNode(node, page));
    else if (node instanceof Text) children.push(node.data);
  }
  return children;
}

function elementVNode(element: Element, page: Page): ComponentChildren {
  const props: Props = {};
  for (const { name, value } of element.attributes) {
    const isFlag = value === "" &&
      typeof (element as unknown as Props)[name] === "boolean";
    props[name] = isFlag ? true : value;
  }
  return h(
    element.localName,
    props,
    childrenBetween(element.firstChild, null, page),
  );
}

/** A stand-in for a parent whose children are those between the markers, which become empty text nodes. */
function containerOf({ start, end }: Marked): ContainerNode {
  const parent = start.parentNode as ParentNode & Node;
  const first = document.createTextNode("");
  const last = document.createTextNode("");
  start.replaceWith(first);
  end.replaceWith(last);
  const childNodes = () => {
    const nodes: Node[] = [];
    for (
      let node = first.nextSibling;
      node !== null && node !== last;
      node = node.nextSibling
    ) {
      nodes.push(node);
    }
    return nodes;
  };
  const container = {
    nodeType: Node.ELEMENT_NODE,
    parentNode: parent,
    namespaceURI: (parent as Element).namespaceURI,
    get firstChild() {
      return first.nextSibling === last ? null : first.nextSibling;
    },
    get childNodes() {
      return childNodes();
    },
    contains: (node: Node | null) => parent.contains(node),
    insertBefore: (node: Node, before: Node | null) =>
      parent.insertBefore(node, before ?? last),
    appendChild: (node: Node) => parent.insertBefore(node, last),
    removeChild: (node: Node) => parent.removeChild(node),
  };
  return container as unknown as ContainerNode;
}
