/** The networks of this host's interfaces, which change while a program runs: DHCP, VPNs, IPv6 temporary addresses. */

const intervalMs = 5000;

/** As `203.0.113.5/24`, each once. */
export function ownNetworks(): string[] {
  return [...new Set(Deno.networkInterfaces().map(({ cidr }) => cidr))].sort();
}

/** The addresses of such networks, each once. */
export function addressesOf(networks: readonly string[]): string[] {
  return [...new Set(networks.map((network) => network.split("/")[0]!))];
}

/** Calls `onChange` at the first look and whenever they are others than at the last; returns the function that ends it. */
export function watchOwnNetworks(
  onChange: (networks: readonly string[]) => void,
  { read = ownNetworks, everyMs = intervalMs } = {},
): () => void {
  let known = "";
  const timer = setInterval(() => {
    const networks = read();
    if (networks.join() === known) return;
    known = networks.join();
    onChange(networks);
  }, everyMs);
  return () => clearInterval(timer);
}
