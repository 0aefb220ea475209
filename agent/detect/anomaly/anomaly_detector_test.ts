import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { type AnomalyDetails, type Finding, WINDOW_US } from "../../records.ts";
import { Prng } from "../common/prng.ts";
import { AnomalyDetector } from "./anomaly_detector.ts";
import type { ScoredWindow } from "./judged_window.ts";
import {
  epochS,
  playOffice,
  playScan,
  type TestContext,
  testContext,
  TestTraffic,
} from "./testing/host_traffic.ts";

const scanner = "10.0.0.9";
const victim = "10.0.1.3";

Deno.test("live, it learns from 256 windows before it judges", () => {
  const { detector, play } = office();
  play(1);
  const first = detector.learning();
  equal(first.state, "learning");
  equal(first.windowsNeeded, 256);
  // 20 hosts and those servers that had enough packets.
  ok(first.windowsLearnt > 20 && first.windowsLearnt <= 28, String(first.windowsLearnt));
  equal(detector.saveModel(), null);
  play(11);
  const later = detector.learning();
  equal(later.state, "ready");
  ok(later.modelFittedUs! > epochS * 1e6);
});

Deno.test("live, a scan is told in a sentence with its features, flows and targets", () => {
  const { traffic, context, play } = office();
  play(60);
  equal(context.findings.length, 0);
  playScan(traffic, scanner, victim, 300);
  play(1);
  const found = context.findings.find(({ sources }) => sources[0] === scanner)!;
  equal(found.kind, "anomaly");
  equal(found.attackId, "T1046");
  equal(found.isOpen, true);
  ok(
    /^10\.0\.0\.9 (asked|made) .* in 10 s; usually 0( to \d+)?$/.test(found.reason),
    found.reason,
  );
  equal(found.targets[0], victim);
  equal(found.flowIds.length, 64);
  const { anomaly } = found;
  equal(anomaly!.entity, scanner);
  equal(anomaly!.windowUs, WINDOW_US);
  ok(anomaly!.score > anomaly!.threshold);
  equal(anomaly!.topFeatures.length, 3);
  ok(anomaly!.topFeatures.every(({ contribution }) => contribution > 0 && contribution < 1));
  const told = new Map(anomaly!.topFeatures.map(({ name, value }) => [name, value]));
  ok(["ports", "failed", "refused", "ports_per_peer"].some((name) => told.has(name)));
  play(1);
  const over = context.findings.filter(({ id, isOpen }) => id === found.id && !isOpen);
  deepEqual(over, [{ ...found, isOpen: false }]);
});

Deno.test("unusual windows in a row are one finding that grows, and which are flagged stays the same", () => {
  for (const isLive of [true, false]) {
    const { detector, traffic, context, scored, play } = office({ isLive });
    play(60);
    for (const ports of [200, 400, 150]) {
      playScan(traffic, scanner, victim, ports);
      play(1);
    }
    play(2);
    playScan(traffic, scanner, victim, 200);
    play(1);
    detector.finish();
    const flagged = scored.filter(({ isAnomalous, address }) =>
      isAnomalous && address !== null && context.formatAddress(...words(address)) === scanner
    );
    equal(flagged.length, 4);
    const told = context.findings.filter(({ sources }) => sources[0] === scanner);
    const ids = [...new Set(told.map(({ id }) => id))];
    equal(ids.length, 2);
    const [run, single] = ids.map((id) => told.filter((finding) => finding.id === id));
    deepEqual(run.map(({ amount, isOpen }) => [amount, isOpen]), [
      [1, true],
      [2, true],
      [3, true],
      [3, false],
    ]);
    deepEqual(single.map(({ amount, isOpen }) => [amount, isOpen]), [[1, true], [1, false]]);
    const last = run.at(-1)!;
    // It begins with its first window, ends with its last, and says what the one with most ports says.
    equal(last.firstUs, flagged[0].tsUs);
    equal(last.lastUs, flagged[2].lastUs);
    equal(last.anomaly!.tsUs, flagged[0].tsUs);
    equal(last.anomaly!.score, Math.max(...flagged.slice(0, 3).map(({ score }) => score)));
    equal(last.anomaly!.windowUs, WINDOW_US);
    ok(run.every(({ detectedUs }) => detectedUs === flagged[0].endUs));
  }
});

