import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { BruteForce } from "./brute_force.ts";
import { LoginOutcome } from "../../records.ts";
import { LOGIN_SERVICES, SSH } from "./services.ts";
import type { DetectorFactory } from "../detector.ts";
import { Prng } from "../common/prng.ts";
import { opened, scriptTime, TrafficScript } from "../testing/traffic_script.ts";

const make: DetectorFactory = (context) => new BruteForce(context);
const pair = { from: "203.0.113.9", to: "10.0.0.2" };
const ftp = { ...pair, port: 21, bytes: [40, 200] as const };
const { accepted, session } = LoginOutcome;

Deno.test("BruteForce finds quick guessing at every service it knows, in one episode each", () => {
  const services = LOGIN_SERVICES.filter((_, index) => index !== SSH);
  for (const { name, ports, clientBytesMin, serverBytesMin, burst } of services) {
    const bytes = [clientBytesMin + 10, serverBytesMin + 10] as const;
    const script = new TrafficScript();
    for (let guess = 0; guess < 40; guess++) {
      script.session({ ...pair, at: guess * 2, port: ports[0], bytes, lasts: 1.5 });
    }
    const told = script.play(make);
    const [first] = opened(told);
    equal(opened(told).length, 1, name);
    equal(first.kind, "brute_force");
    equal(first.attackId, "T1110.001");
    deepEqual(first.sources, [pair.from]);
    deepEqual(first.targets, [pair.to]);
    equal(first.flowIds.length, burst);
    equal(Math.ceil(scriptTime(first.detectedUs)), burst * 2);
    equal(told.at(-1)!.isOpen, false);
    ok(told.at(-1)!.reason.includes(`40 short logins to ${name} on ${pair.to}`));
  }
});

Deno.test("BruteForce knows a service on another port by what is spoken", () => {
  const script = new TrafficScript();
  for (let guess = 0; guess < 10; guess++) {
    script.session({ ...ftp, at: guess, port: 52_021, application: "ftp" });
  }
  equal(opened(script.play(make)).length, 1);
});

Deno.test("BruteForce finds patient guessing, one try in 50 s or so, with the thirtieth", () => {
  const prng = new Prng(1);
  const script = new TrafficScript();
  for (let guess = 0; guess < 40; guess++) {
    script.login({ ...pair, at: guess * 50 + prng.fraction() * 30 });
  }
  const [found] = opened(script.play(make));
  equal(Math.floor(scriptTime(found.detectedUs) / 50), 29);
  equal(scriptTime(found.firstUs) < 50, true);
});

Deno.test("BruteForce tells an episode again at ten times its size, and when it is over", () => {
  const script = new TrafficScript();
  for (let guess = 0; guess < 700; guess++) script.session({ ...ftp, at: guess });
  const told = script.play(make, 3_600);
  deepEqual(
    told.map(({ isOpen, severity, reason }) => [isOpen, severity, reason.match(/\d+ short/)![0]]),
    [
      [true, "medium", "6 short"],
      [true, "medium", "60 short"],
      [true, "high", "600 short"],
      [false, "high", "700 short"],
    ],
  );
});

Deno.test("BruteForce claims no entry where a session was only longer", () => {
  const script = new TrafficScript();
  for (let guess = 0; guess < 20; guess++) script.session({ ...ftp, at: guess });
  script.session({ ...ftp, at: 30, bytes: [20_000, 90_000], lasts: 60 });
  const last = script.play(make).at(-1)!;
  equal(last.severity, "medium");
  equal(last.hasSucceeded, false);
  ok(last.reason.endsWith(", and has since held a longer session"));
});

Deno.test("BruteForce finds refused logins over SSH, in many connections or in few", () => {
  const ways: Record<string, readonly [connections: number, refused: number, told: number]> = {
    "one password each": [8, 1, 6],
    "three passwords each": [14, 3, 6],
    "five keys each": [5, 5, 4],
    "all in one connection": [1, 30, 1],
  };
  for (const [name, [connections, refused, told]] of Object.entries(ways)) {
    const script = new TrafficScript();
    for (let at = 0; at < connections; at++) script.login({ ...pair, at, refused });
    const states = script.play(make);
    const [first] = opened(states);
    equal(opened(states).length, 1, name);
    equal(first.flowIds.length, told, name);
    const last = states.at(-1)!;
    equal(last.severity, "medium");
    equal(last.hasSucceeded, false);
    equal(last.ports, "22");
    const words = `refused ${connections * refused} times by SSH on ${pair.to} (port 22) in ` +
      `${connections} connection`;
    ok(last.reason.includes(words), last.reason);
  }
});

Deno.test("BruteForce adds up the parts of a long connection", () => {
  const script = new TrafficScript();
  for (let part = 0; part < 5; part++) {
    script.login({ ...pair, at: part * 90, refused: 64, isContinued: part > 0 });
  }
  const last = script.play(make).at(-1)!;
  ok(last.reason.includes("320 times by SSH on 10.0.0.2 (port 22) in 1 connection within"));
  equal(last.severity, "high");
});

