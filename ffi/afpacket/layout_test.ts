import { deepStrictEqual } from "node:assert/strict";
import * as layout from "./layout.ts";

const { PacketOption, SocketOption, Errno, mmapFlags, IoctlRequest, InterfaceFlag } = layout;
/** C expressions and what layout.ts says that they are. */
const expected: readonly (readonly [string, number])[] = [
  ["AF_INET", layout.afInet],
  ["AF_PACKET", layout.afPacket],
  ["SOCK_RAW", layout.sockRaw],
  ["SOCK_DGRAM", layout.sockDgram],
  ["SOCK_CLOEXEC", layout.sockCloexec],
  ["SOL_SOCKET", layout.solSocket],
  ["SOL_PACKET", layout.solPacket],
  ["ETH_P_ALL", layout.everyProtocol],
  ["SO_ATTACH_FILTER", SocketOption.attachFilter],
  ["SO_ERROR", SocketOption.error],
  ["PACKET_ADD_MEMBERSHIP", PacketOption.addMembership],
  ["PACKET_RX_RING", PacketOption.rxRing],
  ["PACKET_STATISTICS", PacketOption.statistics],
  ["PACKET_VERSION", PacketOption.version],
  ["PACKET_IGNORE_OUTGOING", PacketOption.ignoreOutgoing],
  ["TPACKET_V3", layout.tpacketV3],
  ["PACKET_MR_PROMISC", layout.membershipPromiscuous],
  ["offsetof(struct sockaddr_ll, sll_protocol)", layout.SockaddrLl.protocol],
  ["offsetof(struct sockaddr_ll, sll_ifindex)", layout.SockaddrLl.ifindex],
  ["sizeof(struct sockaddr_ll)", layout.SockaddrLl.size],
  ["offsetof(struct packet_mreq, mr_ifindex)", layout.PacketMreq.ifindex],
  ["offsetof(struct packet_mreq, mr_type)", layout.PacketMreq.type],
  ["sizeof(struct packet_mreq)", layout.PacketMreq.size],
  ["offsetof(struct tpacket_stats_v3, tp_packets)", layout.TpacketStats.packets],
  ["offsetof(struct tpacket_stats_v3, tp_drops)", layout.TpacketStats.drops],
  ["sizeof(struct tpacket_stats_v3)", layout.TpacketStats.size],
  ["sizeof(struct tpacket_req3)", 28],
  ["offsetof(struct ifreq, ifr_hwaddr)", layout.Ifreq.value],
  ["sizeof(struct ifreq)", layout.Ifreq.size],
  ["offsetof(struct sock_fprog, len)", layout.SockFprog.length],
  ["offsetof(struct sock_fprog, filter)", layout.SockFprog.filter],
  ["sizeof(struct sock_fprog)", layout.SockFprog.size],
  ["offsetof(struct ifaddrs, ifa_next)", layout.Ifaddrs.next],
  ["offsetof(struct ifaddrs, ifa_name)", layout.Ifaddrs.name],
  ["offsetof(struct ifaddrs, ifa_flags)", layout.Ifaddrs.flags],
  ["offsetof(struct ifaddrs, ifa_addr)", layout.Ifaddrs.addr],
  ["offsetof(struct ifaddrs, ifa_netmask)", layout.Ifaddrs.netmask],
  ["offsetof(struct pollfd, events)", layout.Pollfd.events],
  ["offsetof(struct pollfd, revents)", layout.Pollfd.revents],
  ["sizeof(struct pollfd)", layout.Pollfd.size],
  ["offsetof(struct tpacket_block_desc, hdr.bh1.block_status)", layout.blockStatusOffset],
  ["TP_STATUS_USER", layout.blockIsOurs],
  ["SIOCGIFFLAGS", IoctlRequest.interfaceFlags],
  ["SIOCGIFHWADDR", IoctlRequest.hardwareAddress],
  ["SIOCGIFINDEX", IoctlRequest.index],
  ["IFF_UP", InterfaceFlag.up],
  ["IFF_LOOPBACK", InterfaceFlag.loopback],
  ["IFF_RUNNING", InterfaceFlag.running],
  ["POLLIN", layout.pollIn],
  ["POLLERR", layout.pollError],
  ["EPERM", Errno.notPermitted],
  ["ENOMEM", Errno.noMemory],
  ["EACCES", Errno.accessDenied],
  ["ENODEV", Errno.noDevice],
  ["ENETDOWN", Errno.networkDown],
  ["MAP_SHARED", mmapFlags.shared],
  ["MAP_PRIVATE", mmapFlags.private],
  ["MAP_FIXED", mmapFlags.fixed],
  ["MAP_ANONYMOUS", mmapFlags.anonymous],
  ["PROT_READ | PROT_WRITE", layout.readWrite],
  ["EFD_CLOEXEC | EFD_NONBLOCK", layout.eventFlags],
  // What assembly/index.ts has as constants.
  ["offsetof(struct tpacket_block_desc, hdr.bh1.num_pkts)", 12],
  ["offsetof(struct tpacket_block_desc, hdr.bh1.offset_to_first_pkt)", 16],
  ["offsetof(struct tpacket_block_desc, hdr.bh1.blk_len)", 20],
  ["offsetof(struct tpacket3_hdr, tp_sec)", 4],
  ["offsetof(struct tpacket3_hdr, tp_nsec)", 8],
  ["offsetof(struct tpacket3_hdr, tp_snaplen)", 12],
  ["offsetof(struct tpacket3_hdr, tp_len)", 16],
  ["offsetof(struct tpacket3_hdr, tp_status)", 20],
  ["offsetof(struct tpacket3_hdr, tp_mac)", 24],
  ["offsetof(struct tpacket3_hdr, hv1.tp_vlan_tci)", 32],
  ["offsetof(struct tpacket3_hdr, hv1.tp_vlan_tpid)", 36],
  ["TPACKET_ALIGN(sizeof(struct tpacket3_hdr))", 48],
  ["offsetof(struct sockaddr_ll, sll_hatype)", 8],
  ["offsetof(struct sockaddr_ll, sll_pkttype)", 10],
  ["offsetof(struct sockaddr_ll, sll_halen)", 11],
  ["offsetof(struct sockaddr_ll, sll_addr)", 12],
  ["TP_STATUS_VLAN_VALID", 1 << 4],
  ["TP_STATUS_VLAN_TPID_VALID", 1 << 6],
  ["PACKET_OUTGOING", 4],
  ["ARPHRD_LOOPBACK", 772],
  ["ARPHRD_CAN", 280],
];