Deno.test("whatever is flagged, each reason lies outside the range that is shown beside it", () => {
  let found = 0;
  const burst = fc.record({
    host: fc.integer({ min: 1, max: 20 }),
    every: fc.integer({ min: 2, max: 30 }),
    ports: fc.integer({ min: 1, max: 120 }),
    hosts: fc.integer({ min: 1, max: 90 }),
  });
  const bursts = fc.array(burst, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(bursts, fc.boolean(), fc.nat(), (bursts, isLive, seed) => {
      const { detector, traffic, context } = office({ isLive });
      const prng = new Prng(seed);
      for (let window = 0; window < 60; window++) {
        playOffice(traffic, prng);
        for (const { host, every, ports, hosts } of bursts) {
          if (window % every !== 0) continue;
          playScan(traffic, `10.0.0.${host}`, victim, 1 + prng.below(ports));
          for (let to = prng.below(hosts); to > 0; to--) {
            traffic.connect({ from: `10.0.0.${host}`, to: `10.0.7.${to}`, port: 445 });
          }
        }
        traffic.endWindow();
      }
      detector.finish();
      for (const { reason, anomaly } of context.findings) checkReasons(reason, anomaly!);
      found += context.findings.length;
    }),
    { numRuns: 40 },
  );
  ok(found > 100, String(found));
});

Deno.test("no finding is dated before the first packet or after the last", () => {
  const { detector, traffic, context } = office({ isLive: false });
  const from = scanner;
  for (let port = 1; port <= 200; port++) {
    traffic.connect({ from, to: victim, port, outcome: "refused", afterS: 7.25 + port / 1_000 });
  }
  const prng = new Prng(1);
  for (let window = 0; window < 40; window++) {
    traffic.endWindow();
    playOffice(traffic, prng);
  }
  for (let port = 1; port <= 300; port++) {
    traffic.connect({ from, to: victim, port, outcome: "refused", afterS: port / 100 });
  }
  const lastS = traffic.startS + 3;
  traffic.endWindow();
  detector.finish();
  const ofScanner = context.findings.filter(({ sources, isOpen }) =>
    sources[0] === scanner && !isOpen
  );
  const [first, last] = ofScanner.map(({ firstUs, lastUs }) => [firstUs, lastUs]);
  deepEqual([first[0], last[1]], [(epochS + 7.251) * 1e6, lastS * 1e6]);
  deepEqual(first[1], (epochS + 7.45) * 1e6);
  const { anomaly, reason } = ofScanner[0];
  deepEqual([anomaly!.tsUs, anomaly!.windowUs], [(epochS + 7.251) * 1e6, 2_749_000]);
  ok(reason.includes(" in 2.7 s; "), reason);
});

Deno.test("a sweep reads as connections to hosts", () => {
  const { traffic, context, play } = office();
  play(60);
  for (let host = 0; host < 200; host++) {
    traffic.connect({ from: scanner, to: `10.0.7.${host}`, port: 445, outcome: "unanswered" });
  }
  play(1);
  const { reason } = context.findings.find(({ sources }) => sources[0] === scanner)!;
  ok(
    /opened 20\d connections to 20\d hosts|attempts that nobody accepted|for the first time/
      .test(reason),
    reason,
  );
});

Deno.test("the victim of a flood with forged sources stands out, and its sources do not", () => {
  const { traffic, context, scored, play } = office();
  play(60);
  scored.length = 0;
  for (let source = 0; source < 3000; source++) {
    const from = `198.18.${source >> 8}.${source & 255}`;
    traffic.connect({ from, to: victim, port: 80, outcome: "unanswered" });
  }
  play(1);
  equal(highest(hosts(scored)), victim);
  deepEqual(context.findings.map(({ sources }) => sources), [[victim]]);
});

