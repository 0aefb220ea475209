/**
 * The options of the command line, each with its environment variable, default, bounds and help: the one table that
 * parsing, validation, `tapwatch help` and the README's table are made from.
 */

export type OptionKind = "text" | "integer" | "number" | "boolean" | "choice" | "speed";

export interface OptionSpec {
  /** Long name without dashes. */
  readonly name: string;
  readonly short?: string;
  readonly env?: string;
  readonly kind: OptionKind;
  readonly isRepeatable?: true;
  /** Absent means "none". */
  readonly default?: string | number | boolean;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** What stands for the value in the help: "NAME". */
  readonly placeholder?: string;
  readonly help: string;
  /** The commands that heed it; absent means all. */
  readonly commands?: readonly CommandName[];
  /** The other commands take it too, without need, so that scripts may give it to all. */
  readonly isHarmless?: true;
  /** Only from the environment or a file, never as a flag: a secret. */
  readonly isSecret?: true;
  /** The commands among them that take it as a flag alone: its variable is meant for the others. */
  readonly flagOnly?: readonly CommandName[];
}

export const COMMAND_NAMES = [
  "run",
  "replay",
  "analyze",
  "decode",
  "interfaces",
  "doctor",
  "alert-test",
  "self-test",
  "export",
  "version",
  "help",
] as const;
export type CommandName = typeof COMMAND_NAMES[number];

/** The commands that capture, that run the pipeline, and that reach whoever is alerted. */
const capturing: readonly CommandName[] = ["run", "doctor"];
const running: readonly CommandName[] = ["run", "replay"];
const serving: readonly CommandName[] = [...running, "doctor"];
const alerting: readonly CommandName[] = [...running, "alert-test", "self-test", "doctor"];

/** Port range, RFC 6335 section 6. */
const port = { kind: "integer", min: 1, max: 65535 } as const;

