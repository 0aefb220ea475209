/**
 * Which names a request may ask for. A page of a foreign site can make its own name resolve to this machine (DNS
 * rebinding) and would then read the dashboard as its own origin; the Host header still carries the foreign name.
 * Addresses are safe: nobody can rebind one.
 */

interface HostRules {
  /** The address or name that the server is bound to. */
  readonly boundHost: string;
  /** The sensor's own name, allowed where the server is bound beyond loopback. */
  readonly hostname: string;
}

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Host header without its port, in lower case; null for what is no host. */
function hostOnly(header: string | null): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/.exec(
    (header ?? "").toLowerCase(),
  );
  return match && Number(match[2] ?? 0) <= 65_535 ? match[1]!.replace(/\.$/, "") : null;
}

/** Whether the server answers to this Host header. Ports do not matter: forwarded ones differ. */
export function isAllowedHost(header: string | null, rules: HostRules): boolean {
  const host = hostOnly(header);
  if (host === null) return false;
  if (loopbackNames.has(host) || host.endsWith(".localhost")) return true;
  const bound = rules.boundHost.toLowerCase();
  if (host === bound || host === `[${bound}]`) return true;
  if (isLoopbackAddress(bound)) return false;
  const name = rules.hostname.toLowerCase();
  return isAddress(host) || (name !== "" && (host === name || host === `${name}.local`));
}

/** Whether a bind address takes connections of this machine alone. */
function isLoopbackAddress(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\./.test(host);
}

function isAddress(host: string): boolean {
  return host.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

/**
 * Whether a request comes from our own pages, from what the reader typed, or from no browser at all. Another site may
 * lead a reader to a page and do no more: it may not read, start an export or change anything. Fetch metadata
 * (w3c.github.io/webappsec-fetch-metadata) where the browser sends it, else Origin.
 */
export function isOwnRequest(request: Request): boolean {
  const { headers, method } = request;
  const site = headers.get("sec-fetch-site");
  if (site === "same-origin" || site === "none") return true;
  if (site !== null) return method === "GET" && isVisit(request);
  const origin = headers.get("origin");
  if (origin === null) return true;
  return URL.canParse(origin) && new URL(origin).host === headers.get("host");
}

/** A page that is to fill a tab. */
function isVisit({ headers, url }: Request): boolean {
  return headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document" && isPage(new URL(url).pathname);
}

/** Whether people look at what is at this path; the rest is for programs. */
export function isPage(pathname: string): boolean {
  return !pathname.startsWith("/api/") && pathname !== "/metrics";
}