Deno.test("a network where nothing ever failed still sets failures apart", () => {
  const { traffic, context } = office();
  for (let window = 0; window < 40; window++) {
    for (let host = 1; host <= 20; host++) {
      const [from, to] = [`10.0.0.${host}`, "10.0.1.1"];
      traffic.connect({ from, to, port: 443 });
      traffic.send(from, to, 10);
    }
    traffic.endWindow();
  }
  equal(context.findings.length, 0);
  playScan(traffic, scanner, victim, 100);
  traffic.endWindow();
  ok(context.findings.some(({ sources }) => sources[0] === scanner));
});

Deno.test("trifles in a quiet network are no anomalies", () => {
  const { traffic, context } = office();
  for (let window = 0; window < 200; window++) {
    traffic.connect({ from: "10.0.0.1", to: "10.0.1.1", port: 443 });
    traffic.send("10.0.0.1", "10.0.1.1", 10);
    // Every now and then a little more than ever before.
    if (window % 50 === 49) playScan(traffic, "10.0.0.1", victim, window / 20);
    traffic.endWindow();
  }
  equal(context.findings.length, 0);
});

Deno.test("windows that are flagged or of suspects are not learnt from", () => {
  const { detector, traffic, context, play } = office();
  play(60);
  const before = detector.learning().windowsLearnt;
  playScan(traffic, scanner, victim, 300);
  traffic.endWindow();
  equal(detector.learning().windowsLearnt, before);
  context.suspects.add("10.0.0.2");
  for (const host of ["10.0.0.2", "10.0.0.3"]) traffic.send(host, "10.0.1.1", 9);
  traffic.endWindow();
  // 10.0.0.3 and 10.0.1.1.
  equal(detector.learning().windowsLearnt, before + 2);
});

Deno.test("the rate is the flagged hosts' share of the packets of five minutes", () => {
  const { detector, traffic, play } = office();
  play(60);
  equal(detector.learning().anomalyRatePct, 0);
  playScan(traffic, "10.0.5.1", "10.0.6.1", 3000);
  play(1);
  const { anomalyRatePct, windowsFlagged, windows } = detector.learning();
  ok(
    windowsFlagged >= 1 && windowsFlagged <= 2 && windows > 600,
    `${windowsFlagged} of ${windows}`,
  );
  ok(anomalyRatePct > 2 && anomalyRatePct < 20, String(anomalyRatePct));
  play(30);
  equal(detector.learning().anomalyRatePct, 0);
});

Deno.test("a restart goes on with the saved model, with the same scores", () => {
  const first = office();
  first.play(60);
  const second = office({ model: first.detector.saveModel() });
  equal(second.detector.learning().state, "ready");
  deepEqual(second.context.notes, []);
  first.scored.length = 0;
  for (const { traffic } of [first, second]) {
    playOffice(traffic, new Prng(77));
    traffic.endWindow();
  }
  const scores = ({ scored }: Office) => hosts(scored).map(({ score }) => score);
  // Who has met whom is not saved, so what is a first contact is missing at first.
  equal(scores(second).length, scores(first).length);
  scores(second).forEach((score, index) => ok(Math.abs(score - scores(first)[index]) < 0.15));
});

Deno.test("a model that cannot be used is refused with a note, and learning begins anew", () => {
  const { detector, context } = office({ model: new TextEncoder().encode("no model at all, no") });
  deepEqual(context.notes, [
    "The saved model is not used: it has only 19 bytes. Learning begins anew.",
  ]);
  equal(detector.learning().state, "learning");
});

Deno.test("a file is learnt from and judged at its end, with fixed scores for a fixed seed", () => {
  const scores = [1, 1, 2].map((seed) => {
    const { detector, traffic, context, scored, play } = office({ isLive: false, seed });
    play(3);
    playScan(traffic, scanner, victim, 200);
    play(1);
    equal(detector.learning().state, "learning");
    equal(context.findings.length, 0);
    detector.finish();
    equal(detector.learning().state, "ready");
    ok(context.findings.some(({ sources }) => sources[0] === scanner));
    ok(context.findings.every(isOfScan), context.findings.map(({ reason }) => reason).join("\n"));
    equal(highest(hosts(scored)), scanner);
    return scored.map(({ score }) => score);
  });
  deepEqual(scores[0], scores[1]);
  ok(scores[0].some((score, index) => score !== scores[2][index]));
});

