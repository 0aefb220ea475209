import assert from "node:assert/strict";
import { LoginGate, readCookie } from "./login_gate.ts";

const password = "correct horse battery";

function requestWith(headers: Record<string, string>): Request {
  return new Request("http://localhost/", { headers });
}
function basic(given: string): Request {
  const bytes = new TextEncoder().encode(`prometheus:${given}`);
  return requestWith({ authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` });
}

Deno.test("a gate without a password is open", () => {
  assert.equal(new LoginGate(null).isAllowed(requestWith({}), "a"), true);
});

Deno.test("the right password gives a cookie that is HttpOnly, SameSite=Strict and opens the gate", () => {
  const gate = new LoginGate(password);
  const result = gate.tryPassword(password, "a");
  assert(result.ok);
  assert.match(result.cookie, /; HttpOnly; SameSite=Strict$/);
  const cookie = result.cookie.split(";")[0]!;
  assert.equal(gate.isAllowed(requestWith({ cookie: `x=1; ${cookie}` }), "a"), true);
});

Deno.test("a cookie ends after twelve hours, with a restart, and when it is changed", () => {
  let nowMs = 1e12;
  const gate = new LoginGate(password, () => nowMs);
  const result = gate.tryPassword(password, "a");
  assert(result.ok);
  const cookie = result.cookie.split(";")[0]!;
  const later = cookie.replace(/=(\d)/, "=2");
  assert.equal(gate.isAllowed(requestWith({ cookie: later }), "a"), false);
  assert.equal(gate.isAllowed(requestWith({ cookie: `${cookie}x` }), "a"), false);
  assert.equal(gate.isAllowed(requestWith({ cookie: "tapwatch_session=" }), "a"), false);
  assert.equal(new LoginGate(password, () => nowMs).isAllowed(requestWith({ cookie }), "a"), false);
  nowMs += 12 * 3600e3 + 1;
  assert.equal(gate.isAllowed(requestWith({ cookie }), "a"), false);
});

Deno.test("five wrong passwords make an address wait, ever longer, and no other address", () => {
  let nowMs = 1e12;
  const gate = new LoginGate(password, () => nowMs);
  const left = [1, 2, 3, 4].map(() => gate.tryPassword("wrong", "a"));
  assert.deepEqual(left.map((result) => !result.ok && result.triesLeft), [4, 3, 2, 1]);
  const fifth = gate.tryPassword("wrong", "a");
  assert(!fifth.ok && fifth.retryAfterS === 15);
  assert.equal(gate.tryPassword(password, "a").ok, false, "even the right one waits");
  assert.equal(gate.tryPassword(password, "b").ok, true);
  nowMs += 15_000;
  const sixth = gate.tryPassword("wrong", "a");
  assert(!sixth.ok && sixth.retryAfterS === 30);
  nowMs += 30_000;
  assert.equal(gate.tryPassword(password, "a").ok, true);
});

Deno.test("Basic takes any name with the password, and counts failures", () => {
  const gate = new LoginGate("pass:wörd with colon");
  assert.equal(gate.isAllowed(basic("pass:wörd with colon"), "a"), true);
  const answers = [1, 2, 3, 4, 5].map(() => gate.isAllowed(basic("wrong"), "a"));
  assert.deepEqual(answers, [false, false, false, false, null]);
});

Deno.test("readCookie() finds one cookie among others", () => {
  assert.equal(readCookie("a=1; tapwatch_theme=dark; b=2", "tapwatch_theme"), "dark");
  assert.equal(readCookie("xtapwatch_theme=dark", "tapwatch_theme"), null);
});
