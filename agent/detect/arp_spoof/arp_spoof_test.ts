import { deepEqual, equal, ok } from "node:assert/strict";
import { ArpSpoof } from "./arp_spoof.ts";
import type { DetectorFactory } from "../detector.ts";
import { Mark } from "../observation.ts";
import { opened, TrafficScript } from "../testing/traffic_script.ts";

const make: DetectorFactory = (context) => new ArpSpoof(context);
const gateway = { address: "10.0.0.1", mac: 0x020000000001 };
const attacker = { address: "10.0.0.66", mac: 0x020000000066 };
const victim = { address: "10.0.0.5", mac: 0x020000000005 };
interface Host {
  readonly address: string;
  readonly mac: number;
}

Deno.test("ArpSpoof finds unasked answers for an address that another uses", () => {
  const script = new TrafficScript();
  ask(script, 0, attacker, victim.address);
  for (let at = 1; at < 60; at += 2) claim(script, at, gateway.address, attacker.mac, victim);
  for (let at = 2; at < 60; at += 10) ask(script, at, gateway, victim.address);
  const told = script.play(make, 3_600);
  const [first] = told;
  deepEqual(told.map(({ isOpen }) => isOpen), [true, true, false]);
  equal(first.attackId, "T1557.002");
  equal(first.severity, "critical");
  deepEqual(first.sources, [attacker.address]);
  deepEqual(first.targets, [gateway.address, victim.address]);
  ok(first.detectedUs - first.firstUs < 20e6);
  equal(
    first.reason,
    "10.0.0.66 (02:00:00:00:00:66) claimed 10.0.0.1 again and again to 10.0.0.5, unasked, " +
      "while 02:00:00:00:00:01 was using that address",
  );
});

Deno.test("ArpSpoof names a MAC address that has no address of its own, with less weight", () => {
  const script = new TrafficScript();
  for (let at = 1; at < 60; at += 2) claim(script, at, gateway.address, attacker.mac, victim);
  for (let at = 2; at < 60; at += 10) ask(script, at, gateway, victim.address);
  const [found] = opened(script.play(make));
  deepEqual(found.sources, ["02:00:00:00:00:66"]);
  equal(found.severity, "high");
});

Deno.test("ArpSpoof finds unasked answers to all", () => {
  const script = new TrafficScript();
  const all = { address: "0.0.0.0", mac: 0xffffffffffff };
  for (let at = 1; at < 60; at += 2) claim(script, at, gateway.address, attacker.mac, all);
  for (let at = 2; at < 60; at += 10) ask(script, at, gateway, victim.address);
  const [found] = opened(script.play(make));
  deepEqual([found.sources, found.targets], [["02:00:00:00:00:66"], [gateway.address]]);
});

Deno.test("ArpSpoof finds claims of a gateway's address beside the gateway's own traffic", () => {
  const script = new TrafficScript();
  ask(script, 0, gateway, victim.address);
  ask(script, 0.5, attacker, victim.address);
  outside(script, 0, 60, gateway);
  for (let at = 10; at < 60; at += 2) claim(script, at, gateway.address, attacker.mac, victim);
  const [found] = opened(script.play(make));
  deepEqual(found.sources, [attacker.address]);
  ok(found.reason.includes("while packets from outside still came through 02:00:00:00:00:01"));
});

Deno.test("ArpSpoof tells a gateway that changed its MAC address as a change", () => {
  const script = new TrafficScript();
  const next = { address: gateway.address, mac: 0x020000000002 };
  ask(script, 0, gateway, victim.address);
  outside(script, 0, 100, gateway);
  ask(script, 120, next, next.address);
  outside(script, 121, 3_000, next);
  for (let at = 200; at < 3_000; at += 100) ask(script, at, next, victim.address);
  const told = script.play(make);
  deepEqual(told.map(({ isOpen }) => isOpen), [true, false]);
  ok(told[1].lastUs - told[0].firstUs < 600e6);
  equal(told[0].severity, "low");
  ok(told[0].reason.startsWith("The gateway 10.0.0.1 changed its MAC address"));
});