const canCompileC = await hasCompiler();

Deno.test({
  name: "layout.ts agrees with the C headers" + (canCompileC ? "" : " (SKIPPED: no cc)"),
  ignore: !canCompileC,
  fn: async () => {
    const lines = expected.map(([expression]) => `printf("%lld\\n", (long long)(${expression}));`);
    const output = await compileAndRun(lines.join("\n"));
    const actual = output.trim().split("\n").map(Number);
    deepStrictEqual(expected.map(([name], i) => [name, actual[i]]), expected);
  },
});

async function hasCompiler(): Promise<boolean> {
  try {
    return await compileAndRun("") === "";
  } catch {
    return false;
  }
}

async function compileAndRun(body: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const headers = [
      "errno.h",
      "ifaddrs.h",
      "poll.h",
      "stddef.h",
      "stdio.h",
      "net/if.h",
      "net/if_arp.h",
    ]
      .concat("net/ethernet.h", "sys/eventfd.h", "sys/ioctl.h", "sys/mman.h", "sys/socket.h")
      .concat("linux/if_packet.h", "linux/filter.h");
    const includes = headers.map((name) => `#include <${name}>`).join("\n");
    await Deno.writeTextFile(`${folder}/a.c`, `${includes}\nint main(void) {\n${body}\n}\n`);
    await run("cc", ["-o", `${folder}/a`, `${folder}/a.c`]);
    return await run(`${folder}/a`, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(command: string, args: string[]): Promise<string> {
  const output = await new Deno.Command(command, { args }).output();
  const text = new TextDecoder();
  if (!output.success) throw new Error(text.decode(output.stderr));
  return text.decode(output.stdout);
}
