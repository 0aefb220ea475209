/** Options that were given and change nothing as the others are: said at the start, so that nothing is ignored in silence. */

/** As much of Config as this asks. */
interface Settings {
  readonly smtp: { readonly user: string | null } | null;
  readonly webhooks: readonly object[];
  readonly syslog: object | null;
  readonly pcapFiles: number;
  readonly namesProcesses: boolean;
  readonly fleetServers: readonly string[];
  readonly hubStore: { readonly kind: "sqlite" | "clickhouse" };
}

/** By option, as it was given: "--quiet-hours", "TAPWATCH_QUIET_HOURS". */
type GivenOptions = ReadonlyMap<string, string>;

const ofAlerts = [
  "alert-severity",
  "alerts-per-hour",
  "alert-interval",
  "quiet-hours",
  "anomaly-threshold",
  "dashboard-url",
];
const ofServer = ["smtp-port", "smtp-user", "smtp-password", "smtp-security"];
const ofFleet = ["fleet-level", "fleet-spool-mb", "fleet-site"];

/** A sentence for each reason. `smtpUrl` is that of the mail server, or null. */
export function idleOptions(
  { smtp, webhooks, syslog, pcapFiles, namesProcesses, fleetServers, hubStore }: Settings,
  given: GivenOptions,
  smtpUrl: URL | null,
): string[] {
  const isTold = smtp !== null || webhooks.length > 0 || syslog !== null;
  const cases: readonly (readonly [boolean, readonly string[], string])[] = [
    [
      !isTold,
      [...ofAlerts, ...ofServer, "webhook-secret"],
      "no mail server, webhook or syslog is set up, so nobody is told of anything. Add --smtp-url URL with " +
      "--mail-to ADDR, --webhook URL or --syslog URL.",
    ],
    [isTold && smtp === null, ofServer, "no mail server is set up. Add --smtp-url URL."],
    [
      isTold && webhooks.length === 0,
      ["webhook-secret"],
      "no webhook is set up. Add --webhook URL.",
    ],
    [
      smtpUrl !== null,
      [
        "smtp-host",
        "smtp-port",
        "smtp-security",
        ...smtpUrl?.username ? ["smtp-user"] : [],
        ...smtpUrl?.password ? ["smtp-password"] : [],
      ],
      `${given.get("smtp-url")} says it.`,
    ],
    [
      smtp?.user === null,
      ["smtp-password"],
      "there is no name to log in with. Set TAPWATCH_SMTP_USER.",
    ],
    [
      given.has("password-file"),
      ["password"],
      `the password is that of ${given.get("password-file")}.`,
    ],
    [
      pcapFiles === 0,
      ["pcap-file-mb", "evidence-mb"],
      "--pcap-files 0 turns the capture ring off.",
    ],
    [!namesProcesses, ["process-arguments"], "--no-processes turns looking for processes off."],
    [fleetServers.length === 0, ofFleet, "no fleet is reported to. Add --fleet URL."],
    [
      hubStore.kind === "sqlite",
      ["hub-store-password"],
      "flows are kept in SQLite. Add --hub-store URL.",
    ],
  ];
  return cases.flatMap(([isIdle, names, why]) => {
    const idle = isIdle ? names.flatMap((name) => given.get(name) ?? []) : [];
    if (idle.length === 0) return [];
    return [`${listed(idle)} ${idle.length === 1 ? "has" : "have"} no effect: ${why}`];
  });
}

/** "a", "a and b", "a, b and c". */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
