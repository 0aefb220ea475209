/** What each labelled kind of event is to be found as; kinds that stand in neither list are no business of ours. */
import type { FindingKind, ScanKind, ScanProbe } from "../../agent/records.ts";

export const scanOfEvent: Readonly<Record<string, readonly [ScanKind, ScanProbe]>> = {
  icmp_sweep: ["horizontal", "icmp_echo"],
  arp_sweep: ["horizontal", "arp"],
  "arp_sweep+service_probe": ["horizontal", "arp"],
  tcp_ack_scan: ["vertical", "ack"],
  tcp_fin_scan: ["vertical", "fin"],
  tcp_null_scan: ["vertical", "null"],
  tcp_xmas_scan: ["vertical", "xmas"],
  tcp_connect_scan: ["vertical", "connect"],
  tcp_syn_scan: ["vertical", "syn"],
  tcp_syn_scan_decoy: ["vertical", "syn"],
  tcp_syn_scan_fragmented: ["vertical", "syn"],
  tcp_syn_scan_in_vxlan: ["vertical", "syn"],
  tcp_syn_scan_ipv6: ["vertical", "syn"],
  tcp_syn_scan_slow: ["vertical", "syn"],
  tcp_version_os_scan: ["vertical", "syn"],
  udp_scan: ["vertical", "udp"],
  block_scan: ["block", "syn"],
  horizontal_scan: ["horizontal", "syn"],
  horizontal_udp_scan: ["horizontal", "udp"],
  distributed_scan: ["distributed", "syn"],
};

export const findingOfEvent: Readonly<Record<string, FindingKind>> = {
  ssh_bruteforce: "brute_force",
  ftp_bruteforce: "brute_force",
  syn_flood: "flood",
  udp_flood: "flood",
  icmp_flood: "flood",
  icmpv6_flood: "flood",
  dhcp_flood: "flood",
  arp_spoof: "arp_spoof",
  dns_tunnel: "dns_tunnel",
  dns_tunnel_simulated: "dns_tunnel",
  beacon: "beacon",
  c2_beacon_simulated: "beacon",
};

/** Findings that no label asks for, judged by hand to be right: kind and source by file. */
export const rightUnlabelled: Readonly<Record<string, string>> = {
  // hydra's next run begins in the last seconds: six parallel sessions with 10.10.0.20.
  "attack/gen__arp_spoof.pcap": "brute_force 10.10.0.66",
  // Benign here means no scan. Zeek's own exercise for SSH::Password_Guessing: 38 sessions, each with a wrong
  // password, then one that gets in.
  "benign/try-zeek__ssh.pcap": "brute_force 172.16.238.1",
  // A test tool offers 100 ClientHellos to one address, one every 2.6 s: as regular as any beacon.
  "decode/mercury__top_100_fingerprints.pcap": "beacon 10.0.2.15",
};

/** Labels say "MAC aa:…" where there is no address, and "(spoofed)" behind one that is forged. */
export function attackerAddress(attacker: string): string {
  return attacker.replace(/^MAC /, "").replace(/ \(spoofed\)$/, "");
}
