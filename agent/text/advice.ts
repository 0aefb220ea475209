/**
 * What to do about a finding: at most three steps, first the harmless explanation, then the check, then the cut. Each
 * step begins with a verb. Pure.
 */
import type { Finding } from "../records.ts";
import { isOfItself, isSoughtAfter } from "../finding_ends.ts";
import { formatCount } from "./amounts.ts";

export interface Step {
  /** Said first, in bold. */
  readonly what: string;
  readonly why: string;
}

/** `nameOf` gives the name to use for an address. */
export function adviceFor(
  finding: Finding,
  nameOf: (address: string) => string,
): readonly Step[] {
  const source = nameOf(finding.sources[0] ?? finding.anomaly?.entity ?? "");
  const target = nameOf(finding.targets[0] ?? "");
  switch (finding.kind) {
    case "scan":
      return scanSteps(finding, source, target);
    case "brute_force":
      return bruteForceSteps(finding, source, target);
    case "flood":
      return floodSteps(source, target);
    case "reflection":
      return reflectionSteps(finding, source, target);
    case "arp_spoof":
      return arpSteps(source, target);
    case "dns_tunnel":
      return tunnelSteps(source);
    case "beacon":
      return beaconSteps(source, target);
    case "blocklist":
      return blocklistSteps(finding, source, target);
    case "exfiltration":
      return exfiltrationSteps(source, target);
    case "anomaly":
      return anomalySteps(finding, source);
    case "fleet_scan":
      return fleetScanSteps(source);
    case "lateral_movement":
      return lateralSteps(source, target);
    case "first_contact":
      return firstContactSteps(source);
    case "first_seen":
      return firstSeenSteps(source);
    case "agent_silent":
      return silentSteps(source);
    case "agent_cloned":
      return clonedSteps(source);
  }
}

function fleetScanSteps(source: string): Step[] {
  return [
    {
      what: `Ask whether ${source} may do this:`,
      why: "an inventory or vulnerability scanner of your own looks the same. Then mute it.",
    },
    {
      what: "Check what has answered:",
      why: `search for flows with src ${source} and answered yes.`,
    },
    { what: `Block ${source}`, why: "where all hosts are reached from, not host by host." },
  ];
}

function lateralSteps(source: string, target: string): Step[] {
  return [
    {
      what: "Ask who was logged in then:",
      why: "an administrator who goes over one host to another for the first time looks the same.",
    },
    {
      what: `Check the log-ins of ${target}`,
      why: `at that time, and what was started after them; then those of ${source}.`,
    },
    { what: `Cut ${target} off`, why: "from the others if nobody knows of it." },
  ];
}

function firstContactSteps(source: string): Step[] {
  return [
    {
      what: `Ask who has set up or changed ${source}:`,
      why: "a new device, an update or a new program looks the same; then nothing has to be done.",
    },
    {
      what: `Look at the page of ${source}:`,
      why: "what does it offer, and with whom does it talk?",
    },
    { what: `Cut ${source} off if nobody knows it`, why: "at its switch port or access point." },
  ];
}

function firstSeenSteps(source: string): Step[] {
  return [{
    what: `Look at what ${source} has installed or been told to do:`,
    why: "mostly it is an update or a new program; nothing has to be done about it.",
  }];
}

function silentSteps(source: string): Step[] {
  return [
    {
      what: `Look whether ${source} is on`,
      why: "and reaches the NATS server; its own dashboard and log say what stands against it.",
    },
    {
      what: "Check whether somebody has stopped it:",
      why: "what it records meanwhile comes later, from its spool.",
    },
  ];
}

function clonedSteps(source: string): Step[] {
  return [
    {
      what: `Enroll one of the two anew, as another than ${source}:`,
      why:
        "a copied machine has copied the credentials file too. tapwatch fleet enroll makes a new one.",
    },
    {
      what: "Revoke the old credential",
      why: "if nobody knows of a copy: then it has been stolen.",
    },
  ];
}

