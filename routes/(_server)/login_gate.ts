/**
 * The password: compared in constant time, remembered in a signed cookie, asked ever more slowly after failures.
 * Pages use the cookie; scripts may send `Authorization: Basic` with any name and the password.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";

const cookieName = "tapwatch_session";
const sessionMs = 12 * 3600e3;
const freeFailures = 5;
const lockMsMax = 300e3;
/** Addresses remembered at most; with all of them taken the one that failed longest ago goes. */
const addressesMax = 1000;

interface Failures {
  count: number;
  lockedUntilMs: number;
}

export type LoginResult =
  | { readonly ok: true; readonly cookie: string }
  | { readonly ok: false; readonly retryAfterS: number; readonly triesLeft: number };

export class LoginGate {
  readonly #password: string | null;
  readonly #now: () => number;
  /** New with each start, so a restart ends every session. */
  readonly #key = randomBytes(32);
  readonly #failures = new Map<string, Failures>();

  /** Null as password lets everybody in. `now` is in milliseconds. */
  constructor(password: string | null, now: () => number = Date.now) {
    this.#password = password;
    this.#now = now;
  }

  get isOpen(): boolean {
    return this.#password === null;
  }

  /** Checks a password from `address` and counts the failure. */
  tryPassword(password: string, address: string): LoginResult {
    const known = this.#failures.get(address) ?? { count: 0, lockedUntilMs: 0 };
    const waitMs = known.lockedUntilMs - this.#now();
    if (waitMs > 0) return { ok: false, retryAfterS: Math.ceil(waitMs / 1000), triesLeft: 0 };
    if (this.#matches(password)) {
      this.#failures.delete(address);
      return { ok: true, cookie: this.#cookie() };
    }
    return this.#countFailure(address, known);
  }

  /** Whether the request carries a valid session or password; null while its address must wait. */
  isAllowed(request: Request, address: string): boolean | null {
    if (this.isOpen || this.#hasSession(request.headers.get("cookie") ?? "")) return true;
    const basic = /^basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.get("authorization") ?? "");
    if (!basic) return false;
    const [, password] = splitOnce(Buffer.from(basic[1]!, "base64").toString("utf8"), ":");
    const result = this.tryPassword(password, address);
    return result.ok || (result.triesLeft > 0 ? false : null);
  }

  /** A cookie that ends the session. */
  endingCookie(): string {
    return `${cookieName}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`;
  }

  #countFailure(address: string, known: Failures): LoginResult {
    const count = known.count + 1;
    const over = count - freeFailures;
    const lockMs = over < 0 ? 0 : Math.min(lockMsMax, 15e3 * 2 ** over);
    this.#failures.delete(address);
    if (this.#failures.size >= addressesMax) {
      this.#failures.delete(this.#failures.keys().next().value!);
    }
    this.#failures.set(address, { count, lockedUntilMs: this.#now() + lockMs });
    return { ok: false, retryAfterS: lockMs / 1000, triesLeft: Math.max(0, -over) };
  }

  #matches(password: string): boolean {
    const digest = (text: string) => createHmac("sha256", this.#key).update(text).digest();
    return timingSafeEqual(digest(password), digest(this.#password ?? ""));
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#key).update(`session ${text}`).digest("base64url");
  }

  #cookie(): string {
    const expires = String(this.#now() + sessionMs);
    const value = `${expires}.${this.#sign(expires)}`;
    return `${cookieName}=${value}; Path=/; Max-Age=${sessionMs / 1000}; HttpOnly; SameSite=Strict`;
  }

  #hasSession(cookies: string): boolean {
    const [expires, signature] = splitOnce(readCookie(cookies, cookieName) ?? "", ".");
    const expected = Buffer.from(this.#sign(expires));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected) &&
      Number(expires) > this.#now();
  }
}

/** The value of cookie `name` in a Cookie header. */
export function readCookie(header: string, name: string): string | null {
  for (const part of header.split(";")) {
    const [key, value] = splitOnce(part.trim(), "=");
    if (key === name) return value;
  }
  return null;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
