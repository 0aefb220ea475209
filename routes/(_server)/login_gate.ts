/**
 * The password: compared in constant time, remembered as a session, asked ever more slowly after failures, of one
 * address and of all together. Pages use the session's cookie; scripts may send `Authorization: Basic` with any name and
 * the password.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";

const cookieName = "tapwatch_session";
const sessionMs = 12 * 3600e3;
/** Sessions at one time; the oldest one ends for another. */
const sessionsMax = 1000;
const freeFailures = 5;
const lockMsMax = 300e3;
/** Addresses remembered at most; with all of them taken the one that failed longest ago goes. */
const addressesMax = 1000;
/** Failures of all addresses together: so many at once, then one in so long. */
const sharedFailures = 20;
const sharedPauseMs = 15e3;

interface Failures {
  count: number;
  lockedUntilMs: number;
}

type LoginResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryAfterS: number; readonly triesLeft: number };

/** Whether a request is let in; `retryAfterS` is above 0 while its address has to wait. */
interface Admission {
  readonly isAllowed: boolean;
  readonly retryAfterS: number;
}

interface LoginGateOptions {
  /** In milliseconds, of a clock that nobody sets. */
  readonly now?: () => number;
  /** Told of each wrong password, in a sentence for the log. */
  readonly onFailure?: (text: string) => void;
}

export class LoginGate {
  readonly #password: string | null;
  readonly #now: () => number;
  readonly #onFailure: (text: string) => void;
  /** New with each start. */
  readonly #key = randomBytes(32);
  readonly #failures = new Map<string, Failures>();
  /** Ends of the running sessions, by digest of what their cookies hold; oldest first. */
  readonly #sessions = new Map<string, number>();
  /** Addresses that have known the password: they do not wait because of others. */
  readonly #known = new Set<string>();
  /** When the failures of all will be forgotten, each after `sharedPauseMs`. */
  #sharedUntilMs = 0;

  /** Null as password lets everybody in. */
  constructor(
    password: string | null,
    { now = () => performance.now(), onFailure }: LoginGateOptions = {},
  ) {
    this.#password = password;
    this.#now = now;
    this.#onFailure = onFailure ?? (() => {});
  }

  get isOpen(): boolean {
    return this.#password === null;
  }

  /** Checks a password from `address` and counts the failure. */
  tryPassword(password: string, address: string): LoginResult {
    const network = networkOf(address);
    const known = this.#failures.get(network) ?? { count: 0, lockedUntilMs: 0 };
    const waitMs = Math.max(known.lockedUntilMs - this.#now(), this.#sharedWaitMs(network));
    if (waitMs > 0) return { ok: false, retryAfterS: Math.ceil(waitMs / 1000), triesLeft: 0 };
    if (!this.#matches(password)) return this.#countFailure({ address, network, ...known });
    this.#failures.delete(network);
    this.#known.add(network);
    if (this.#known.size > addressesMax) this.#known.delete(this.#known.values().next().value!);
    return { ok: true };
  }

  /** Whether the request carries a running session or the password. */
  admit(request: Request, address: string): Admission {
    if (this.isOpen || this.#hasSession(request)) return { isAllowed: true, retryAfterS: 0 };
    const basic = /^basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.get("authorization") ?? "");
    if (!basic) return { isAllowed: false, retryAfterS: 0 };
    const [, password] = splitOnce(Buffer.from(basic[1]!, "base64").toString("utf8"), ":");
    const result = this.tryPassword(password, address);
    return { isAllowed: result.ok, retryAfterS: result.ok ? 0 : result.retryAfterS };
  }

  /** Begins a session; gives its cookie. */
  beginSession(request: Request): string {
    const token = randomBytes(32).toString("base64url");
    this.#sessions.set(this.#digest(token), this.#now() + sessionMs);
    if (this.#sessions.size > sessionsMax) {
      this.#sessions.delete(this.#sessions.keys().next().value!);
    }
    return cookieText(token, sessionMs / 1000, request);
  }

  /** Ends the request's session, if it has one; gives the cookie that takes the place of its own. */
  endSession(request: Request): string {
    this.#sessions.delete(this.#digest(tokenOf(request)));
    return cookieText("", 0, request);
  }

  #sharedWaitMs(network: string): number {
    if (this.#known.has(network)) return 0;
    return this.#sharedUntilMs - this.#now() - (sharedFailures - 1) * sharedPauseMs;
  }

  #countFailure(
    failed: Failures & { readonly address: string; readonly network: string },
  ): LoginResult {
    const count = failed.count + 1;
    const over = count - freeFailures;
    const lockMs = over < 0 ? 0 : Math.min(lockMsMax, 15e3 * 2 ** over);
    this.#failures.delete(failed.network);
    if (this.#failures.size >= addressesMax) {
      this.#failures.delete(this.#failures.keys().next().value!);
    }
    this.#failures.set(failed.network, { count, lockedUntilMs: this.#now() + lockMs });
    this.#sharedUntilMs = Math.max(this.#sharedUntilMs, this.#now()) + sharedPauseMs;
    const wait = lockMs > 0 ? `; the next try has to wait ${lockMs / 1000} s` : "";
    this.#onFailure(
      `Wrong password for the dashboard from ${failed.address}, ${count} in a row${wait}.`,
    );
    return { ok: false, retryAfterS: lockMs / 1000, triesLeft: Math.max(0, -over) };
  }

  #matches(password: string): boolean {
    const digest = (text: string) => createHmac("sha256", this.#key).update(text).digest();
    return timingSafeEqual(digest(password), digest(this.#password ?? ""));
  }

  #digest(token: string): string {
    return createHmac("sha256", this.#key).update(`session ${token}`).digest("base64url");
  }

  #hasSession(request: Request): boolean {
    const digest = this.#digest(tokenOf(request));
    const endMs = this.#sessions.get(digest) ?? -Infinity;
    if (endMs > this.#now()) return true;
    this.#sessions.delete(digest);
    return false;
  }
}

/** One IPv6 subscriber has a network of 2^64 addresses to guess from (RFC 6177); of IPv4 each address counts. */
function networkOf(address: string): string {
  const [text] = splitOnce(address.toLowerCase(), "%");
  if (!text.includes(":") || text.includes(".")) return text.replace(/^::ffff:/, "");
  const [head, tail] = splitOnce(text, "::").map((part) => part.split(":").filter(Boolean));
  const zeros = text.includes("::") ? 8 - head!.length - tail!.length : 0;
  return [...head!, ...Array(Math.max(0, zeros)).fill("0"), ...tail!].slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}

function cookieText(token: string, maxAgeS: number, request: Request): string {
  return `${cookieName}=${token}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict` +
    (isBehindTls(request) ? "; Secure" : "");
}

/** Whether the browser speaks TLS to somebody in front of us: then its cookie must not go over a plain connection. */
function isBehindTls({ headers }: Request): boolean {
  return /^\s*https\b/i.test(headers.get("x-forwarded-proto") ?? "") ||
    /\bproto="?https\b/i.test(headers.get("forwarded") ?? "") ||
    /^https:/i.test(headers.get("origin") ?? "");
}

function tokenOf(request: Request): string {
  return readCookie(request.headers.get("cookie") ?? "", cookieName) ?? "";
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
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
