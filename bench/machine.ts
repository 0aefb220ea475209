/** What the figures were measured on: machine, system and versions, without a name that tells whose it is. */
import { VERSION } from "../agent/version.ts";
import { formatMb } from "./harness.ts";
import { isExecutableCurrent, outputOf } from "./programs.ts";

const packages = ["nfdump", "softflowd", "argus-server", "tshark", "tcpdump", "python3-scapy"]
  .concat("tcpreplay", "libpcap0.8");

/** A Markdown list. */
export async function describeMachine(): Promise<string> {
  const date = new Date().toISOString().slice(0, 10);
  const memory = Deno.systemMemoryInfo().total / 2 ** 30;
  const [load] = Deno.loadavg();
  const lines = [
    `date: ${date}`,
    `machine: ${navigator.hardwareConcurrency} processors, ${await processorModel()}, ${
      memory.toFixed(0)
    } GiB of memory; load average ${load.toFixed(2)} when it began`,
    `system: ${await systemName()}, kernel ${/^[\d.]+/.exec(Deno.osRelease())?.[0]}`,
    `tapwatch: ${VERSION}, commit ${await commit()}, Deno ${Deno.version.deno}; ${await executable()}`,
    `peers: ${await packageVersions()}`,
    "command: `deno task bench`",
  ];
  return lines.map((line) => `- ${line}`).join("\n");
}

async function processorModel(): Promise<string> {
  const text = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  return /^model name\s*:\s*(.+)$/m.exec(text)?.[1] ?? `${Deno.build.arch}, model unknown`;
}

async function systemName(): Promise<string> {
  const text = await Deno.readTextFile("/etc/os-release").catch(() => "");
  return /^PRETTY_NAME="(.+)"$/m.exec(text)?.[1] ?? Deno.build.os;
}

/** Of the sources that were measured; "-dirty" where they were not what was committed. */
async function commit(): Promise<string> {
  return (await outputOf("git", "describe", "--always", "--dirty"))?.trim() ?? "unknown";
}

async function executable(): Promise<string> {
  if (!isExecutableCurrent()) return "no executable";
  const { size } = await Deno.stat(new URL("../dist/tapwatch", import.meta.url));
  return `executable of ${formatMb(size)}`;
}

async function packageVersions(): Promise<string> {
  const found = await Promise.all(packages.map(async (name) => {
    const version = await outputOf("dpkg-query", "-W", "-f", "${Version}", name);
    return version === null ? `${name} unknown` : `${name} ${version}`;
  }));
  return found.join(", ");
}
