/**
 * Which names a request may ask for. A page of a foreign site can make its own name resolve to this machine (DNS
 * rebinding) and would then read the dashboard as its own origin; the Host header still carries the foreign name.
 * Addresses are safe: nobody can rebind one.
 */

export interface HostRules {
  /** The address or name that the server is bound to. */
  readonly boundHost: string;
  /** The sensor's own name, allowed where the server is bound beyond loopback. */
  readonly hostname: string;
}

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Host header without its port, in lower case; null for what is no host. */
export function hostOnly(header: string | null): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/.exec((header ?? "").toLowerCase());
  return match ? match[1]!.replace(/\.$/, "") : null;
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
export function isLoopbackAddress(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\./.test(host);
}

function isAddress(host: string): boolean {
  return host.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

/**
 * Whether a request that changes something comes from our own page (or from no browser at all). Fetch metadata where
 * the browser sends it, else Origin.
 */
export function isOwnWrite(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" || site === "none";
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.get("host");
}
