import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { DetectorFactory } from "../detector.ts";
import { Mark } from "../observation.ts";
import { opened, TrafficScript } from "../testing/traffic_script.ts";
import { Exfiltration } from "./exfiltration.ts";

const make: DetectorFactory = (context) => new Exfiltration(context);
const camera = "10.0.0.57";
const cloud = "203.0.113.10";
const stranger = "198.51.100.77";
const port = 443;

/** A camera that sends 40 kB a minute to its cloud, for so many minutes. */
function cameraFor(minutes: number, to: readonly string[] = [cloud]): TrafficScript {
  const script = new TrafficScript();
  for (let minute = 0; minute < minutes; minute++) {
    const peer = to[minute % to.length]!;
    script.session({ at: minute * 60, from: camera, to: peer, port, bytes: [40_000, 500] });
  }
  return script;
}

function upload(script: TrafficScript, at: number, bytes: number, to = stranger, lasts = 60): void {
  script.session({ at, from: camera, to, port, bytes: [bytes, 3000], lasts });
}

Deno.test("25 MB from a camera that sends 40 kB a minute to an address never met is found", () => {
  const script = cameraFor(30);
  upload(script, 1500, 25e6);
  const [finding, ...others] = opened(script.play(make));
  equal(others.length, 0);
  deepEqual([finding!.sources, finding!.targets], [[camera], [stranger]]);
  deepEqual([finding!.severity, finding!.attackId], ["high", "T1048"]);
  match(
    finding!.reason,
    /^10\.0\.0\.57 sent 25 MB to 198\.51\.100\.77 within 60 s, which it had not met in the 25 min before; until then it sent at most 40 kB a minute to one address outside$/,
  );
});

Deno.test("it is found however it is cut into flows, and told again when it has grown", () => {
  const script = cameraFor(40);
  for (let part = 0; part < 250; part++) upload(script, 1200 + part, 1e6, stranger, 0.5);
  const told = script.play(make);
  equal(opened(told).length, 1);
  equal(told.at(-1)!.amount, 250e6);
  ok(told.some(({ amount }) => amount >= 50e6 && amount < 250e6));
});

Deno.test("a long flow is found while it runs, and its bytes count once", () => {
  const script = cameraFor(30);
  const flow = { from: camera, to: stranger, flowId: 9999, toPort: port, fromPort: 50_000 };
  const marks = Mark.sentByOriginator | Mark.isFirstInWindow | Mark.isSourceLocal;
  for (let part = 1; part <= 30; part++) {
    const bytes = [part * 1e6, 0] as const;
    script.contact({ ...flow, at: 1200 + part * 10, marks, bytes, duration: part * 10 });
  }
  script.end({ ...flow, at: 1505, marks, bytes: [30e6, 0], duration: 305 });
  const told = script.play(make);
  equal(opened(told).length, 1);
  ok(told[0]!.detectedUs < told.at(-1)!.lastUs - 200e6);
  equal(told.at(-1)!.amount, 30e6);
});

const harmless: Readonly<Record<string, (script: TrafficScript) => void>> = {
  "in the first ten minutes": (script) => upload(script, 500, 25e6),
  "to an address that it has met": (script) => upload(script, 1500, 25e6, cloud),
  "of 2 MB": (script) => upload(script, 1500, 2e6),
  "that takes as long as usual": (script) => {
    for (let minute = 0; minute < 55; minute++) {
      upload(script, 900 + minute * 60, 120_000);
    }
  },
  "that came from outside": (script) =>
    script.session({ at: 1500, from: stranger, to: camera, port, bytes: [25e6, 1000] }),
  "that a new client outside has asked for": (script) =>
    script.session({ at: 1500, from: stranger, to: camera, port, bytes: [1000, 25e6] }),
  "that stays in the own network": (script) => upload(script, 1500, 25e6, "10.0.0.14"),
};
for (const [what, add] of Object.entries(harmless)) {
  Deno.test(`an upload ${what} is none`, () => {
    const script = cameraFor(80);
    add(script);
    deepEqual(script.play(make), []);
  });
}

Deno.test("a host that meets new addresses all the time has nothing unusual about one more", () => {
  const many = Array.from({ length: 20 }, (_, index) => `203.0.113.${index + 10}`);
  const script = cameraFor(40, many);
  upload(script, 2000, 25e6);
  deepEqual(script.play(make), []);
});

Deno.test("a camera that is looked at in its own network alone sends nothing to outside as usual", () => {
  const script = new TrafficScript();
  for (let minute = 0; minute < 30; minute++) {
    const flow = { from: "10.0.0.14", to: camera, port: 554 };
    script.session({ ...flow, at: minute * 60, bytes: [300, 6e6] });
  }
  upload(script, 1500, 25e6);
  const [finding] = opened(script.play(make));
  match(finding!.reason, /; until then it sent nothing to outside$/);
});

Deno.test("a server with many clients outside has met too many", () => {
  const script = cameraFor(30);
  for (let index = 0; index < 20; index++) {
    const from = `203.0.113.${100 + index}`;
    script.session({ at: index * 20, from, to: camera, port, bytes: [100, 5000] });
  }
  upload(script, 1500, 25e6);
  deepEqual(script.play(make), []);
});

Deno.test("a host that has not sent before has no usual", () => {
  const script = new TrafficScript();
  script.session({ at: 0, from: camera, to: cloud, port, bytes: [100, 100] });
  upload(script, 2000, 25e6);
  deepEqual(script.play(make), []);
});

Deno.test("its tables are bounded, and what is found stays found when they are full", () => {
  const script = cameraFor(30);
  for (let index = 0; index < 6000; index++) {
    const from = `10.${index >> 8}.${index & 255}.1`;
    script.session({ at: index / 5, from, to: stranger, port, bytes: [100, 100] });
  }
  upload(script, 1500, 25e6);
  equal(opened(script.play(make)).length, 1);
});
