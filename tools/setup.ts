/**
 * `deno task setup`: makes sure that the machine has what `start`, `test` or `bench` (the argument) call. Installs
 * with apt-get when it is root on Debian or Ubuntu, else prints the command to run. Nothing of npm is imported, so
 * that it starts at once.
 */

/** Package names by package manager; "" where there is none that we know of. */
interface Requirement {
  readonly apt: string;
  readonly dnf: string;
  readonly pacman: string;
  readonly apk: string;
  readonly brew: string;
  readonly isPresent: () => boolean;
}
type Manager = "apt" | "dnf" | "pacman" | "apk" | "brew";
const commands: Record<Manager, string> = {
  apt: "apt-get install -y",
  dnf: "dnf install -y",
  pacman: "pacman -S --needed",
  apk: "apk add",
  brew: "brew install",
};

/** One row: the names for apt, dnf, pacman, apk and brew, parted by spaces, `-` for none. */
function requirement(names: string, isPresent: () => boolean): Requirement {
  const [apt = "", dnf = "", pacman = "", apk = "", brew = ""] = names
    .split(/\s+/).map((name) => name === "-" ? "" : name);
  return { apt, dnf, pacman, apk, brew, isPresent };
}

/** Without it Linux captures by itself. */
const forStart = [
  requirement("libpcap0.8 libpcap libpcap libpcap libpcap", hasLibpcap),
];
const forTest = [
  ...forStart,
  requirement("nmap nmap nmap nmap nmap", program("nmap")),
  requirement(
    "tshark wireshark-cli wireshark-cli tshark wireshark",
    program("tshark"),
  ),
  requirement("tcpdump tcpdump tcpdump tcpdump tcpdump", program("tcpdump")),
  requirement(
    "tcpreplay tcpreplay tcpreplay tcpreplay tcpreplay",
    program("tcpreplay"),
  ),
  requirement("iproute2 iproute iproute2 iproute2 -", program("ip")),
  requirement("iputils-ping iputils iputils iputils -", program("ping")),
  requirement("iperf3 iperf3 iperf3 iperf3 iperf3", program("iperf3")),
  requirement("curl curl curl curl curl", program("curl")),
  requirement("openssh-server openssh-server openssh openssh -", program("sshd")),
  requirement("openssl openssl openssl openssl openssl", program("openssl")),
  requirement("python3-aiosmtpd python3-aiosmtpd python-aiosmtpd py3-aiosmtpd -", hasAiosmtpd),
  requirement("nats-server - - nats-server nats-server", program("nats-server")),
  requirement("clickhouse-server - - - -", program("clickhouse-server")),
  requirement("faketime libfaketime libfaketime libfaketime -", program("faketime")),
  requirement("lintian - - - -", program("lintian")),
  requirement(
    "qemu-user-static qemu-user-static qemu-user-static qemu-aarch64 -",
    program("qemu-aarch64-static"),
  ),
  requirement(
    "chromium chromium chromium chromium chromium",
    program("chromium"),
  ),
];
const forBench = [
  ...forTest,
  requirement("nfdump nfdump nfdump nfdump nfdump", program("nfpcapd")),
  requirement("softflowd softflowd softflowd - -", program("softflowd")),
  requirement("argus-client argus argus - argus-clients", program("ra")),
  requirement("argus-server argus argus - argus", program("argus")),
  requirement("python3-scapy python3-scapy scapy scapy scapy", hasScapy),
];
const requirements: Record<string, readonly Requirement[]> = {
  start: forStart,
  test: forTest,
  bench: forBench,
};

if (import.meta.main) {
  const [purpose = "start", ...rest] = Deno.args;
  const needed = requirements[purpose];
  if (needed === undefined || rest.length > 0) {
    console.error("Usage: deno task setup [start|test|bench]");
    Deno.exit(2);
  }
  await setup(needed);
}

/** Never fails the task that called it: whoever needs what is missing says so itself. */
async function setup(needed: readonly Requirement[]): Promise<void> {
  const missing = needed.filter(({ isPresent }) => !isPresent());
  if (missing.length === 0) return;
  const isDebian = Deno.build.os === "linux" && program("apt-get")();
  if (isDebian && Deno.uid() === 0 && await installWithApt(missing)) return;
  const stillMissing = needed.filter((one) => !one.isPresent());
  const isNeeded = Deno.build.os !== "linux" || stillMissing.some((one) => !forStart.includes(one));
  const what = isNeeded
    ? "Something is missing."
    : "libpcap is missing, and tapwatch captures without it (AF_PACKET).";
  console.error(`${what} ${installHint(stillMissing)}`);
}

/** True when nothing is missing any more. */
async function installWithApt(
  missing: readonly Requirement[],
): Promise<boolean> {
  const names = missing.map(({ apt }) => apt);
  console.error(`Installing ${names.join(", ")} with apt-get.`);
  if (!await aptGet("update")) {
    console.error(
      "The package lists could not be renewed; going on with those at hand.",
    );
  }
  const install = (...some: string[]) =>
    aptGet("install", "-y", "--no-install-recommends", ...some);
  if (!await install(...names)) {
    console.error("apt-get could not install them all; its message stands above. One by one:");
    // What this release has not keeps the others out.
    for (const name of names) await install(name);
  }
  return missing.every(({ isPresent }) => isPresent());
}

async function aptGet(...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command("apt-get", {
    args: ["-q", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).output();
  return success;
}

/** The commands that install `missing`: that of this machine's package manager, or all of them. */
export function installHint(
  missing: readonly Requirement[],
  managers: readonly Manager[] = managersHere(),
): string {
  const shown = managers.length > 0 ? managers : Object.keys(commands) as Manager[];
  const lines = shown.map((manager) => {
    const names = [...new Set(missing.map((one) => one[manager]))].filter((
      name,
    ) => name !== "");
    const sudo = manager === "brew" ? "" : "sudo ";
    return `  ${sudo}${commands[manager]} ${names.join(" ")}`;
  });
  return `To install it:\n${lines.join("\n")}`;
}

function managersHere(): Manager[] {
  const programs: Record<Manager, string> = {
    apt: "apt-get",
    dnf: "dnf",
    pacman: "pacman",
    apk: "apk",
    brew: "brew",
  };
  return (Object.keys(programs) as Manager[]).filter((manager) => program(programs[manager])());
}

/** Tells whether `name` is in one of the usual folders, root's ones included. */
function program(name: string): () => boolean {
  return () => {
    const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
    return [...folders, "/usr/local/sbin", "/usr/sbin", "/sbin"]
      .some((folder) => exists(`${folder}/${name}`));
  };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function hasLibpcap(): boolean {
  const names = Deno.build.os === "darwin"
    ? [
      "libpcap.dylib",
      "/usr/lib/libpcap.A.dylib",
      "/opt/homebrew/opt/libpcap/lib/libpcap.dylib",
    ]
    : ["libpcap.so.1", "libpcap.so.0.8", "libpcap.so"];
  return names.some((name) => {
    try {
      Deno.dlopen(name, {}).close();
      return true;
    } catch {
      return false;
    }
  });
}

function hasScapy(): boolean {
  return exists("/usr/lib/python3/dist-packages/scapy/__init__.py");
}

function hasAiosmtpd(): boolean {
  return exists("/usr/lib/python3/dist-packages/aiosmtpd/__init__.py");
}