Deno.test("ArpSpoof tells a conflict that goes on, with less confidence", () => {
  const script = new TrafficScript();
  const twin = { address: victim.address, mac: 0x020000000077 };
  for (let at = 0; at < 100; at += 10) {
    ask(script, at, victim, gateway.address);
    ask(script, at + 5, twin, gateway.address);
  }
  const [found] = opened(script.play(make));
  equal(found.severity, "medium");
  equal(
    found.reason,
    "02:00:00:00:00:77 and 02:00:00:00:00:05 claimed 10.0.0.5 in turn: two devices have one " +
      "address, or one of them is spoofing",
  );
});

Deno.test("ArpSpoof stays silent at what networks do", () => {
  const uses: Record<string, (script: TrafficScript) => void> = {
    "DHCP gives an address to another": (script) => {
      for (let at = 0; at < 300; at += 30) ask(script, at, victim, gateway.address);
      for (let at = 300; at < 900; at += 30) {
        ask(script, at, { address: victim.address, mac: 0x020000000088 }, gateway.address);
      }
    },
    "a virtual router moves": (script) => {
      for (let at = 0; at < 300; at += 5) {
        announce(script, at, { address: gateway.address, mac: 0x00005e000101 });
        announce(script, at + 1, { address: gateway.address, mac: 0x020000000002 });
        announce(script, at + 2, { address: gateway.address, mac: 0x00000c07ac01 });
      }
    },
    "a failover and back": (script) => {
      for (const [at, mac] of [[0, 1], [300, 2], [5_000, 1], [9_000, 2]] as const) {
        announce(script, at, { address: gateway.address, mac: 0x020000000000 + mac });
      }
    },
    "a host with two cards in one network": (script) => {
      for (let at = 0; at < 600; at += 10) {
        ask(script, at, victim, "10.0.0.20");
        claim(script, at + 0.001, "10.0.0.20", 0x020000000020, victim);
        claim(script, at + 0.002, "10.0.0.20", 0x020000000021, victim);
      }
    },
    "answers to requests": (script) => {
      for (let at = 0; at < 600; at += 10) {
        ask(script, at, victim, gateway.address);
        claim(script, at + 0.001, gateway.address, gateway.mac, victim);
      }
    },
    "answers whose requests were not seen": (script) => {
      for (let at = 0; at < 600; at += 10) {
        claim(script, at, gateway.address, gateway.mac, victim);
      }
    },
    "probes before use": (script) => {
      for (let at = 0; at < 50; at++) {
        ask(script, at, { address: "0.0.0.0", mac: 0x020000000100 + at }, victim.address);
      }
    },
    "a router that answers for others": (script) => {
      for (let host = 1; host < 200; host++) {
        ask(script, host, victim, `10.0.3.${host}`);
        claim(script, host + 0.001, `10.0.3.${host}`, gateway.mac, victim);
      }
    },
  };
  for (const [name, use] of Object.entries(uses)) {
    const script = new TrafficScript();
    use(script);
    deepEqual(script.play(make), [], name);
  }
});

function ask(script: TrafficScript, at: number, { address, mac }: Host, target: string): void {
  script.arp({ at, operation: "request", sender: address, senderMac: mac, target });
}
function announce(script: TrafficScript, at: number, host: Host): void {
  ask(script, at, host, host.address);
}
/** A reply to `to` that `address` is at `mac`. */
function claim(script: TrafficScript, at: number, address: string, mac: number, to: Host): void {
  script.arp({ at, operation: "reply", sender: address, senderMac: mac, target: to.address });
}
/** Packets from outside that a gateway brings, one a second. */
function outside(script: TrafficScript, from: number, to: number, { mac }: Host): void {
  for (let at = from; at < to; at++) {
    const marks = Mark.isFirstInWindow;
    script.contact({ at, from: "198.51.100.7", to: victim.address, marks, mac });
  }
}