Deno.test("where nobody asks for scores, the findings and figures are the same", () => {
  for (const isLive of [false, true]) {
    const [all, few] = [true, false].map((isScored) => {
      const { detector, traffic, context, play } = office({ isLive }, isScored);
      play(40);
      playScan(traffic, scanner, victim, 200);
      play(40);
      detector.finish();
      const { findings } = context;
      return { findings, figures: detector.learning() };
    });
    ok(all.findings.length > 0);
    deepEqual(few, all);
  }
});

Deno.test("a file of a few windows is not judged", () => {
  const { detector, traffic, context } = office({ isLive: false });
  playScan(traffic, scanner, victim, 200);
  traffic.endWindow();
  detector.finish();
  equal(context.findings.length, 0);
  equal(detector.learning().state, "learning");
});

Deno.test("a long file is judged when too many windows wait, and then as it goes on", () => {
  const { detector, scored, play } = office({ isLive: false });
  play(700);
  equal(detector.learning().state, "ready");
  ok(scored.length > 16_384);
  const before = scored.length;
  play(1);
  ok(scored.length > before + 20);
  const { stateBytes } = detector;
  ok(stateBytes < 12e6, `${stateBytes} bytes`);
});

Deno.test("the link as a whole is judged once it has been seen for long enough", () => {
  const { traffic, context, play } = office();
  play(300);
  equal(context.findings.length, 0);
  for (let host = 0; host < 200; host++) {
    playScan(traffic, `10.9.0.${host}`, `10.8.0.${host}`, 30);
  }
  play(1);
  const link = context.findings.find(({ anomaly }) => anomaly!.entity === "link")!;
  ok(link.reason.startsWith("All hosts together "), link.reason);
  deepEqual([link.sources, link.sourceCount], [[], 0]);
  // Of one window no more than 32 are told.
  equal(context.findings.length, 32);
});

/** The numbers of the sentence, and those of the list. */
function checkReasons(reason: string, { topFeatures }: AnomalyDetails): void {
  const [said, usual] = reason.replaceAll(",", "").split(" in 10 s; usually ");
  const bounds = usual.replaceAll(" %", "").split(" to ").map(Number);
  const numbers = said.replace(/^\S+ /, "").match(/\d+(\.\d+)?/g)!.map(Number);
  ok(numbers.some((number) => number > bounds.at(-1)! || number < bounds[0]), reason);
  ok(topFeatures.length > 0);
  for (const { name, value, typical } of topFeatures) {
    ok(
      typical[0] <= typical[1] && (value! < typical[0] || value! > typical[1]),
      `${name} in ${reason}`,
    );
  }
}

interface Office {
  readonly detector: AnomalyDetector;
  readonly traffic: TestTraffic;
  readonly context: TestContext;
  readonly scored: ScoredWindow[];
  /** Plays windows of an office. */
  readonly play: (windows: number) => void;
}

function office(options: Parameters<typeof testContext>[0] = {}, isScored = true): Office {
  const context = testContext(options);
  const scored: ScoredWindow[] = [];
  const detector = new AnomalyDetector(
    context,
    isScored ? (window) => scored.push(window) : undefined,
  );
  const traffic = new TestTraffic(detector);
  const prng = new Prng(42);
  const play = (windows: number) => {
    for (let window = 0; window < windows; window++) {
      playOffice(traffic, prng);
      traffic.endWindow();
    }
  };
  return { detector, traffic, context, scored, play };
}

function words(address: Int32Array): [number, number, number, number] {
  const [first, second, third, fourth] = address;
  return [first, second, third, fourth];
}

function hosts(scored: readonly ScoredWindow[]): ScoredWindow[] {
  return scored.filter(({ address }) => address !== null);
}

function highest(scored: readonly ScoredWindow[]): string {
  const [{ address }] = scored.toSorted((a, b) => b.score - a.score);
  return testContext().formatAddress(address![0], address![1], address![2], address![3]);
}

function isOfScan({ sources }: Finding): boolean {
  return [scanner, victim].includes(sources[0]);
}
