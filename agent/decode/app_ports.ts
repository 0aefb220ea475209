/**
 * Well-known ports, the last resort when a payload says nothing of itself: the middle of a connection, an encrypted one,
 * or a protocol without a signature. An entry also says how its payload looks, text or not, and is left out when that is
 * contradicted: a web server's answer on port 22 makes no SSH.
 */
import { Application, type ApplicationName } from "../records.ts";

/** How payloads of a port look. */
export const PayloadLook = { none: 0, text: 1, binary: 2, any: 3 } as const;

type Entry = readonly [name: ApplicationName, look: number, ...ports: number[]];

const { text, binary, any } = PayloadLook;

const tcpEntries: readonly Entry[] = [
  ["ftp-data", any, 20],
  ["ftp", text, 21, 2121],
  ["ssh", binary, 22],
  ["telnet", any, 23],
  ["smtp", text, 25, 587, 2525],
  ["http", text, 80, 3128, 8000, 8008, 8080, 8888],
  ["kerberos", binary, 88],
  ["pop3", text, 110],
  ["nbss", binary, 139],
  ["imap", text, 143],
  ["bgp", binary, 179],
  ["ldap", binary, 389, 3268],
  ["tls", binary, 443, 465, 636, 853, 989, 990, 992, 993, 995, 3269, 5061, 8443, 8883],
  ["smb", binary, 445],
  ["syslog", text, 514, 601],
  ["rtsp", text, 554, 8554],
  ["openvpn", binary, 1194],
  ["mqtt", binary, 1883],
  ["mysql", binary, 3306],
  ["rdp", binary, 3389],
  ["sip", text, 5060],
  ["postgresql", any, 5432],
  ["vnc", binary, 5900, 5901],
  ["redis", text, 6379],
  ["irc", text, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 7000],
  ["bittorrent", binary, 6881, 6882, 6883, 6884, 6885, 6886, 6887, 6888, 6889],
];

const udpEntries: readonly Entry[] = [
  ["tftp", binary, 69],
  ["dtls", binary, 4433],
  ["quic", binary, 443],
  ["syslog", text, 514],
  ["sip", text, 5060],
  ["stun", binary, 3478],
  ["rtp", binary, 5004],
  ["bittorrent", binary, 6881],
  ["wireguard", binary, 51820],
];

/** Applications and looks by port, for one transport. */
export interface PortTable {
  readonly applications: Uint8Array;
  readonly looks: Uint8Array;
}

export const tcpPorts: PortTable = createTable(tcpEntries);
export const udpPorts: PortTable = createTable(udpEntries);

function createTable(entries: readonly Entry[]): PortTable {
  const table = { applications: new Uint8Array(65536), looks: new Uint8Array(65536) };
  for (const [name, look, ...ports] of entries) {
    for (const port of ports) {
      table.applications[port] = Application[name];
      table.looks[port] = look;
    }
  }
  return table;
}
