/**
 * Services that people log in to, and what a session looks like in which a login was tried and nothing else done. The
 * bounds are payload bytes of the whole session. They hold what the tools send (hydra, medusa, ncrack, patator: one to
 * six tries a connection) and leave out banner checks below and work above. SMTP: with a mail in it a session is longer, on
 * the submission ports after a TLS handshake. SSH has none: its key exchange takes more than its logins, and what came of them
 * is told by what follows it (agent/decode/ssh_login.ts).
 */
import { Application, type ApplicationName } from "../../records.ts";

export interface LoginService {
  /** For people. */
  readonly name: string;
  /** By which it is known on other ports; "" where it is not. */
  readonly application: ApplicationName;
  readonly ports: readonly number[];
  readonly clientBytesMin: number;
  readonly clientBytesMax: number;
  readonly serverBytesMin: number;
  readonly serverBytesMax: number;
  /** Sessions within burstUs of brute_force.ts that suffice. */
  readonly burst: number;
}

/**
 * Bursts: Emerging Threats' rules take 5 in 30 to 120 s for SSH and FTP (2001219, 2006546, 2010642) and fail2ban 5
 * failures; one more here, and twice as many where ordinary clients open several sessions at a time (mail, SMB).
 */
export const LOGIN_SERVICES: readonly LoginService[] = [
  service("SSH", "ssh", [22, 2222], [0, 0], [0, 0], 6),
  service("FTP", "ftp", [21], [12, 300], [40, 1_500], 6),
  service("Telnet", "telnet", [23, 2323], [6, 600], [20, 3_000], 6),
  service("RDP", "rdp", [3389], [200, 6_000], [200, 6_000], 8),
  service("VNC", "vnc", [5900, 5901], [20, 200], [20, 400], 8),
  service("SMTP submission", "", [465, 587], [20, 1_200], [60, 8_000], 20),
  service("SMTP", "smtp", [25], [20, 400], [60, 4_000], 20),
  service("IMAP", "imap", [143, 993], [20, 2_500], [40, 8_000], 12),
  service("POP3", "pop3", [110, 995], [12, 2_500], [20, 8_000], 12),
  service("SMB", "smb", [445], [200, 3_000], [200, 3_000], 12),
];

/** Its index. */
export const SSH = 0;

/** Index into LOGIN_SERVICES by port and by application; -1 where there is none. */
export const serviceOfPort = new Int8Array(65_536).fill(-1);
export const serviceOfApplication = new Int8Array(256).fill(-1);
LOGIN_SERVICES.forEach(({ ports, application }, index) => {
  for (const port of ports) serviceOfPort[port] = index;
  if (application !== "") serviceOfApplication[Application[application]] = index;
});

function service(
  name: string,
  application: ApplicationName,
  ports: readonly number[],
  [clientBytesMin, clientBytesMax]: readonly [number, number],
  [serverBytesMin, serverBytesMax]: readonly [number, number],
  burst: number,
): LoginService {
  return {
    name,
    application,
    ports,
    clientBytesMin,
    clientBytesMax,
    serverBytesMin,
    serverBytesMax,
    burst,
  };
}