function scanSteps(finding: Finding, source: string, target: string): Step[] {
  const { scan } = finding;
  if (isOfItself(finding)) return ownScanSteps(scan?.answered ?? 0);
  const [back] = scan?.cameBack ?? [];
  const check: Step = back !== undefined
    ? {
      what: `Check ${back} for log-ins`,
      why: `by ${source}: it came back and exchanged data after it had found this port.`,
    }
    : scan && scan.answered > 0
    ? {
      what: `Check the ${formatCount(scan.answered)} that answered:`,
      why: "should these ports be open to that address, and are their services up to date?",
    }
    : { what: "Check nothing on the targets:", why: "no port that was tried has answered." };
  if (scan?.kind === "distributed") {
    return [
      {
        what: "Ask whether this is public.",
        why: `A service that many may use is also tried by many; ${target} may be one.`,
      },
      check,
      {
        what: `Close what ${target} need not offer`,
        why: "at the firewall; the sources are many.",
      },
    ];
  }
  return [
    {
      what: "Ask whether somebody looks on purpose.",
      why: `An inventory, a vulnerability scanner or an administrator at ${source} looks the same.`,
    },
    check,
    {
      what: `Cut ${source} off if nobody knows:`,
      why: scan?.hasDecoys
        ? "but the sources may be forged; the switch port says which one is real."
        : "at the firewall or its switch port, and keep the packets.",
    },
  ];
}

function ownScanSteps(answered: number): Step[] {
  return [
    {
      what: "Ask whether somebody tried a scanner here.",
      why: "nmap against localhost, or an address of one's own, looks like this.",
    },
    answered > 0
      ? {
        what: `Check the ${formatCount(answered)} that answered:`,
        why:
          "should these ports be open? Any program of this host, and any page in its browser, can reach them.",
      }
      : { what: "Check nothing on the ports:", why: "none that was tried has answered." },
    {
      what: "Look which program it was if nobody knows:",
      why: "a page in a browser or a program taken over looks for services from inside.",
    },
  ];
}

function bruteForceSteps({ hasSucceeded }: Finding, source: string, target: string): Step[] {
  if (hasSucceeded) {
    return [
      {
        what: "Ask whether somebody mistyped.",
        why: `Who logs in to ${target} from ${source} may have needed several tries.`,
      },
      {
        what: `Look at the log-ins of ${target}:`,
        why: `which account did ${source} get, and what was done with it?`,
      },
      {
        what: `Block ${source} if nobody knows, and end its sessions`,
        why: "Change the account's password and keys, and look for new accounts, keys and jobs.",
      },
    ];
  }
  return [
    {
      what: "Ask whether a password has changed.",
      why: `A script or a mail program at ${source} with an old one tries again and again.`,
    },
    {
      what: `Look at the log-ins of ${target}:`,
      why: `has one from ${source} succeeded after the failures?`,
    },
    {
      what: `Block ${source} if nobody knows`,
      why: "and let the service take keys or a second factor only.",
    },
  ];
}

function floodSteps(source: string, target: string): Step[] {
  return [
    {
      what: "Ask whether somebody measures.",
      why: "A load test or a speed test can look the same.",
    },
    { what: `Check whether ${target} still answers`, why: "and how full its link is." },
    {
      what: `Limit or block ${source}`,
      why: "at the router; if the sources are forged, ask the provider to filter by target.",
    },
  ];
}

function reflectionSteps({ attackId }: Finding, source: string, target: string): Step[] {
  const check: Step = {
    what: `Look whether ${source} is yours:`,
    why: "then close the service to the internet, or let it answer only whom it serves.",
  };
  if (attackId === "") {
    return [
      {
        what: `Ask nothing of ${source}:`,
        why: "it answers what it was sent, and is rather attacked than an attacker.",
      },
      { what: "Keep the packets", why: "if its owner asks; nothing here has to be done." },
    ];
  }
  return [
    {
      what: "Ask whether the questions took another way.",
      why: "With two uplinks, or one direction captured, answers seem to come unasked.",
    },
    check,
    {
      what: `Have the provider filter what comes to ${target}`,
      why: "by the port that the answers come from; the hosts that send them are used by others.",
    },
  ];
}

function arpSteps(source: string, target: string): Step[] {
  return [
    {
      what: "Ask whether a device was exchanged.",
      why: "A new router, a failover pair or a moved virtual machine changes the MAC as well.",
    },
    {
      what: `Compare the MAC of ${target || source}`,
      why: "with the label on the device or the table of the switch.",
    },
    {
      what: "Unplug the port that has the wrong MAC",
      why: "if nobody knows it, and change passwords that were typed meanwhile.",
    },
  ];
}

