/** Headers that every answer carries, errors and files too. */

const nonceKey = Symbol.for("__freshNonce");

/** Adds the headers to `response` in place; a page's scripts run by the nonce that Fresh left on it. */
export function addSecurityHeaders(response: Response): Response {
  const nonce = (response as Response & { [nonceKey]?: string })[nonceKey];
  const headers = {
    "content-security-policy": contentSecurityPolicy(nonce),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
  };
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}

/** Own files only; no inline style, no inline script without this answer's nonce, nobody may frame it. */
function contentSecurityPolicy(nonce: string | undefined): string {
  return [
    "default-src 'none'",
    nonce ? `script-src 'self' 'nonce-${nonce}'` : "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
