import { strictEqual } from "node:assert/strict";
import {
  BpfProgram,
  errorBufferSize,
  IfFlag,
  linktypeOfDlt,
  netmaskUnknown,
  PcapAddr,
  PcapCode,
  PcapIf,
  PcapPkthdr,
  PcapStat,
  precisionNanosecond,
} from "./layout.ts";
import { Sockaddr, sockaddrFamily } from "../capture/address_text.ts";
import { testAgainstHeaders } from "../capture/testing.ts";
import { MemoryFile } from "./memory_file.ts";
import { openLibrary } from "./symbols.ts";
import { testWithLibpcap } from "./testing.ts";

/** C expressions and what layout.ts says that they are. */
const expected: readonly (readonly [string, number])[] = [
  ["offsetof(struct pcap_if, next)", PcapIf.next],
  ["offsetof(struct pcap_if, name)", PcapIf.name],
  ["offsetof(struct pcap_if, description)", PcapIf.description],
  ["offsetof(struct pcap_if, addresses)", PcapIf.addresses],
  ["offsetof(struct pcap_if, flags)", PcapIf.flags],
  ["offsetof(struct pcap_addr, next)", PcapAddr.next],
  ["offsetof(struct pcap_addr, addr)", PcapAddr.addr],
  ["offsetof(struct pcap_addr, netmask)", PcapAddr.netmask],
  ["offsetof(struct pcap_pkthdr, ts.tv_sec)", PcapPkthdr.tvSec],
  ["offsetof(struct pcap_pkthdr, ts.tv_usec)", PcapPkthdr.tvUsec],
  ["offsetof(struct pcap_pkthdr, caplen)", PcapPkthdr.caplen],
  ["offsetof(struct pcap_pkthdr, len)", PcapPkthdr.len],
  ["sizeof(struct pcap_pkthdr)", PcapPkthdr.size],
  ["offsetof(struct pcap_stat, ps_recv)", PcapStat.received],
  ["offsetof(struct pcap_stat, ps_drop)", PcapStat.dropped],
  ["offsetof(struct pcap_stat, ps_ifdrop)", PcapStat.interfaceDropped],
  ["sizeof(struct pcap_stat)", PcapStat.size],
  ["sizeof(struct bpf_program)", BpfProgram.size],
  ["offsetof(struct sockaddr_in, sin_addr)", Sockaddr.ipv4Address],
  ["offsetof(struct sockaddr_in6, sin6_addr)", Sockaddr.ipv6Address],
  ["offsetof(struct sockaddr, sa_family)", sockaddrFamily.offset],
  ["8 * sizeof(((struct sockaddr *)0)->sa_family)", sockaddrFamily.bits],
  ["AF_INET", sockaddrFamily.ipv4],
  ["AF_INET6", sockaddrFamily.ipv6],
  ["PCAP_ERRBUF_SIZE", errorBufferSize],
  ["PCAP_IF_LOOPBACK", IfFlag.loopback],
  ["PCAP_IF_UP", IfFlag.up],
  ["PCAP_IF_RUNNING", IfFlag.running],
  ["PCAP_IF_WIRELESS", IfFlag.wireless],
  ["PCAP_IF_CONNECTION_STATUS", IfFlag.connectionMask],
  ["PCAP_ERROR", PcapCode.error],
  ["PCAP_ERROR_BREAK", PcapCode.break],
  ["PCAP_ERROR_NO_SUCH_DEVICE", PcapCode.noSuchDevice],
  ["PCAP_ERROR_PERM_DENIED", PcapCode.permissionDenied],
  ["PCAP_ERROR_IFACE_NOT_UP", PcapCode.interfaceNotUp],
  ["PCAP_ERROR_PROMISC_PERM_DENIED", PcapCode.promiscuousDenied],
  ["PCAP_WARNING_PROMISC_NOTSUP", PcapCode.promiscuousNotSupported],
  ["PCAP_TSTAMP_PRECISION_NANO", precisionNanosecond],
  ["PCAP_NETMASK_UNKNOWN", netmaskUnknown],
];

await testAgainstHeaders({
  headers: ["stddef.h", "stdio.h", "sys/socket.h", "netinet/in.h", "pcap.h"],
  expected,
  needs: "cc or pcap.h",
});

testWithLibpcap("linktypeOfDlt() agrees with what libpcap writes into its files", () => {
  const library = openLibrary();
  if (library.dump === null) return;
  const linktypeOffset = 20;
  for (let dlt = 0; dlt < 300; dlt++) {
    const handle = library.pcap.pcap_open_dead(dlt, 64);
    if (handle === null) throw new Error(`pcap_open_dead(${dlt})`);
    const file = openMemoryFile(library, handle);
    if (file !== null) {
      const written = new DataView(file.bytes.buffer).getUint32(linktypeOffset, true);
      strictEqual(linktypeOfDlt(dlt), written, `DLT ${dlt}`);
      file.close();
    }
    library.pcap.pcap_close(handle);
  }
});

/** Null for a link type that has no number in files. */
function openMemoryFile(library: ReturnType<typeof openLibrary>, handle: Deno.PointerObject) {
  try {
    return library.dump && new MemoryFile(library, library.dump, { handle, byteLength: 4096 });
  } catch {
    return null;
  }
}