export const OPTIONS: readonly OptionSpec[] = [
  {
    name: "interface",
    short: "i",
    env: "TAPWATCH_INTERFACE",
    kind: "text",
    isRepeatable: true,
    placeholder: "NAME",
    help:
      "device to capture on, repeatable; any where the platform has it (default: the default route's)",
    commands: capturing,
  },
  {
    name: "filter",
    short: "f",
    env: "TAPWATCH_FILTER",
    kind: "text",
    default: "",
    placeholder: "EXPR",
    help:
      "BPF capture filter (pcap-filter syntax); for export: a search, as 'host 10.0.0.9 and port 443'",
    commands: [...capturing, "export"],
    flagOnly: ["export"],
  },
  {
    name: "buffer-mb",
    env: "TAPWATCH_BUFFER_MB",
    kind: "integer",
    default: 64,
    min: 1,
    max: 2047,
    placeholder: "N",
    help: "kernel ring of each device",
    commands: capturing,
  },
  {
    name: "snaplen",
    env: "TAPWATCH_SNAPLEN",
    kind: "integer",
    default: 262144,
    min: 64,
    max: 262144,
    placeholder: "BYTES",
    help: "bytes kept of each packet",
    commands: capturing,
  },
  {
    name: "promiscuous",
    env: "TAPWATCH_PROMISCUOUS",
    kind: "boolean",
    default: true,
    help: "also take packets that are not addressed to this host",
    commands: capturing,
  },
  {
    name: "capture-count",
    env: "TAPWATCH_CAPTURE_COUNT",
    kind: "integer",
    default: 16384,
    min: 1,
    max: 1_000_000,
    placeholder: "N",
    help: "most packets in one capture batch",
    commands: capturing,
  },
  {
    name: "capture-timeout",
    env: "TAPWATCH_CAPTURE_TIMEOUT",
    kind: "integer",
    default: 100,
    min: 1,
    max: 10_000,
    placeholder: "MS",
    help: "longest wait for a batch",
    commands: capturing,
  },
  {
    name: "results",
    env: "TAPWATCH_RESULTS",
    kind: "text",
    default: "results",
    placeholder: "DIR",
    help: "where logs, captures and the model go; made if missing",
    commands: [...serving, "export", "alert-test"],
    isHarmless: true,
  },
  {
    name: "host",
    env: "TAPWATCH_HOST",
    kind: "text",
    default: "127.0.0.1",
    placeholder: "ADDR",
    help: "dashboard address; outside loopback it needs a password",
    commands: serving,
  },
  {
    name: "port",
    env: "TAPWATCH_PORT",
    ...port,
    default: 8055,
    placeholder: "N",
    help: "dashboard port",
    commands: serving,
  },
  {
    name: "password-file",
    kind: "text",
    placeholder: "FILE",
    help: "file with the dashboard's password (or TAPWATCH_PASSWORD)",
    commands: running,
  },
  {
    name: "password",
    env: "TAPWATCH_PASSWORD",
    kind: "text",
    isSecret: true,
    help: "the dashboard's password",
  },
  {
    name: "anomaly-threshold",
    env: "TAPWATCH_ANOMALY_THRESHOLD",
    kind: "number",
    default: 10,
    min: 0,
    max: 100,
    placeholder: "PCT",
    help: "anomalous share of traffic that raises an alert",
    commands: running,
  },
  {
    name: "anomaly-quantile",
    env: "TAPWATCH_ANOMALY_QUANTILE",
    kind: "number",
    default: 0.995,
    min: 0.5,
    max: 0.999999,
    placeholder: "Q",
    help: "share of usual windows that must score lower than an anomalous one",
    commands: [...running, "analyze"],
  },
  {
    name: "alert-interval",
    env: "TAPWATCH_ALERT_INTERVAL",
    kind: "integer",
    default: 300,
    min: 0,
    max: 604_800,
    placeholder: "S",
    help: "least time between two alerts of one kind and source",
    commands: running,
  },
  {
    name: "smtp-url",
    env: "TAPWATCH_SMTP_URL",
    kind: "text",
    placeholder: "URL",
    help:
      "mail server, smtp://host:587 (STARTTLS; ?security=none without) or smtps://host:465, without password",
    commands: alerting,
  },
  {
    name: "smtp-host",
    env: "TAPWATCH_SMTP_HOST",
    kind: "text",
    isSecret: true,
    help: "mail server, instead of --smtp-url",
    commands: alerting,
  },
  {
    name: "smtp-port",
    env: "TAPWATCH_SMTP_PORT",
    ...port,
    isSecret: true,
    help: "its port",
    commands: alerting,
  },
  {
    name: "smtp-user",
    env: "TAPWATCH_SMTP_USER",
    kind: "text",
    isSecret: true,
    help: "name to log in with",
    commands: alerting,
  },
  {
    name: "smtp-password",
    env: "TAPWATCH_SMTP_PASSWORD",
    kind: "text",
    isSecret: true,
    help: "password to log in with",
    commands: alerting,
  },
  {
    name: "smtp-security",
    env: "TAPWATCH_SMTP_SECURITY",
    kind: "choice",
    choices: ["starttls", "tls", "none"],
    default: "starttls",
    isSecret: true,
    help: "starttls, tls or none",
    commands: alerting,
  },
  {
    name: "smtp-ca",
    env: "TAPWATCH_SMTP_CA",
    kind: "text",
    placeholder: "FILE",
    help: "certificate authority of the mail server, PEM (default: the system's)",
    commands: alerting,
  },
  {
    name: "mail-from",
    env: "TAPWATCH_MAIL_FROM",
    kind: "text",
    placeholder: "ADDR",
    help: "sender of alerts (default: tapwatch at this host)",
    commands: alerting,
  },
  {
    name: "mail-to",
    env: "TAPWATCH_MAIL_TO",
    kind: "text",
    isRepeatable: true,
    placeholder: "ADDR",
    help: "receiver of alerts, repeatable",
    commands: alerting,
  },
  {
    name: "webhook",
    env: "TAPWATCH_WEBHOOK",
    kind: "text",
    isRepeatable: true,
    placeholder: "URL",
    help:
      "POST for each alert, repeatable; slack+, discord+, teams+ or ntfy+ before the URL choose a form, plain is our JSON",
    commands: alerting,
  },
  {
    name: "webhook-secret",
    env: "TAPWATCH_WEBHOOK_SECRET",
    kind: "text",
    isSecret: true,
    help: "signs webhooks: HMAC-SHA256 of the body in X-Tapwatch-Signature",
    commands: alerting,
  },
  {
    name: "syslog",
    env: "TAPWATCH_SYSLOG",
    kind: "text",
    placeholder: "URL",
    help: "udp://host:514, tcp://host:601 or tls://host:6514, for each alert a message of RFC 5424",
    commands: alerting,
  },
  {
    name: "alert-severity",
    env: "TAPWATCH_ALERT_SEVERITY",
    kind: "choice",
    choices: ["info", "low", "medium", "high", "critical"],
    default: "medium",
    help: "least severity of an incident that is alerted",
    commands: running,
  },
  {
    name: "alerts-per-hour",
    env: "TAPWATCH_ALERTS_PER_HOUR",
    kind: "integer",
    default: 12,
    min: 1,
    max: 10_000,
    placeholder: "N",
    help: "most alerts in any hour; what is above waits for the digest",
    commands: running,
  },
  {
    name: "quiet-hours",
    env: "TAPWATCH_QUIET_HOURS",
    kind: "text",
    placeholder: "HH:MM-HH:MM",
    help: "local time; only critical alerts pass, the rest comes as a digest at the end",
    commands: running,
  },
  {
    name: "dashboard-url",
    env: "TAPWATCH_DASHBOARD_URL",
    kind: "text",
    placeholder: "URL",
    help: "what links in alerts begin with (default: from host and port)",
    commands: alerting,
  },
  {
    name: "home-net",
    env: "TAPWATCH_HOME_NET",
    kind: "text",
    isRepeatable: true,
    placeholder: "CIDR",
    help:
      "what is local, repeatable: a network or address, private (RFC 1918 and the like) or own (what this host's interfaces and the captured link show to be here) (default: private and own)",
    commands: [...running, "analyze"],
  },
  {
    name: "vxlan-port",
    env: "TAPWATCH_VXLAN_PORT",
    ...port,
    isRepeatable: true,
    placeholder: "N",
    help: "UDP port of VXLAN besides 4789 and 8472, repeatable",
    commands: [...running, "analyze", "decode", "export"],
  },
  {
    name: "log-packets",
    env: "TAPWATCH_LOG_PACKETS",
    kind: "choice",
    choices: ["all", "sampled", "anomalous", "none"],
    default: "sampled",
    placeholder: "WHICH",
    help: "packet rows written to SQLite: all, sampled, anomalous or none",
    commands: running,
  },
  {
    name: "retention-days",
    env: "TAPWATCH_RETENTION_DAYS",
    kind: "number",
    default: 14,
    min: 0.01,
    max: 36_500,
    placeholder: "N",
    help: "rows older than this go",
    commands: running,
  },
  {
    name: "retention-mb",
    env: "TAPWATCH_RETENTION_MB",
    kind: "integer",
    default: 2048,
    min: 8,
    max: 1_000_000,
    placeholder: "N",
    help: "size of the database at which the oldest rows go",
    commands: running,
  },
  {
    name: "pcap-file-mb",
    env: "TAPWATCH_PCAP_FILE_MB",
    kind: "integer",
    default: 100,
    min: 1,
    max: 100_000,
    placeholder: "N",
    help: "size of one file of the capture ring",
    commands: running,
  },
  {
    name: "pcap-files",
    env: "TAPWATCH_PCAP_FILES",
    kind: "integer",
    default: 10,
    min: 0,
    max: 10_000,
    placeholder: "N",
    help: "files in the capture ring; 0 turns it off",
    commands: running,
  },
  {
    name: "eve-log",
    env: "TAPWATCH_EVE_LOG",
    kind: "boolean",
    default: false,
    help: "write eve.json into the results folder, lines as Suricata's",
    commands: running,
  },
  {
    name: "env-file",
    kind: "text",
    placeholder: "FILE",
    help: "variables read from a file; the process's own win (default: .env if there)",
  },
  {
    name: "log-level",
    env: "TAPWATCH_LOG_LEVEL",
    kind: "choice",
    choices: ["debug", "info", "warning", "error"],
    default: "info",
    placeholder: "LEVEL",
    help: "debug, info, warning or error",
  },
  {
    name: "log-format",
    env: "TAPWATCH_LOG_FORMAT",
    kind: "choice",
    choices: ["text", "json"],
    default: "text",
    placeholder: "FORMAT",
    help: "text or json, to stderr",
  },
  {
    name: "allow-ffi",
    env: "TAPWATCH_ALLOW_FFI",
    kind: "boolean",
    default: false,
    help: "consent to load the host's libpcap",
    commands: ["run", "interfaces", "doctor"],
    isHarmless: true,
  },
  {
    name: "speed",
    kind: "speed",
    default: "1",
    placeholder: "X",
    help: "replay speed: 1, 10 … or max",
    commands: ["replay"],
  },
  {
    name: "json",
    kind: "boolean",
    default: false,
    help: "one JSON object on stdout",
    commands: ["analyze", "interfaces", "doctor", "version"],
  },
  {
    name: "flows",
    kind: "text",
    placeholder: "FILE",
    help: "write one JSON line per flow; - for stdout in place of the report",
    commands: ["analyze"],
  },
  {
    name: "eve",
    kind: "text",
    placeholder: "FILE",
    help: "write Suricata-style EVE lines; - for stdout in place of the report",
    commands: ["analyze"],
  },
  {
    name: "format",
    kind: "choice",
    choices: ["csv", "jsonl"],
    default: "csv",
    placeholder: "FORMAT",
    help: "csv or jsonl",
    commands: ["export"],
  },
  {
    name: "from",
    kind: "text",
    placeholder: "TIME",
    help: "only what is not older, ISO 8601",
    commands: ["export"],
  },
  {
    name: "to",
    kind: "text",
    placeholder: "TIME",
    help: "only what is older, ISO 8601",
    commands: ["export"],
  },
  { name: "help", short: "h", kind: "boolean", default: false, help: "show this help" },
  { name: "version", kind: "boolean", default: false, help: "show the version" },
];
