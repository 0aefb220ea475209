import { deepEqual, equal, ok } from "node:assert/strict";
import { Transport } from "../../records.ts";
import { BruteForce } from "../brute_force/brute_force.ts";
import { Beacon } from "./beacon.ts";
import type { DetectorFactory } from "../detector.ts";
import { Mark } from "../observation.ts";
import { Prng } from "../common/prng.ts";
import { localMarks, opened, scriptTime, TrafficScript } from "../testing/traffic_script.ts";

const make: DetectorFactory = (context) => new Beacon(context);
const call = { from: "10.0.0.5", to: "198.51.100.7", port: 443, bytes: [700, 900] as const };

Deno.test("Beacon finds calls every 60 s within 10 minutes, with up to 30 % jitter", () => {
  const delays: number[] = [];
  for (const jitter of [0, 0.1, 0.2, 0.3]) {
    for (let seed = 1; seed <= 50; seed++) {
      const prng = new Prng(seed);
      const script = new TrafficScript();
      for (let at = 0; at < 1_200; at += 60 * (1 + jitter * (2 * prng.fraction() - 1))) {
        script.session({ ...call, at, bytes: [700 + prng.next() % 40, 900] });
      }
      const [found] = opened(script.play(make));
      delays.push(found ? scriptTime(found.detectedUs) : Infinity);
      if (found) deepEqual([found.sources, found.targets], [[call.from], [call.to]]);
    }
  }
  const inTime = delays.filter((delay) => delay <= 600).length;
  ok(inTime >= delays.length * 0.95, `${inTime} of ${delays.length}`);
  deepEqual(delays.slice(0, 50), Array.from({ length: 50 }, () => delays[0]));
  ok(delays.every((delay) => delay < 1_200));
});

Deno.test("Beacon tells period and jitter, and closes when the calls stop", () => {
  const script = new TrafficScript();
  const late = [0, 1, 3, 2];
  for (let beat = 0; beat < 120; beat++) {
    script.session({ ...call, at: beat * 20 + late[beat % 4] });
  }
  const told = script.play(make, 5 * 3_600);
  // Each beat is followed by a pause, so growth by a fifth is told: 9, 11, 14 … 108, and the end.
  equal(told.length, 15);
  deepEqual(told.filter(({ isOpen }) => !isOpen), [told[14]]);
  equal(told[0].severity, "low");
  equal(told[0].attackId, "T1071.001");
  equal(
    told[14].reason,
    "10.0.0.5 called 198.51.100.7 (port 443) 120 times, about every 21 s, give or take 5 %",
  );
});

Deno.test("Beacon finds calls in a connection that stays open, and by UDP", () => {
  for (const transport of [Transport.tcp, Transport.udp]) {
    const found = opened(openConnection(transport, 60, 300).play(make));
    equal(found.length, 1);
    ok(scriptTime(found[0].detectedUs) <= 600);
  }
});

Deno.test("Beacon takes heartbeats and a page's reports for what they are", () => {
  deepEqual(openConnection(Transport.tcp, 60, 31).play(make), []);
  deepEqual(openConnection(Transport.tcp, 60, 1).play(make), []);
  deepEqual(openConnection(Transport.tcp, 5, 300).play(make), []);
  const report = (beat: number) => 900 + beat * 7919 % 800;
  deepEqual(openConnection(Transport.tcp, 30, report).play(make), []);
});

