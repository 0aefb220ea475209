/**
 * The details of applications whose message is in one packet, and the shape in which all details leave this folder.
 */
import {
  Application,
  type ApplicationDetails,
  type DnsDetails,
  type HttpDetails,
  type TlsDetails,
} from "../records.ts";
import { readUint16 } from "./bytes.ts";
import { readDtlsClientHello } from "./client_hello.ts";
import { isRelayedDhcp, isRelayedDhcpv6, readDhcpHostName, readDhcpv6HostName } from "./dhcp.ts";
import { readDnsMessage } from "./dns_message.ts";
import { readHttp } from "./http.ts";
import { readNbnsMessage } from "./nbns.ts";
import { readSshBanner } from "./ssh.ts";

/** Details that wait for more packets. */
export function describeWaiting(application: number): ApplicationDetails {
  return { application, isComplete: false };
}

/** Details of a ClientHello; the name is the server's. */
export function describeTls(application: number, tls: TlsDetails): ApplicationDetails {
  const details = { application, isComplete: true, tls };
  return tls.serverName === undefined ? details : { ...details, name: tls.serverName };
}

/** Details of an HTTP message; the name is the host. */
export function describeHttp(application: number, http: HttpDetails): ApplicationDetails {
  const details = { application, isComplete: true, http };
  return http.host === undefined || http.host === "" ? details : { ...details, name: http.host };
}

/** Details of a message; the name is the one asked for, else the first one answered. */
function describeDns(application: number, dns: DnsDetails): ApplicationDetails {
  const name = dns.queryName || dns.answers[0]?.name;
  const details = { application, isComplete: true, dns };
  return name === undefined ? details : { ...details, name };
}

/** The DNS message in a TCP segment, behind its length (RFC 1035 section 4.2.2). */
export function readDnsOverTcp(
  bytes: Uint8Array,
  at: number,
  end: number,
): ApplicationDetails | null {
  if (end - at < 2) return null;
  const messageEnd = Math.min(end, at + 2 + readUint16(bytes, at));
  return describeIf(describeDns, Application.dns, readDnsMessage(bytes, at + 2, messageEnd));
}

/** Reads the message between `at` and `end`; null when it says nothing, or is not of a kind that is read here. */
export function readMessage(
  bytes: Uint8Array,
  at: number,
  end: number,
  application: number,
): ApplicationDetails | null {
  switch (application) {
    case Application.dns:
    case Application.mdns:
    case Application.llmnr:
      return describeIf(describeDns, application, readDnsMessage(bytes, at, end));
    case Application.nbns:
      return describeIf(describeDns, application, readNbnsMessage(bytes, at, end));
    case Application.ssdp:
      return describeIf(describeHttp, application, readHttp(bytes, at, end));
    case Application.dtls:
      return describeIf(describeTls, application, readDtlsClientHello(bytes, at, end));
    case Application.dhcp:
      return describeHost(
        application,
        readDhcpHostName(bytes, at, end),
        isRelayedDhcp(bytes, at, end),
      );
    case Application.dhcpv6:
      return describeHost(
        application,
        readDhcpv6HostName(bytes, at, end),
        isRelayedDhcpv6(bytes, at, end),
      );
    case Application.ssh:
      return describeBanner(application, readSshBanner(bytes, at, end));
    default:
      return null;
  }
}

function describeIf<Facts>(
  describe: (application: number, facts: Facts) => ApplicationDetails,
  application: number,
  facts: Facts | null,
): ApplicationDetails | null {
  return facts === null ? null : describe(application, facts);
}

/** `dhcpHostName` is the sender's own name, so a relay's message has only `name`. */
function describeHost(
  application: number,
  name: string | null,
  isRelayed: boolean,
): ApplicationDetails | null {
  if (name === null) return null;
  const details = { application, isComplete: true, name };
  return isRelayed ? details : { ...details, dhcpHostName: name };
}

function describeBanner(application: number, sshBanner: string | null): ApplicationDetails | null {
  return sshBanner === null ? null : { application, isComplete: true, sshBanner };
}
