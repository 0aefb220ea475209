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
  // Each claim after a pause, while they add a fifth to what was told.
  deepEqual(told.map(({ isOpen }) => isOpen), [...Array(10).fill(true), false]);
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

Deno.test("ArpSpoof finds claims of an address from which its owner goes on sending", () => {
  for (const start of [0, 20]) {
    const script = new TrafficScript();
    ask(script, 0, attacker, victim.address);
    uses(script, start, 60, victim);
    for (let at = 10; at < 60; at += 2) claim(script, at, victim.address, attacker.mac, gateway);
    const [found, ...more] = opened(script.play(make));
    deepEqual([found.sources, found.targets, found.severity, more.length], [
      [attacker.address],
      [victim.address, gateway.address],
      "critical",
      0,
    ]);
    ok(found.detectedUs - found.firstUs < (start + 10) * 1e6);
    equal(
      found.reason,
      "10.0.0.66 (02:00:00:00:00:66) claimed 10.0.0.5 again and again to 10.0.0.1, unasked, " +
        "while 02:00:00:00:00:05 was using that address",
    );
  }
});

Deno.test("ArpSpoof finds it while the attacker passes the owner's packets on", () => {
  for (const ttl of [63, 64]) {
    const script = new TrafficScript();
    ask(script, 0, attacker, victim.address);
    for (let at = 10; at < 60; at += 2) claim(script, at, victim.address, attacker.mac, gateway);
    uses(script, 0, 60, victim);
    uses(script, 11.5, 60, { address: victim.address, mac: attacker.mac }, ttl);
    deepEqual(opened(script.play(make)).map(({ sources }) => sources), [[attacker.address]]);
  }
});

