/**
 * The browser's side of islands: finds their markers in the document and lets Preact take over the server's elements.
 * Only islands and what they import reach the browser.
 */
import { type ComponentType, type ContainerNode, h, render } from "preact";
import { parse } from "./serialize.ts";

type Props = Record<string, unknown>;

/** Starts the islands of the document; `wire` holds the props of each marker. */
export function boot(islands: Record<string, ComponentType<Props>>, wire: string): void {
  const allProps = parse(wire) as { readonly props: Props }[];
  for (const [start, end] of findMarkers(document.body)) {
    const [, , name = "", index = ""] = start.data.split(":");
    const island = islands[name];
    if (island === undefined) throw new Error(`Unknown island: ${name}`);
    const vnode = h(island, allProps[Number(index)]?.props ?? {});
    // A task for each, so that the page answers in between.
    setTimeout(() => render(vnode, containerBetween(start, end)), 0);
  }
}

function findMarkers(body: Node): [Comment, Comment][] {
  const pairs: [Comment, Comment][] = [];
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_COMMENT);
  let start: Comment | null = null;
  while (walker.nextNode()) {
    const comment = walker.currentNode as Comment;
    if (comment.data.startsWith("frsh:island:")) start = comment;
    else if (comment.data === "/frsh:island" && start !== null) {
      if (start.parentNode === comment.parentNode) pairs.push([start, comment]);
      else console.error(`The HTML around ${start.data} is not nested well; it stays as it is.`);
      start = null;
    }
  }
  return pairs;
}

/** A stand-in for a parent whose children are those between the markers, which become empty text nodes. */
function containerBetween(start: Comment, end: Comment): ContainerNode {
  const parent = start.parentNode as Element;
  const first = document.createTextNode("");
  const last = document.createTextNode("");
  start.replaceWith(first);
  end.replaceWith(last);
  const container = {
    nodeType: Node.ELEMENT_NODE,
    parentNode: parent,
    namespaceURI: parent.namespaceURI,
    get firstChild() {
      return first.nextSibling === last ? null : first.nextSibling;
    },
    get childNodes() {
      const nodes: ChildNode[] = [];
      let node = first.nextSibling;
      for (; node !== null && node !== last; node = node.nextSibling) nodes.push(node);
      return nodes;
    },
    contains: (node: Node | null) => parent.contains(node),
    insertBefore: (node: Node, before: Node | null) => parent.insertBefore(node, before ?? last),
    appendChild: (node: Node) => parent.insertBefore(node, last),
    removeChild: (node: Node) => parent.removeChild(node),
  };
  return container as unknown as ContainerNode;
}
