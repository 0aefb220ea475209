import { deepEqual, equal, ok } from "node:assert/strict";
import { type Finding, Transport } from "../../records.ts";
import type { DetectorFactory } from "../detector.ts";
import { Flood } from "./flood.ts";
import { Mark } from "../observation.ts";
import { Prng } from "../common/prng.ts";
import { localMarks, opened, TrafficScript } from "../testing/traffic_script.ts";

const make: DetectorFactory = (context) => new Flood(context);
const attacker = "203.0.113.9";
const victim = "10.0.0.2";

Deno.test("Flood finds SYNs from one source to one port within two seconds", () => {
  const script = new TrafficScript();
  for (let syn = 0; syn < 5_000; syn++) send(script, { at: syn / 1_000, toPort: 80 });
  const told = script.play(make);
  equal(opened(told).length, 1);
  const [first] = told;
  equal(first.kind, "flood");
  equal(first.attackId, "T1499.001");
  deepEqual([first.sources, first.targets], [[attacker], [victim]]);
  ok(first.detectedUs - first.firstUs < 2e6);
  equal(
    told.at(-1)!.reason,
    "203.0.113.9 sent 5,000 SYNs that no connection followed to 10.0.0.2 (port 80) within 5 s, " +
      "up to 1,000 in one second",
  );
});

Deno.test("Flood finds forged sources, at one port or any", () => {
  for (const ports of [1, 60_000]) {
    const found = opened(forged(ports).play(make));
    equal(found.length, 1);
    ok(found[0].sourceCount > 300, `${found[0].sourceCount}`);
    ok(found[0].reason.includes("probably forged"));
    deepEqual(found[0].targets, [victim]);
  }
});

Deno.test("Flood says no more of the sources than it can know", () => {
  const of = (sources: number): string => {
    const script = new TrafficScript();
    for (let syn = 0; syn < 24_000; syn++) {
      const source = syn % sources;
      const from = `198.${source >> 16}.${source >> 8 & 255}.${source & 255}`;
      send(script, { at: syn / 4_000, from, toPort: 443 });
    }
    return script.play(make).at(-1)!.reason.split(" sent")[0];
  };
  equal(of(1), "198.0.0.0");
  equal(of(8), "About 8 sources");
  equal(of(20_000), "More than 3,000 sources, probably forged,");
});

Deno.test("Flood tells a flood again at ten times its size and after a pause, and when it ends", () => {
  const script = new TrafficScript();
  for (let syn = 0; syn < 12_000; syn++) send(script, { at: syn / 600, toPort: 80 });
  const states = script.play(make, 120).map(({ isOpen }) => isOpen);
  deepEqual(states, [true, true, true, false]);
});

Deno.test("Flood takes fast scans, decoys and all, for scans", () => {
  const decoys = ["203.0.113.9", "203.0.113.10", "203.0.113.11", "203.0.113.12"];
  const script = new TrafficScript();
  for (let port = 1; port < 20_000; port++) {
    for (const from of decoys) send(script, { at: port / 2_000, from, toPort: port });
    send(script, { at: port / 2_000, toPort: port, transport: Transport.udp });
    send(script, { at: port / 2_000, to: `10.1.${port >> 8}.${port & 255}`, toPort: 22 });
  }
  deepEqual(script.play(make), []);
});

Deno.test("Flood finds a host that gets more SYNs than it has ports", () => {
  const script = new TrafficScript();
  for (let syn = 0; syn < 150_000; syn++) send(script, { at: syn / 20_000, toPort: syn & 0xffff });
  equal(opened(script.play(make)).length, 1);
});

Deno.test("Flood leaves what is answered alone: load tests, resolvers", () => {
  const script = new TrafficScript();
  for (let call = 0; call < 3_000; call++) {
    const at = call / 600;
    script.session({ at, from: attacker, to: victim, port: 80, bytes: [90, 400], lasts: 0.01 });
    send(script, { at, toPort: 53, transport: Transport.udp });
    script.contact({
      at: at + 0.001,
      from: victim,
      to: attacker,
      transport: Transport.udp,
      marks: Mark.isFirstOfSide | Mark.isFirstPayload | localMarks(victim, attacker),
    });
  }
  deepEqual(script.play(make), []);
});

Deno.test("Flood leaves retries at a dead service, metrics and a group's stream alone", () => {
  const script = new TrafficScript();
  for (let second = 0; second < 30; second++) {
    for (let host = 0; host < 200; host++) {
      send(script, { at: second, from: `10.0.1.${host}`, toPort: 8_080 });
      for (let metric = 0; metric < 3; metric++) {
        const from = `10.0.1.${host}`;
        send(script, { at: second, from, toPort: 8_125, transport: Transport.udp });
      }
    }
    for (let packet = 0; packet < 1_000; packet++) {
      send(script, {
        at: second,
        to: "239.1.2.3",
        toPort: 5_004,
        transport: Transport.udp,
        marks: Mark.isToMany,
      });
    }
  }
  deepEqual(script.play(make), []);
});

