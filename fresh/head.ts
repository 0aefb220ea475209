/** The component that puts elements into the document's head, from anywhere in the page. */
import { type ComponentChildren, toChildArray, type VNode } from "preact";
import { useEffect } from "preact/hooks";

export const IS_BROWSER: boolean = typeof document !== "undefined";
export interface HeadProps {
  readonly children?: ComponentChildren;
}

/** Set by the server's renderer. */
export const headCollector: { collect: ((vnode: VNode) => void) | null } = {
  collect: null,
};

/**
 * title, meta, link, script, style, base, noscript and template elements for the head. On the server they replace
 * their likes in the wrapper's head; in an island they update the document after hydration.
 */
export function Head({ children }: HeadProps): null {
  const elements = toChildArray(children).filter((
    child,
  ): child is VNode<Record<string, unknown>> =>
    typeof child === "object" && typeof child.type === "string"
  );
  useEffect(() => elements.forEach(updateHead));
  elements.forEach((vnode) => headCollector.collect?.(vnode));
  return null;
}

function updateHead(
  { type, key, props }: VNode<Record<string, unknown>>,
): void {
  const text = toChildArray(props.children as ComponentChildren).join("");
  if (type === "title") {
    document.title = text;
    return;
  }
  const element =
    document.head.querySelector(selectorOf(String(type), key, props)) ??
      document.head.appendChild(document.createElement(String(type)));
  if (text !== "") element.textContent = text;
  for (const [name, value] of Object.entries(props)) {
    if (name !== "children" && name !== "key") {
      element.setAttribute(name, String(value));
    }
  }
  if (key != null) element.setAttribute("data-key", String(key));
}

function selectorOf(
  type: string,
  key: unknown,
  props: Record<string, unknown>,
): string {
  const equals = (name: string, value: unknown) =>
    `[${name}=${JSON.stringify(String(value))}]`;
  if (key != null) return equals("data-key", key);
  if (props.id !== undefined) return `#${CSS.escape(String(props.id))}`;
  if (type === "meta" && props.name !== undefined) {
    return `meta${equals("name", props.name)}`;
  }
  if (type === "link" && props.rel !== undefined) {
    return `link${equals("rel", props.rel)}`;
  }
  return type === "base" ? "base" : ":not(*)";
}
