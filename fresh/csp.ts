/** Content-Security-Policy for what the middlewares after it answer. */
import { type Context, NONCE } from "./context.ts";
import type { MiddlewareFn } from "./types.ts";

export interface CSPOptions {
  /** Only report violations. */
  readonly reportOnly?: boolean;
  /** Directives that replace the default ones of the same name. */
  readonly csp?: readonly string[];
  /** Allow scripts and styles by the nonce of the render instead of 'unsafe-inline'. */
  readonly useNonce?: boolean;
}

const defaults = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "upgrade-insecure-requests",
];
const takesNonce =
  /^(default-src|script-src|script-src-elem|style-src|style-src-elem|style-src-attr) /;

/** Sets the header after the rest of the chain; responses that were not rendered keep 'unsafe-inline'. */
export function csp<State>(options: CSPOptions = {}): MiddlewareFn<State> {
  const nameOf = (directive: string) => directive.split(" ", 1)[0];
  const own = options.csp ?? [];
  const replaced = new Set(own.map(nameOf));
  const directives = [
    ...defaults.filter((entry) => !replaced.has(nameOf(entry))),
    ...own,
  ];
  const header = options.reportOnly
    ? "Content-Security-Policy-Report-Only"
    : "Content-Security-Policy";
  return async (ctx: Context<State>) => {
    const response = await ctx.next();
    const nonce = options.useNonce
      ? (response as { [NONCE]?: string })[NONCE]
      : undefined;
    const policy = nonce === undefined
      ? directives
      : directives.map((entry) =>
        takesNonce.test(entry)
          ? entry.replace("'unsafe-inline'", `'nonce-${nonce}'`)
          : entry
      );
    response.headers.set(header, policy.join("; "));
    return response;
  };
}