Deno.test("Beacon stays silent at what homes do periodically", () => {
  const uses: Record<string, (script: TrafficScript, at: number) => void> = {
    "polling inside": (script, at) => script.session({ ...call, at: at * 30, to: "10.0.0.9" }),
    "MQTT": (script, at) =>
      script.session({ ...call, at: at * 60, port: 8_884, application: "mqtt" }),
    "mail": (script, at) => script.session({ ...call, at: at * 60, port: 993 }),
    "guessing at a login": (script, at) => script.session({ ...call, at: at * 3, port: 22 }),
    "push messages": (script, at) => script.session({ ...call, at: at * 60, port: 5_228 }),
    "video in pieces": (script, at) =>
      script.session({ ...call, at: at * 6, bytes: [900, 2_000_000] }),
    "monitoring of sites": (script, at) => {
      for (let site = 1; site < 6; site++) {
        script.session({ ...call, at: at * 60 + site * 2, to: `198.51.100.${site}` });
      }
    },
    "a service that all use": (script, at) => {
      for (let host = 1; host < 7; host++) {
        script.session({ ...call, at: at * 60 + host * 7, from: `10.0.0.${host}` });
      }
    },
    "NTP": (script, at) => udp(script, at * 64, 123, true),
    "one-way reports": (script, at) => udp(script, at * 30, 9_999, false),
    "a page and its pictures, now and then": (script, at) => {
      for (let part = 0; part < 8; part++) {
        script.session({ ...call, at: at * at * 3 + part * 0.1, bytes: [700, 30_000] });
      }
    },
  };
  for (const [name, use] of Object.entries(uses)) {
    const script = new TrafficScript();
    for (let at = 0; at < 60; at++) use(script, at);
    deepEqual(script.play(make), [], name);
  }
});

/** Calls every five minutes to what a name stands for. */
interface Polling {
  readonly name: string;
  readonly port?: number;
  readonly bytes?: readonly [number, number];
  /** How the name is known; default: by DNS. */
  readonly by?: "dns" | "host";
  /** A name that leads to the same address as well. */
  readonly alsoName?: string;
  readonly isVarying?: boolean;
}

function polling({ name, port = 80, bytes = [110, 190], by = "dns", ...more }: Polling) {
  const script = new TrafficScript();
  const { alsoName, isVarying } = more;
  for (let beat = 0; beat < 24; beat++) {
    const at = beat * 300;
    const answer = { from: "10.0.0.1", to: call.from, answer: { addresses: [call.to] } };
    if (by === "dns") script.dns({ ...answer, at, name });
    if (alsoName) script.dns({ ...answer, at: at + 40, name: alsoName });
    const sent = isVarying ? bytes[0] + beat * 37 % 90 : bytes[0];
    const said = by === "host" && { host: `${name}:80` };
    script.session({
      ...call,
      at: at + 1,
      port,
      bytes: [sent, bytes[1]],
      application: "http",
      ...said,
    });
  }
  return opened(script.play(make));
}

Deno.test("Beacon leaves checks of systems and services of vendors alone", () => {
  const checks = [
    ...["connectivity-check.ubuntu.com", "nmcheck.gnome.org", "network-test.debian.org"],
    ...["conncheck.opensuse.org", "networkcheck.kde.org", "ipv4.connman.net", "captive.roku.com"],
    ...["www.msftconnecttest.com", "ipv6.msftncsi.com", "captive.apple.com", "ping.archlinux.org"],
    ...["connectivitycheck.gstatic.com", "detectportal.firefox.com", "fedoraproject.org"],
    ...["conntest.nintendowifi.net", "checkonline.home-assistant.io", "netcheck.vendor.example"],
  ];
  for (const name of checks) {
    for (const by of ["dns", "host"] as const) {
      deepEqual(polling({ name, by }), [], `${name} ${by}`);
    }
  }
  const polled = [
    ...["api.met.no", "api.openweathermap.org", "wttr.in", "security.debian.org"],
    ...[
      "changelogs.ubuntu.com",
      "update.googleapis.com",
      "api64.ipify.org",
      "ctldl.windowsupdate.com",
    ],
  ];
  for (const name of polled) deepEqual(polling({ name, port: 443, bytes: [800, 9_000] }), [], name);
});

Deno.test("Beacon is not deceived by a name that anybody may have", () => {
  const check = "connectivitycheck.example.net";
  equal(polling({ name: "updates.example.net" }).length, 1);
  equal(polling({ name: "ubuntu.com.example.net" }).length, 1);
  equal(polling({ name: check, port: 443 }).length, 1, "not plain");
  equal(polling({ name: check, bytes: [110, 4_000] }).length, 1, "not small");
  equal(polling({ name: check, isVarying: true }).length, 1, "not always the same");
  equal(
    polling({ name: "api.met.no", by: "host", bytes: [110, 9_000] }).length,
    1,
    "it says so itself",
  );
  equal(
    polling({ name: check, alsoName: "evil.example.net" }).length,
    1,
    "another name leads there",
  );
});

