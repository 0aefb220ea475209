/**
 * Services over UDP that answer whoever asks, in whosever name, with more than they were asked: those that are used to
 * reflect and amplify (US-CERT TA14-017A; Rossow, "Amplification hell", 2014; later ones by the reports of Akamai, Netscout
 * and Cloudflare). Left out are ports from which media, games and tunnels stream,
 * and those that clients have.
 */
export const ANSWERING_SERVICES: ReadonlyMap<number, string> = new Map([
  [7, "echo"],
  [13, "daytime"],
  [17, "quote of the day"],
  [19, "chargen"],
  [53, "DNS"],
  [111, "portmap"],
  [123, "NTP"],
  [137, "NetBIOS names"],
  [161, "SNMP"],
  [177, "XDMCP"],
  [389, "CLDAP"],
  [427, "SLP"],
  [500, "IKE"],
  [520, "RIP"],
  [623, "IPMI"],
  [1434, "SQL Server Browser"],
  [1604, "Citrix"],
  [1900, "SSDP"],
  [3283, "Apple Remote Desktop"],
  [3702, "WS-Discovery"],
  [5093, "Sentinel licences"],
  [5351, "NAT-PMP"],
  [5353, "mDNS"],
  [5683, "CoAP"],
  [10_001, "Ubiquiti discovery"],
  [11_211, "memcached"],
  [32_414, "Plex discovery"],
]);
