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

/** The cookie of a new session, as browsers send it back. */
function cookieOf(gate: LoginGate, request = requestWith({})): string {
  return gate.beginSession(request).split(";")[0]!;
}
const isIn = (gate: LoginGate, cookie: string) =>
  gate.admit(requestWith({ cookie }), "a").isAllowed;

Deno.test("a gate without a password is open", () => {
  assert.equal(new LoginGate(null).admit(requestWith({}), "a").isAllowed, true);
});

Deno.test("the cookie of a session is HttpOnly, SameSite=Strict and opens the gate", () => {
  const gate = new LoginGate(password);
  assert.match(gate.beginSession(requestWith({})), /; HttpOnly; SameSite=Strict$/);
  assert.equal(isIn(gate, `x=1; ${cookieOf(gate)}`), true);
});

Deno.test("the cookie is Secure where the browser speaks TLS to a proxy", () => {
  const cases: readonly [Record<string, string>, boolean][] = [
    [{ "x-forwarded-proto": "https" }, true],
    [{ "x-forwarded-proto": "HTTPS, http" }, true],
    [{ forwarded: 'for=192.0.2.1;proto="https"' }, true],
    [{ origin: "https://tap.example" }, true],
    [{ "x-forwarded-proto": "http", origin: "http://tap.example" }, false],
    [{}, false],
  ];
  for (const [headers, isSecure] of cases) {
    const gate = new LoginGate(password);
    const request = requestWith(headers);
    assert.equal(/; Secure$/.test(gate.beginSession(request)), isSecure, JSON.stringify(headers));
    assert.equal(/; Secure$/.test(gate.endSession(request)), isSecure);
  }
});

Deno.test("a session ends after twelve hours, with the log-out, with a restart, and for a changed cookie", () => {
  let nowMs = 1e12;
  const gate = new LoginGate(password, { now: () => nowMs });
  const cookie = cookieOf(gate);
  const other = cookieOf(gate);
  assert.equal(isIn(gate, `${cookie}x`), false);
  assert.equal(isIn(gate, "tapwatch_session="), false);
  assert.equal(isIn(new LoginGate(password), cookie), false);
  assert.equal(isIn(gate, other), true);
  gate.endSession(requestWith({ cookie: other }));
  assert.equal(isIn(gate, other), false);
  nowMs += 12 * 3600e3 - 1;
  assert.equal(isIn(gate, cookie), true);
  nowMs += 1;
  assert.equal(isIn(gate, cookie), false);
});

Deno.test("sessions beyond the most that are kept end the oldest", () => {
  const gate = new LoginGate(password);
  const first = cookieOf(gate);
  const second = cookieOf(gate);
  for (let number = 2; number < 1001; number++) gate.beginSession(requestWith({}));
  assert.deepEqual([isIn(gate, first), isIn(gate, second)], [false, true]);
});

Deno.test("five wrong passwords make an address wait, ever longer, and no other address", () => {
  let nowMs = 1e12;
  const gate = new LoginGate(password, { now: () => nowMs });
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

Deno.test("many addresses together have few guesses; who has known the password is not held up by them", () => {
  let nowMs = 1e12;
  const gate = new LoginGate(password, { now: () => nowMs });
  assert.equal(gate.tryPassword(password, "192.0.2.1").ok, true);
  const guess = (number: number) => gate.tryPassword("wrong", `203.0.113.${number}`);
  const isGuess = (result: ReturnType<typeof guess>) => !result.ok && result.triesLeft > 0;
  assert.equal(
    Array.from({ length: 250 }, (_, number) => guess(number)).filter(isGuess).length,
    20,
  );
  const late = guess(251);
  assert(!late.ok && late.retryAfterS === 15);
  assert.equal(gate.tryPassword(password, "198.51.100.1").ok, false, "a stranger waits");
  assert.equal(gate.tryPassword(password, "192.0.2.1").ok, true);
  nowMs += 15_000;
  const next = Array.from({ length: 250 }, (_, number) => guess(number));
  assert.equal(next.filter(isGuess).length, 1);
  nowMs += 3600_000;
  assert.equal(gate.tryPassword(password, "198.51.100.1").ok, true);
});

Deno.test("the addresses of one IPv6 network count as one, IPv4 ones apart", () => {
  const networks: readonly (readonly [string, string, boolean])[] = [
    ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true],
    ["2001:db8:0:1::1", "2001:0db8:0000:0001:1:2:3:4", true],
    ["2001:db8:0:1::1", "2001:db8:0:2::1", false],
    ["fe80::1%eth0", "fe80::2%eth1", true],
    ["::ffff:192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
  ];
  for (const [first, second, isOne] of networks) {
    const gate = new LoginGate(password);
    for (let tries = 0; tries < 5; tries++) gate.tryPassword("wrong", first);
    assert.equal(gate.tryPassword(password, second).ok, !isOne, `${first} ${second}`);
  }
});

Deno.test("each wrong password is told, with the address and how often", () => {
  const told: string[] = [];
  const gate = new LoginGate(password, { now: () => 1e12, onFailure: (text) => told.push(text) });
  for (let tries = 0; tries < 9; tries++) gate.tryPassword("wrong", "192.0.2.7");
  gate.tryPassword(password, "192.0.2.8");
  assert.equal(told.length, 5, "what has to wait is no guess");
  assert.equal(told[0], "Wrong password for the dashboard from 192.0.2.7, 1 in a row.");
  assert.match(told[4]!, /192\.0\.2\.7, 5 in a row; the next try has to wait 15 s\.$/);
  assert.ok(told.every((text) => !text.includes(password) && !text.includes("wrong")));
});

Deno.test("Basic takes any name with the password, and counts failures", () => {
  const gate = new LoginGate("pass:wörd with colon", { now: () => 1e12 });
  assert.equal(gate.admit(basic("pass:wörd with colon"), "a").isAllowed, true);
  const answers = [1, 2, 3, 4, 5].map(() => gate.admit(basic("wrong"), "a"));
  assert.deepEqual(answers.map(({ retryAfterS }) => retryAfterS), [0, 0, 0, 0, 15]);
  assert.ok(answers.every(({ isAllowed }) => !isAllowed));
});

Deno.test("readCookie() finds one cookie among others", () => {
  assert.equal(readCookie("a=1; tapwatch_theme=dark; b=2", "tapwatch_theme"), "dark");
  assert.equal(readCookie("xtapwatch_theme=dark", "tapwatch_theme"), null);
});