function tunnelSteps(source: string): Step[] {
  return [
    {
      what: "Look at the names that were asked.",
      why: "Virus scanners, mail filters and content networks put data in names too.",
    },
    { what: `Check what runs on ${source}`, why: "and since when it asks for them." },
    {
      what: "Block the domain at the resolver if nobody knows",
      why: `and take ${source} off the network.`,
    },
  ];
}

function beaconSteps(source: string, target: string): Step[] {
  return [
    {
      what: "Ask what calls home there.",
      why: "Update checks, monitoring, smart devices and chat programs call in a fixed rhythm.",
    },
    { what: `Look up ${target}:`, why: `whose is it, and which program on ${source} calls it?` },
    {
      what: `Block ${target} if nobody knows`,
      why: `and examine ${source} before it is switched off.`,
    },
  ];
}

function blocklistSteps(finding: Finding, source: string, target: string): Step[] {
  const isCalled = finding.attackId === "";
  const host = isCalled ? target : source;
  return [
    {
      what: "Look into the list, at the line that is named:",
      why: "what does it say of this entry, and how old is it? Addresses change hands.",
    },
    isCalled
      ? {
        what: `Check whether ${host} has to be reachable from there`,
        why: "and close the port to it if it has not.",
      }
      : {
        what: `Find out which program on ${host} does this`,
        why: "An advertisement in a page is harmless, a program that nobody knows is not.",
      },
  ];
}

function exfiltrationSteps(source: string, target: string): Step[] {
  return [
    {
      what: `Ask what ${source} was doing.`,
      why: "A backup, a software update's report or a new cloud service is set up on purpose.",
    },
    {
      what: `Look up ${target},`,
      why: "and export the packets: its name and certificate may say whose it is.",
    },
    {
      what: `Block ${target} if nobody knows`,
      why: `and take ${source} off the network until it is clear what has left.`,
    },
  ];
}

function anomalySteps(finding: Finding, source: string): Step[] {
  const { anomaly } = finding;
  const who = anomaly?.entity === "link" ? "the network" : source;
  const ask = { what: "Ask what was new.", why: harmlessText(finding, who) };
  if (isSoughtAfter(finding)) {
    return [
      ask,
      {
        what: "Look at who came",
        why: "in the flows below: one host, or many, and to which ports?",
      },
      {
        what: "Block those who came if nobody knows",
        why: `at the firewall; ${source} is where they went, not where it began.`,
      },
    ];
  }
  return [
    ask,
    {
      what: "Look at the flows of that moment",
      why: "below: with whom, over which service, how much?",
    },
    {
      what: anomaly?.entity === "link" ? "Keep the packets" : `Cut ${who} off if nobody knows`,
      why: anomaly?.entity === "link"
        ? "and see which host stands out next."
        : "and keep the packets.",
    },
  ];
}

/** What is harmless and looks like that which stands out most. */
const harmless: readonly { readonly features: readonly string[]; readonly why: string }[] = [
  {
    features: ["failed", "failed_share", "refused"],
    why:
      "A service that is off or has moved, a wrong address in a configuration or a blocked port " +
      "makes WHO try in vain and looks the same.",
  },
  {
    features: ["failed_in"],
    why: "A service of WHO that is off or has moved is still called by those who knew it.",
  },
  {
    features: ["packets_in", "sources", "ports_in"],
    why: "A health check, a load test or a service moved to or from WHO looks the same.",
  },
  {
    features: ["packets_out", "out_in_ratio"],
    why: "A backup, an upload, a video call or an update that WHO hands on looks the same.",
  },
  {
    features: ["nxdomain_share", "dns_names", "dns_name_length"],
    why:
      "A wrong search domain, a mail server that checks senders or a browser that was just opened " +
      "at WHO looks the same.",
  },
  {
    features: ["connections", "connections_per_target", "peers", "ports", "ports_per_peer"]
      .concat("first_contacts"),
    why: "A new device or program, an inventory or a monitoring host at WHO looks the same.",
  },
];

/** What failed has a reason of its own, whatever else stands out. */
const failing: readonly string[] = [...harmless[0]!.features, ...harmless[1]!.features];

function harmlessText({ anomaly }: Finding, who: string): string {
  const names = anomaly?.topFeatures.map(({ name }) => name) ?? [];
  const leading = names.find((name) => failing.includes(name)) ?? names[0] ?? "";
  const why = harmless.find(({ features }) => features.includes(leading))?.why ??
    "Whatever is done for the first time at WHO looks the same.";
  return why.replace("WHO", who);
}