Deno.test("ArpSpoof finds claims of the address of a gateway that was only answered", () => {
  const script = new TrafficScript();
  ask(script, 0, attacker, victim.address);
  claim(script, 1, victim.address, victim.mac, gateway);
  outside(script, 0, 60, gateway);
  for (let at = 10; at < 60; at += 2) claim(script, at, gateway.address, attacker.mac, victim);
  const [found] = opened(script.play(make));
  deepEqual([found.sources, found.severity], [[attacker.address], "high"]);
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
  const usual: Record<string, (script: TrafficScript) => void> = {
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
    "an address that moves on, unasked, and whose former owner is silent": (script) => {
      ask(script, 0, attacker, gateway.address);
      uses(script, 0, 300, victim);
      for (let at = 301; at < 600; at += 2) {
        claim(script, at, victim.address, attacker.mac, gateway);
      }
    },
    "DHCP gives an address to another that the former one has used": (script) => {
      uses(script, 0, 300, victim);
      const next = { address: victim.address, mac: 0x020000000088 };
      for (let at = 300; at < 900; at += 30) ask(script, at, next, gateway.address);
      uses(script, 300, 900, next);
    },
    "a host that comes back with another, random MAC address": (script) => {
      for (let visit = 0; visit < 5; visit++) {
        const host = { address: victim.address, mac: 0x020000000100 + visit };
        announce(script, visit * 300, host);
        for (let at = 1; at < 200; at += 20) ask(script, visit * 300 + at, host, gateway.address);
        uses(script, visit * 300, visit * 300 + 250, host);
      }
    },
    "a failover whose new node announces the address again and again": (script) => {
      const nodes = [{ address: "10.0.0.9", mac: 0x020000000031 }, attacker];
      nodes.forEach((node) => ask(script, 0, node, gateway.address));
      uses(script, 0, 300, { address: nodes[0].address, mac: nodes[0].mac });
      for (let at = 300; at < 330; at++) {
        announce(script, at, { address: nodes[0].address, mac: attacker.mac });
        const own = { address: nodes[0].address, mac: attacker.mac };
        script.arp({
          at,
          operation: "reply",
          sender: own.address,
          senderMac: own.mac,
          target: own.address,
        });
      }
    },
    "a virtual machine that moves, with its MAC address": (script) => {
      uses(script, 0, 600, victim);
      for (let at = 300; at < 310; at++) announce(script, at, victim);
      for (let at = 310; at < 330; at += 2) {
        claim(script, at, victim.address, victim.mac, gateway);
      }
    },
    "a bond that sends from both cards and tells its clients of one": (script) => {
      const cards = [0x020000000041, 0x020000000042];
      for (const mac of cards) uses(script, 0, 100, { address: "10.0.0.40", mac });
      for (let at = 10; at < 100; at += 2) claim(script, at, "10.0.0.40", cards[1], victim);
    },
    "a bond that sends from one card and tells its clients of the other": (script) => {
      uses(script, 0, 100, { address: "10.0.0.40", mac: 0x020000000041 });
      for (let at = 10; at < 100; at += 2) claim(script, at, "10.0.0.40", 0x020000000042, victim);
    },
    "real servers that answer from the address of their balancer": (script) => {
      const balancer = { address: "10.0.0.51", mac: 0x020000000051 };
      ask(script, 0, balancer, gateway.address);
      for (const mac of [0x020000000052, 0x020000000053]) {
        uses(script, 0, 100, { address: "10.0.0.50", mac });
      }
      for (let at = 1; at < 100; at += 2) claim(script, at, "10.0.0.50", balancer.mac, gateway);
    },
    "a laptop on cable and wireless, each card of which speaks for both addresses": (script) => {
      const cable = { address: "10.0.0.60", mac: 0x020000000061 };
      const wireless = { address: "10.0.0.61", mac: 0x020000000062 };
      for (let at = 0; at < 300; at += 10) {
        ask(script, at, cable, gateway.address);
        ask(script, at + 1, { address: wireless.address, mac: cable.mac }, gateway.address);
        for (const { address } of [cable, wireless]) {
          ask(script, at + 2, gateway, address);
          claim(script, at + 2.001, address, wireless.mac, gateway);
        }
      }
      uses(script, 0, 300, { address: wireless.address, mac: cable.mac });
      uses(script, 0, 300, cable);
    },
    "a host whose packets are seen again behind a router": (script) => {
      ask(script, 0, { ...victim, address: "10.0.0.6" }, gateway.address);
      uses(script, 0, 100, { address: victim.address, mac: gateway.mac }, 63);
      for (let at = 10; at < 100; at += 2) claim(script, at, victim.address, victim.mac, gateway);
    },
    "a router that answers for a host, which is asked for, and which also sends": (script) => {
      ask(script, 0, attacker, gateway.address);
      uses(script, 0, 100, victim);
      for (let at = 10; at < 100; at += 2) {
        ask(script, at, gateway, victim.address);
        claim(script, at + 0.001, victim.address, attacker.mac, gateway);
      }
    },
    "a virtual router's packets beside those of its card": (script) => {
      ask(script, 0, attacker, victim.address);
      uses(script, 0, 100, { address: gateway.address, mac: 0x00005e000101 });
      for (let at = 10; at < 100; at += 2) {
        claim(script, at, gateway.address, attacker.mac, victim);
      }
    },
    "a router that answers for others": (script) => {
      for (let host = 1; host < 200; host++) {
        ask(script, host, victim, `10.0.3.${host}`);
        claim(script, host + 0.001, `10.0.3.${host}`, gateway.mac, victim);
      }
    },
  };
  for (const [name, act] of Object.entries(usual)) {
    const script = new TrafficScript();
    act(script);
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
  script.arp({
    at,
    operation: "reply",
    sender: address,
    senderMac: mac,
    target: to.address,
    targetMac: to.mac,
  });
}
/** Packets from the host's own address, one a second. */
function uses(script: TrafficScript, from: number, to: number, host: Host, ttl = 64): void {
  for (let at = from; at < to; at++) {
    const marks = Mark.isFirstInWindow | Mark.isSourceLocal | Mark.sentByOriginator;
    script.contact({ at, from: host.address, to: "198.51.100.7", marks, mac: host.mac, ttl });
  }
}
/** Packets from outside that a gateway brings, one a second. */
function outside(script: TrafficScript, from: number, to: number, { mac }: Host): void {
  for (let at = from; at < to; at++) {
    const marks = Mark.isFirstInWindow | Mark.isDestinationLocal;
    script.contact({ at, from: "198.51.100.7", to: victim.address, marks, mac });
  }
}
