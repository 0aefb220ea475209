/** Which methods an address takes, and what it says to the others. */
import type { Method } from "fresh";
import { isPage } from "./host_check.ts";
import { errorJson, plainText } from "./plain_answers.ts";

/** Methods that routes are asked with; any other is refused before. */
export const METHODS: readonly Method[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
];

/**
 * Handlers by method, completed: OPTIONS says which methods there are, the rest is answered with 405. By itself Fresh
 * answers those of file routes with the page for unknown addresses.
 */
export function withAllMethods<Handlers extends object>(given: Handlers): Handlers {
  if (typeof given === "function") return given;
  const isTaken = (method: Method) =>
    method in given || method === "OPTIONS" || method === "HEAD" && "GET" in given;
  const headers = { allow: METHODS.filter(isTaken).join(", ") };
  const refuse = ({ url: { pathname } }: { readonly url: URL }) => {
    const answer = isPage(pathname) ? plainText : errorJson;
    return answer(405, "This address does not take that method.", headers);
  };
  const refused = METHODS.filter((method) => !isTaken(method)).map((method) => [method, refuse]);
  const OPTIONS = () => new Response(null, { status: 204, headers });
  return { OPTIONS, ...Object.fromEntries(refused), ...given };
}