Deno.test("Beacon counts a host that guesses passwords in the same second as one that has come to notice", () => {
  const script = new TrafficScript();
  for (let beat = 0; beat < 12; beat++) script.session({ ...call, at: beat * 20 });
  const [beacon] = opened(script.play(make));
  equal(beacon.severity, "low");
  const openedAt = scriptTime(beacon.detectedUs);
  // The sixth login within a minute tells.
  for (let login = 0; login < 7; login++) {
    const at = Math.floor(openedAt) - 10 + login * 2 + 0.5;
    script.session({
      ...call,
      at,
      to: "10.0.0.22",
      port: 21,
      bytes: [40, 120],
      application: "ftp",
    });
  }
  const bruteForce: DetectorFactory = (context) => new BruteForce(context);
  const told = opened(script.play([bruteForce, make]));
  const guess = told.find(({ kind }) => kind === "brute_force")!;
  equal(Math.floor(scriptTime(guess.detectedUs)), Math.floor(openedAt));
  equal(told.find(({ kind }) => kind === "beacon")!.severity, "high");
});

Deno.test("Beacon takes calls at random for none: no finding in 500 sites of 40 visits", () => {
  const prng = new Prng(7);
  let found = 0;
  for (let site = 0; site < 500; site++) {
    const script = new TrafficScript();
    let at = 0;
    for (let visit = 0; visit < 40; visit++) {
      at += 2 - Math.log(1 - prng.fraction()) * 40;
      script.session({ ...call, at, bytes: [600 + prng.next() % 900, prng.next() % 50_000] });
    }
    found += opened(script.play(make)).length;
  }
  ok(found <= 1, `${found}`);
});

/** Requests every `period` seconds in one connection. */
function openConnection(
  transport: number,
  period: number,
  sizeOf: number | ((beat: number) => number),
): TrafficScript {
  const script = new TrafficScript();
  const { from, to } = call;
  const flow = { from, to, fromPort: 40_000, toPort: 8_443, transport, flowId: 1 };
  for (let beat = 0; beat < 30; beat++) {
    const size = typeof sizeOf === "number" ? sizeOf : sizeOf(beat);
    const first = beat === 0
      ? Mark.isNew | Mark.isFirstOfSide | Mark.isFirstPayload
      : Mark.isResumed;
    script.contact({
      ...flow,
      at: beat * period,
      marks: Mark.sentByOriginator | localMarks(from, to) | first,
      payloadLength: size,
      packets: [beat * 2 + 1, beat],
      bytes: [beat * size, beat * 400],
      duration: beat * period,
    });
    if (beat === 0) {
      const marks = Mark.isFirstPayload | Mark.isFirstOfSide | localMarks(to, from);
      script.contact({
        ...flow,
        from: to,
        to: from,
        fromPort: 8_443,
        toPort: 40_000,
        at: 0.1,
        marks,
      });
    }
  }
  return script;
}

function udp(script: TrafficScript, at: number, port: number, isAnswered: boolean): void {
  const { from, to } = call;
  const flow = { transport: Transport.udp, flowId: at + 1, at, payloadLength: 200 };
  const marks = Mark.isNew | Mark.isFirstOfSide | Mark.isFirstPayload;
  const sent = Mark.sentByOriginator | localMarks(from, to);
  script.contact({ ...flow, from, to, fromPort: 40_000, toPort: port, marks: marks | sent });
  if (!isAnswered) return;
  const answer = Mark.isFirstOfSide | Mark.isFirstPayload | localMarks(to, from);
  script.contact({ ...flow, from: to, to: from, fromPort: port, toPort: 40_000, marks: answer });
}
