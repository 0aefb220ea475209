/** Contacts that fail for a harmless reason, and beside each a scan of the same shape. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { Transport } from "../../records.ts";
import { Prng } from "../common/prng.ts";
import { TcpFlag } from "./probe_family.ts";
import { type Contact, ScanScript } from "./testing/probes.ts";

const client = "10.1.0.5";
const dead = [3, 4, 8, 11, 12, 17, 19];

/** What one host after the other does, whose last byte is given. */
function inTurn(bytes: readonly number[], gapS: number, act: (byte: number, atS: number) => void) {
  bytes.forEach((byte, index) => act(byte, index * gapS));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Sources of what was told. */
function named(act: (script: ScanScript) => void): string[] {
  const script = new ScanScript();
  act(script);
  script.finish();
  return [...new Set(script.latest.flatMap(({ sources }) => sources))];
}

interface Case {
  readonly name: string;
  /** Sources that are told. */
  readonly told?: readonly string[];
  readonly act: (script: ScanScript) => void;
}

const gossip = { from: client, fromPort: 8301, port: 8301 };
const mac = 0x020000000005;
const ipv6 = "fd00:0:0:0:0:0:0:5";

/** A connection that was open before the capture began: its first packet is of one side or the other. */
function talk(script: ScanScript, atS: number, { from, to, port, fromPort = 45_000 }: Contact) {
  const isDeviceFirst = Number(to.split(".")[3]) % 2 === 0;
  const flags = TcpFlag.ack | TcpFlag.psh;
  const contact = isDeviceFirst
    ? { from: to, to: from, port: fromPort, fromPort: port }
    : { from, to, port, fromPort };
  script.tcp(atS, { ...contact, flags, payloadLength: 20 }, "used");
}

/** Names of public addresses, each in a network of its own. */
function publicAddress(index: number): string {
  return `${100 + index % 27}.${index >> 8 & 255}.${index & 255}.9`;
}

const cases: readonly Case[] = [
  {
    name: "gossip with 20 members of which 7 are down",
    act: (script) => {
      inTurn(range(1, 21), 0.1, (byte, atS) => {
        script.udp(atS, { ...gossip, to: `10.1.0.${byte + 9}` }, !dead.includes(byte));
      });
    },
  },
  {
    name: "gossip that the members begin as often",
    act: (script) => {
      inTurn(range(1, 21), 0.2, (byte, atS) => {
        const to = `10.1.0.${byte + 9}`;
        if (dead.includes(byte)) return script.udp(atS, { ...gossip, to }, false);
        script.udp(atS, { from: to, to: client, fromPort: 8301, port: 8301 }, true);
      });
    },
  },
  {
    name: "a sweep of the port of a gossip of three",
    told: [client],
    act: (script) => {
      inTurn(range(1, 41), 0.1, (byte, atS) => {
        script.udp(atS, { ...gossip, to: `10.1.0.${byte + 9}` }, byte % 13 === 0);
      });
    },
  },
  {
    name: "a controller that retries 7 devices that are off while it talks to 6",
    act: (script) => {
      for (let minute = 0; minute < 60; minute++) {
        const atS = minute * 60;
        inTurn(range(100, 107), 0.1, (byte, afterS) => {
          script.tcp(atS + afterS, { from: client, to: `10.1.0.${byte}`, port: 6053 }, "silent");
        });
        if (minute > 0) continue;
        inTurn(range(150, 156), 0.5, (byte, afterS) => {
          talk(script, 1 + afterS, { from: client, to: `10.1.0.${byte}`, port: 6053 });
        });
      }
    },
  },
  {
    name: "a host that talks to 6 and tries 20 others on the same port",
    told: [client],
    act: (script) => {
      inTurn(range(150, 156), 0.1, (byte, atS) => {
        talk(script, atS, { from: client, to: `10.1.0.${byte}`, port: 6053 });
      });
      inTurn(range(10, 30), 0.1, (byte, atS) => {
        script.tcp(1 + atS, { from: client, to: `10.1.0.${byte}`, port: 6053 }, "silent");
      });
    },
  },
  {
    name: "a host that uses 30 web servers here and looks for others in another network",
    told: [client],
    act: (script) => {
      inTurn(range(10, 40), 1, (byte, atS) => {
        script.tcp(atS, { from: client, to: `10.1.0.${byte}`, port: 443 }, "used");
      });
      inTurn(range(1, 30), 1, (byte, atS) => {
        script.tcp(60 + atS, { from: client, to: `10.2.0.${byte}`, port: 443 }, "silent");
      });
    },
  },
  {
    name: "a busy browser whose host sweeps another port slowly",
    told: [client],
    act: (script) => {
      for (let index = 0; index < 1200; index++) {
        script.tcp(index, { from: client, to: publicAddress(index), port: 443 }, "used");
        const to = `10.1.0.${index / 30 | 0}`;
        if (index % 30 === 0) script.tcp(index + 0.5, { from: client, to, port: 445 }, "refused");
      }
    },
  },
  {
    name: "a busy browser whose host tries the ports of a server slowly",
    told: [client],
    act: (script) => {
      for (let index = 0; index < 1200; index++) {
        script.tcp(index, { from: client, to: publicAddress(index), port: 443 }, "used");
        const contact = { from: client, to: "10.1.0.9", port: 20 + index / 30 };
        if (index % 30 === 0) script.tcp(index + 0.5, contact, "refused");
      }
    },
  },
  {
    name: "a peer-to-peer client with one port for all, of whose peers a third answers",
    act: (script) => {
      for (let index = 0; index < 600; index++) {
        const contact = { from: client, fromPort: 30_303, to: publicAddress(index), port: 30_303 };
        script.udp(index * 0.2, contact, index % 5 < 2);
      }
    },
  },
  {
    name: "a search outside for one port that hardly anyone answers",
    told: [client],
    act: (script) => {
      for (let index = 0; index < 600; index++) {
        const contact = { from: client, fromPort: 30_303, to: publicAddress(index), port: 30_303 };
        script.udp(index * 0.2, contact, index % 20 === 0);
      }
    },
  },
  {
    name: "STUN to 90 relays while UDP is blocked",
    act: (script) => {
      inTurn(range(100, 190), 0.003, (byte, atS) => {
        const to = `198.51.100.${byte}`;
        const contact = { from: client, fromPort: 41_641, to, port: 3478 };
        script.udp(atS, { ...contact, application: "stun" }, false);
      });
    },
  },
  {
    name: "STUN to all hosts of a network outside",
    told: [client],
    act: (script) => {
      inTurn(range(1, 255), 0.01, (byte, atS) => {
        const to = `198.51.100.${byte}`;
        const contact = { from: client, fromPort: 41_641, to, port: 3478 };
        script.udp(atS, { ...contact, application: "stun" }, false);
      });
    },
  },
  ...(["dns", "stun", "snmp", "ntp"] as const).map((application): Case => ({
    name: `${application} to the hosts of the own network`,
    told: [client],
    act: (script) => {
      inTurn(range(1, 30), 0.01, (byte, atS) => {
        const contact = { from: client, fromPort: 50_000, to: `10.1.0.${byte}`, port: 161 };
        script.udp(atS, { ...contact, application }, false);
      });
    },
  })),
  {
    name: "SIP from outside to the hosts of the own network",
    told: ["198.51.100.7"],
    act: (script) => {
      inTurn(range(1, 30), 0.01, (byte, atS) => {
        const contact = { from: "198.51.100.7", fromPort: 5060, to: `10.1.0.${byte}`, port: 5060 };
        script.udp(atS, { ...contact, application: "sip" }, false);
      });
    },
  },
  {
    name: "QUIC that a firewall swallows, to hosts used over TLS",
    act: (script) => {
      for (let index = 0; index < 300; index++) {
        const contact = { from: client, to: publicAddress(index), port: 443 };
        script.tcp(index, contact, "used");
        script.udp(index + 0.5, contact, false);
      }
    },
  },
  {
    name: "Canon's search for printers",
    act: (script) => {
      inTurn(range(1, 255), 0.2, (byte, atS) => {
        const contact = { from: client, fromPort: 8612, to: `10.1.0.${byte}`, port: 8612 };
        script.udp(atS, { ...contact, application: "bjnp" }, false);
      });
    },
  },
  {
    name: "a port that Canon's search uses, asked otherwise",
    told: [client],
    act: (script) => {
      inTurn(range(1, 30), 0.2, (byte, atS) => {
        const contact = { from: client, fromPort: 8612, to: `10.1.0.${byte}`, port: 8612 };
        script.udp(atS, contact, false);
      });
    },
  },
  ...([0.25, 0.02, 0.9] as const).map((afterS): Case => ({
    name: `IPv6 that leads nowhere, made good over IPv4 after ${afterS} s`,
    act: (script) => {
      for (let index = 0; index < 60; index++) {
        const to = `2001:db8:0:0:0:0:1:${index.toString(16)}`;
        script.tcp(index * 5, { from: ipv6, to, port: 443, mac }, "silent");
        // Some share their IPv4 address.
        const old = publicAddress(index % 20);
        script.tcp(index * 5 + afterS, { from: client, to: old, port: 443, mac }, "used", 0.05);
      }
    },
  })),
  {
    name: "IPv6 that leads nowhere while another machine uses IPv4",
    told: [ipv6],
    act: (script) => {
      for (let index = 0; index < 60; index++) {
        const to = `2001:db8:0:0:0:0:1:${index.toString(16)}`;
        script.tcp(index, { from: ipv6, to, port: 443, mac }, "silent");
        const contact = { from: "10.1.0.6", to: publicAddress(index), port: 443, mac: mac + 1 };
        script.tcp(index + 0.25, contact, "used", 0.05);
      }
    },
  },
  {
    name: "a sweep over IPv6 of a machine that browses over IPv4",
    told: [ipv6],
    act: (script) => {
      for (let index = 0; index < 200; index++) {
        const to = `2001:db8:0:0:0:0:1:${index.toString(16)}`;
        script.tcp(index * 0.1, { from: ipv6, to, port: 443, mac }, "silent");
        const contact = { from: client, to: publicAddress(index), port: 443, mac };
        if (index % 10 === 0) script.tcp(index * 0.1 + 0.05, contact, "used", 0.01);
      }
    },
  },
  {
    name: "networks to which there is no route",
    act: (script) => {
      for (let index = 0; index < 100; index++) {
        const contact = { from: client, to: publicAddress(index), port: 443, fromPort: 50_000 };
        script.tcp(index * 0.1, contact, "silent");
        script.icmpError(index * 0.1 + 0.01, Transport.tcp, contact, 3, index % 2 === 0 ? 0 : 6);
        const contact6 = {
          from: ipv6,
          to: `2001:db8:0:0:0:0:2:${index.toString(16)}`,
          port: 443,
          fromPort: 50_000,
        };
        script.tcp(index * 0.1 + 0.02, contact6, "silent");
        script.icmpError(index * 0.1 + 0.03, Transport.tcp, contact6, 1, 0);
      }
    },
  },
  {
    name: "hosts that a router does not reach",
    told: [client],
    act: (script) => {
      inTurn(range(1, 40), 0.1, (byte, atS) => {
        const contact = { from: client, to: `10.2.0.${byte}`, port: 22, fromPort: 50_000 };
        script.tcp(atS, contact, "silent");
        script.icmpError(atS + 0.01, Transport.tcp, contact, 3, 1);
      });
    },
  },
  {
    name: "media to many hosts that send none back",
    act: (script) => {
      inTurn(range(1, 60), 1, (byte, atS) => {
        const contact = { from: client, to: `10.2.0.${byte}`, port: 5004, fromPort: 5004 };
        script.stream(atS, contact, 50);
      });
    },
  },
  {
    name: "datagrams to many hosts, each sent four times",
    told: [client],
    act: (script) => {
      inTurn(range(1, 60), 1, (byte, atS) => {
        const contact = { from: client, to: `10.2.0.${byte}`, port: 1900, fromPort: 50_000 };
        script.stream(atS, contact, 4);
      });
    },
  },
  {
    name: "a tunnel whose ends use the port by turns",
    act: (script) => {
      inTurn(range(1, 60), 1, (byte, atS) => {
        const to = `10.2.0.${byte}`;
        script.udp(atS, { from: client, to, port: 6635, fromPort: 50_000 + byte }, false);
        script.udp(atS + 1, { from: to, to: client, port: 6635, fromPort: 51_000 + byte }, false);
      });
    },
  },
  {
    name: "active FTP to a client whose firewall swallows it",
    act: (script) => {
      script.tcp(0, { from: client, to: "10.1.0.21", port: 21 }, "used");
      for (let index = 0; index < 50; index++) {
        const data = { from: "10.1.0.21", to: client, fromPort: 20, port: 40_000 + index * 3 };
        script.tcp(10 + index, data, "silent");
      }
    },
  },
];

for (const { name, told = [], act } of cases) {
  Deno.test(`${name}: ${told.length > 0 ? "a scan" : "no scan"}`, () => {
    deepStrictEqual(named(act), told);
  });
}

/** The outbound half of browsing: TCP and QUIC that go on, name and time servers that are asked. */
function browseOneWay(script: ScanScript, seconds: number): void {
  const random = new Prng(4);
  for (let atS = 0; atS < seconds; atS += 3) {
    const index = atS / 3;
    const dns = { from: client, to: `10.1.0.${1 + index % 2}`, port: 53 };
    script.udp(atS, { ...dns, application: "dns" }, false);
    script.tcp(atS + 0.1, { from: client, to: publicAddress(index), port: 443 }, "silent");
    script.goOn(atS + 0.2);
    const quic = { from: client, to: publicAddress(1000 + index), port: 443 };
    script.stream(atS + 0.3, { ...quic, application: "quic" }, 4 + random.below(20), [
      1200,
      41,
      60,
    ]);
    const to = publicAddress(2000 + index);
    if (index < 40) script.udp(atS + 1, { from: client, to, port: 123, application: "ntp" }, false);
    // What is not known by name, too.
    script.udp(atS + 1.5, { from: client, to: publicAddress(3000 + index), port: 27_015 }, false);
  }
}

Deno.test("where one direction only is captured, browsing is no scan", () => {
  deepStrictEqual(named((script) => browseOneWay(script, 360)), []);
});

const probes: readonly (readonly [string, (script: ScanScript, index: number) => void])[] = [
  ["a scan of a host's TCP ports", (script, index) => {
    script.tcp(30 + index / 10, { from: "10.1.0.66", to: "10.1.0.9", port: 1 + index }, "silent");
  }],
  ["a sweep by TCP", (script, index) => {
    script.tcp(30 + index / 10, { from: "10.1.0.66", to: `10.2.0.${index}`, port: 445 }, "silent");
  }],
  ["a scan of a host's UDP ports", (script, index) => {
    const contact = { from: "10.1.0.66", to: "10.1.0.9", port: 1 + index, fromPort: 50_000 };
    script.udp(30 + index / 10, contact, false);
  }],
  ["a sweep by UDP of a whole network", (script, index) => {
    const contact = { from: "10.1.0.66", to: `10.2.0.${index}`, port: 161, fromPort: 50_000 };
    script.udp(30 + index / 10, contact, false);
  }],
];
for (const [name, probe] of probes) {
  Deno.test(`where one direction only is captured, ${name} is found`, () => {
    const sources = named((script) => {
      browseOneWay(script, 30);
      for (let index = 0; index < 250; index++) probe(script, index);
    });
    ok(sources.includes("10.1.0.66"), sources.join());
  });
}