Deno.test("BruteForce counts a connection that goes on guessing after another one has worked", () => {
  const script = new TrafficScript();
  script.login({ ...pair, at: 0, refused: 10 });
  script.login({ ...pair, at: 5, refused: 0, outcome: session });
  script.login({ ...pair, at: 30, refused: 64, isContinued: true });
  ok(
    script.play(make).at(-1)!.reason.includes(
      "refused 64 times by SSH on 10.0.0.2 (port 22) in 1 conn",
    ),
  );
});

Deno.test("BruteForce says that guessing was followed by a login, on evidence alone", () => {
  const endings: readonly (readonly [number, string])[] = [
    [accepted, ", and one login was accepted"],
    [session, ", and has since logged in"],
  ];
  for (const [outcome, ending] of endings) {
    // The session may be told before those that were refused before it, which are told when they end.
    for (const at of [10, -0.5]) {
      const script = new TrafficScript();
      if (at < 0) script.login({ ...pair, at: 0, refused: 0, outcome });
      for (let guess = 0; guess < 8; guess++) script.login({ ...pair, at: at < 0 ? 0 : guess });
      if (at > 0) script.login({ ...pair, at, refused: 2, outcome });
      const last = script.play(make).at(-1)!;
      equal(last.severity, "critical");
      equal(last.hasSucceeded, true);
      ok(last.reason.endsWith(ending), last.reason);
    }
  }
});

Deno.test("BruteForce knows of a guessed login though the other connections end after it", () => {
  const script = new TrafficScript();
  script.login({ ...pair, at: 9, refused: 3, outcome: accepted });
  for (let other = 0; other < 7; other++) script.login({ ...pair, at: 12 + other, refused: 4 });
  const last = script.play(make).at(-1)!;
  equal(last.severity, "critical");
  ok(last.reason.endsWith(", and one login was accepted"), last.reason);
});

Deno.test("BruteForce tells no earlier login as one that followed", () => {
  const script = new TrafficScript();
  script.login({ ...pair, at: 0, refused: 0, outcome: accepted });
  for (let guess = 0; guess < 8; guess++) script.login({ ...pair, at: 100 + guess });
  equal(script.play(make).at(-1)!.severity, "medium");
});

Deno.test("BruteForce judges SSH by no totals: flows of which no login is known say nothing", () => {
  const script = new TrafficScript();
  for (let at = 0; at < 60; at++) {
    script.session({ ...pair, at, port: 22, bytes: [1_500, 2_200], application: "ssh" });
    script.session({ ...pair, at, port: 22, bytes: [1_500, 2_200] });
    script.session({ ...pair, at, port: 21, bytes: [200, 1_200], application: "ssh" });
  }
  deepEqual(script.play(make), []);
});

Deno.test("BruteForce stays silent at ordinary use", () => {
  const uses: Record<string, (script: TrafficScript, at: number) => void> = {
    "commands by a key that is not the first one": (script, at) =>
      script.login({ ...pair, at, refused: 5, outcome: session }),
    "an automation": (script, at) => script.login({ ...pair, at, refused: 0, outcome: session }),
    "a host that mails its reports": (script, at) =>
      script.session({ ...pair, at: at * 20, port: 25, bytes: [700, 400] }),
    "working between logins": (script, at) =>
      script.login({ ...pair, at: at * 6, outcome: at % 4 === 3 ? session : 0 }),
    "transfers between logins": (script, at) =>
      script.session({ ...ftp, at: at * 12, bytes: at % 4 === 3 ? [6_000, 30_000] : ftp.bytes }),
    "a banner check every 10 s": (script, at) =>
      script.session({ ...ftp, at: at * 10, bytes: [0, 41] }),
    "a job every minute": (script, at) => script.login({ ...pair, at: at * 60 + at % 3 }),
    "five mailboxes asked every minute": (script, at) =>
      script.session({ ...pair, at: at % 5 + Math.floor(at / 5) * 60, port: 110, bytes: [40, 90] }),
    "one administrator at many hosts": (script, at) =>
      script.login({ ...pair, at, to: `10.0.1.${at % 200}` }),
    "web pages": (script, at) => script.session({ ...pair, at, port: 443, bytes: [900, 2_000] }),
    "a mail server": (script, at) =>
      script.session({ ...pair, at: at * 7, port: 25, bytes: [4_000, 400] }),
  };
  for (const [name, use] of Object.entries(uses)) {
    const script = new TrafficScript();
    for (let at = 0; at < 200; at++) use(script, at);
    deepEqual(script.play(make), [], name);
  }
});

Deno.test("BruteForce never takes five logins in a minute, thirty in half an hour for guessing", () => {
  fc.assert(fc.property(fc.array(fc.nat(1_799), { maxLength: 29 }), (times) => {
    const script = new TrafficScript();
    const spread = times.toSorted((a, b) => a - b)
      .filter((time, index, all) => index < 5 || time - all[index - 5] > 70);
    for (const at of spread) script.login({ ...pair, at });
    deepEqual(script.play(make), []);
  }));
});