Deno.test("Flood judges a single flow by its rate, answers and refusals", () => {
  const rate = (transport: number, perSecond: number, more: Partial<OneFlow> = {}) =>
    opened(oneFlow({ transport, perSecond, ...more }).play(make)).length;
  equal(rate(Transport.icmp, 10), 0, "ping");
  equal(rate(Transport.icmp, 900), 1, "ping -f");
  equal(rate(Transport.icmp, 900, { icmpType: 3 }), 0, "errors");
  equal(rate(Transport.udp, 1_000), 0, "a camera's stream");
  equal(rate(Transport.udp, 1_000, { isRefused: true }), 1, "refused");
  equal(rate(Transport.udp, 8_000), 1, "LOIC");
  equal(rate(Transport.udp, 8_000, { isAnswered: true }), 0, "QUIC");
  equal(rate(Transport.tcp, 2_000), 1, "SYNs from one port");
});

Deno.test("Flood names the MAC address that floods DHCP servers, not a relay", () => {
  const dhcp = (perSecond: number, fromPort: number): Finding[] => {
    const script = new TrafficScript();
    for (let request = 0; request < perSecond * 10; request++) {
      const from = `10.2.${request >> 8 & 255}.${request & 255}`;
      send(script, {
        at: request / perSecond,
        from,
        fromPort,
        toPort: 67,
        transport: Transport.udp,
        mac: 0x90b11c994929,
      });
    }
    return opened(script.play(make));
  };
  deepEqual(dhcp(50, 68)[0].sources, ["90:b1:1c:99:49:29"]);
  deepEqual(dhcp(10, 68), []);
  deepEqual(dhcp(50, 67), []);
});

interface Sent {
  readonly at: number;
  readonly from?: string;
  readonly fromPort?: number;
  readonly to?: string;
  readonly toPort: number;
  readonly transport?: number;
  readonly marks?: number;
  readonly mac?: number;
}

/** The first packet of a flow: a SYN, unless `transport` says otherwise. */
function send(script: TrafficScript, { marks = 0, ...sent }: Sent): void {
  const { from = attacker, to = victim } = sent;
  const isNew = Mark.isNew | Mark.isFirstOfSide | Mark.sentByOriginator;
  const all = isNew | localMarks(from, to) | marks;
  script.contact({ tcpFlags: 2, ...sent, from, to, marks: all });
}

function forged(ports: number): TrafficScript {
  const prng = new Prng(3);
  const script = new TrafficScript();
  for (let syn = 0; syn < 3_000; syn++) {
    const [high, low] = [prng.next() & 127, prng.next() & 255];
    const toPort = ports === 1 ? 443 : prng.next() % ports;
    send(script, { at: syn / 800, from: `198.${high}.${low}.${prng.next() & 255}`, toPort });
  }
  return script;
}

interface OneFlow {
  readonly transport: number;
  readonly perSecond: number;
  readonly icmpType?: number;
  readonly isRefused?: boolean;
  readonly isAnswered?: boolean;
}

/** What is told of a flow of 16 s: its first packet, its doublings, its first packet in each window. */
function oneFlow(
  { transport, perSecond, icmpType, isRefused, isAnswered }: OneFlow,
): TrafficScript {
  const script = new TrafficScript();
  const isIcmp = transport === Transport.icmp;
  const ports = isIcmp
    ? { fromPort: icmpType ?? 8, toPort: 0 }
    : { fromPort: 4_000, toPort: 9_999 };
  for (let packet = 1; packet <= perSecond * 16; packet++) {
    const isDoubled = packet >= 64 && (packet & packet - 1) === 0;
    const isFirstInWindow = packet === perSecond * 10;
    if (packet > 1 && !isDoubled && !isFirstInWindow) continue;
    const turn = packet === 1
      ? Mark.isNew | Mark.isFirstOfSide
      : isDoubled
      ? Mark.hasDoubled
      : Mark.isFirstInWindow;
    script.contact({
      ...ports,
      at: packet / perSecond,
      from: attacker,
      to: victim,
      transport,
      flowId: 1,
      tcpFlags: 2,
      marks: turn | Mark.sentByOriginator | localMarks(attacker, victim),
      packets: [packet, isAnswered ? packet >> 3 : 0],
      duration: packet / perSecond,
    });
    if (isRefused) script.refused(packet / perSecond, attacker, victim, ports.toPort);
  }
  return script;
}
