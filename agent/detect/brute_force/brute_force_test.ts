import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { BruteForce } from "./brute_force.ts";
import { LOGIN_SERVICES } from "./services.ts";
import type { DetectorFactory } from "../detector.ts";
import { Prng } from "../common/prng.ts";
import { opened, scriptTime, TrafficScript } from "../testing/traffic_script.ts";

const make: DetectorFactory = (context) => new BruteForce(context);
const pair = { from: "203.0.113.9", to: "10.0.0.2" };
const ssh = { ...pair, port: 22, bytes: [1_500, 2_200] as const };

Deno.test("BruteForce finds quick guessing at every service it knows, in one episode each", () => {
  for (const { name, ports, clientBytesMin, serverBytesMin, burst } of LOGIN_SERVICES) {
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
    script.session({ ...ssh, at: guess, port: 52_022, application: "ssh" });
  }
  equal(opened(script.play(make)).length, 1);
});

Deno.test("BruteForce finds patient guessing, one try in 50 s or so, with the thirtieth", () => {
  const prng = new Prng(1);
  const script = new TrafficScript();
  for (let guess = 0; guess < 40; guess++) {
    script.session({ ...ssh, at: guess * 50 + prng.fraction() * 30 });
  }
  const [found] = opened(script.play(make));
  equal(Math.floor(scriptTime(found.detectedUs) / 50), 29);
  equal(scriptTime(found.firstUs) < 50, true);
});

Deno.test("BruteForce tells an episode again at ten times its size, and when it is over", () => {
  const script = new TrafficScript();
  for (let guess = 0; guess < 700; guess++) script.session({ ...ssh, at: guess });
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

Deno.test("BruteForce says when a session after the guessing went further", () => {
  const script = new TrafficScript();
  for (let guess = 0; guess < 20; guess++) script.session({ ...ssh, at: guess });
  script.session({ ...ssh, at: 30, bytes: [20_000, 90_000], lasts: 60 });
  const last = script.play(make).at(-1)!;
  equal(last.severity, "critical");
  ok(last.reason.endsWith(", and has since held a session that went further"));
});

Deno.test("BruteForce stays silent at ordinary use", () => {
  const uses: Record<string, (script: TrafficScript, at: number) => void> = {
    "copying files one by one": (script, at) =>
      script.session({ ...ssh, at: at * 2, bytes: [9_000, 4_500] }),
    "short commands": (script, at) => script.session({ ...ssh, at, bytes: [3_685, 3_645] }),
    "a host that mails its reports": (script, at) =>
      script.session({ ...pair, at: at * 20, port: 25, bytes: [700, 400] }),
    "working between logins": (script, at) =>
      script.session({ ...ssh, at: at * 12, bytes: at % 4 === 3 ? [6_000, 30_000] : ssh.bytes }),
    "a banner check every 10 s": (script, at) =>
      script.session({ ...ssh, at: at * 10, bytes: [0, 41] }),
    "a job every minute": (script, at) => script.session({ ...ssh, at: at * 60 + at % 3 }),
    "five mailboxes asked every minute": (script, at) =>
      script.session({ ...pair, at: at % 5 + Math.floor(at / 5) * 60, port: 110, bytes: [40, 90] }),
    "one administrator at many hosts": (script, at) =>
      script.session({ ...ssh, at, to: `10.0.1.${at % 200}` }),
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
    for (const at of spread) script.session({ ...ssh, at });
    deepEqual(script.play(make), []);
  }));
});
