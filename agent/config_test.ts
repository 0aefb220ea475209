import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { type ConfigSources, parseConfig } from "./config.ts";
import { UsageError } from "./errors.ts";
import { OPTIONS } from "./options.ts";

const nothing: ConfigSources = {
  env: {},
  readTextFile: (path) => {
    throw new Error(`no ${path}`);
  },
  exists: () => false,
};

function withEnv(env: Record<string, string>, files: Record<string, string> = {}): ConfigSources {
  return {
    env,
    readTextFile: (path) => {
      if (path in files) return files[path];
      throw new Error("No such file or directory");
    },
    exists: (path) => path in files,
  };
}

Deno.test("parseConfig() without arguments runs with the documented defaults", () => {
  const config = parseConfig([], nothing);
  deepStrictEqual(config.command, "run");
  deepStrictEqual(config.interfaces, []);
  deepStrictEqual(config.bufferMb, 64);
  deepStrictEqual(config.snaplen, 262144);
  deepStrictEqual(config.isPromiscuous, true);
  deepStrictEqual([config.host, config.port], ["127.0.0.1", 8055]);
  deepStrictEqual([config.logPackets, config.retentionDays, config.retentionMb], [
    "sampled",
    14,
    2048,
  ]);
  deepStrictEqual(config.historyDays, 365);
  deepStrictEqual([config.pcapFileMb, config.pcapFiles], [100, 10]);
  deepStrictEqual(config.isFfiAllowed, false);
  deepStrictEqual(Object.isFrozen(config), true);
});

Deno.test("parseConfig() lets flags win over the environment, it over .env, it over defaults", () => {
  const sources = withEnv({ TAPWATCH_PORT: "2000" }, {
    ".env": "TAPWATCH_PORT=3000\nTAPWATCH_SNAPLEN=128\n",
  });
  deepStrictEqual(parseConfig(["--port", "1000"], sources).port, 1000);
  deepStrictEqual(parseConfig([], sources).port, 2000);
  deepStrictEqual(parseConfig([], sources).snaplen, 128);
  deepStrictEqual(parseConfig([], nothing).port, 8055);
});

Deno.test("parseConfig() takes short, joined, repeated and negated flags", () => {
  const config = parseConfig(
    ["run", "-i", "eth0", "-ieth1", "-f", "tcp port 80", "--port=81", "--no-promiscuous"],
    nothing,
  );
  deepStrictEqual(config.interfaces, ["eth0", "eth1"]);
  deepStrictEqual(config.filter, "tcp port 80");
  deepStrictEqual(config.port, 81);
  deepStrictEqual(config.isPromiscuous, false);
  deepStrictEqual(parseConfig([], withEnv({ TAPWATCH_INTERFACE: "a,b" })).interfaces, ["a", "b"]);
  deepStrictEqual(parseConfig([], withEnv({ TAPWATCH_PROMISCUOUS: "0" })).isPromiscuous, false);
});

Deno.test("parseConfig() takes networks, addresses, private and own for what is local", () => {
  deepStrictEqual(parseConfig([], nothing).homeNets, ["private", "own"]);
  const flags = ["--home-net", "203.0.113.0/24", "--home-net", "private", "--home-net=2001:db8::1"];
  const given = ["203.0.113.0/24", "private", "2001:db8::1"];
  deepStrictEqual(parseConfig(["analyze", "x", ...flags], nothing).homeNets, given);
  const env = withEnv({ TAPWATCH_HOME_NET: given.join(", ") });
  deepStrictEqual(parseConfig(["replay", "x"], env).homeNets, given);
  deepStrictEqual(parseConfig(["decode", "x"], env).homeNets, given);
});

Deno.test("parseConfig() takes ports of VXLAN, from flags and from one variable", () => {
  const flags = ["--vxlan-port", "6789", "--vxlan-port=8473"];
  deepStrictEqual(parseConfig([], nothing).vxlanPorts, []);
  for (const command of ["analyze", "decode", "replay"]) {
    deepStrictEqual(parseConfig([command, "x", ...flags], nothing).vxlanPorts, [6789, 8473]);
  }
  const env = withEnv({ TAPWATCH_VXLAN_PORT: "6789, 8473" });
  deepStrictEqual(parseConfig(["analyze", "x"], env).vxlanPorts, [6789, 8473]);
  for (const value of ["0", "65536", "4789-4790", "vxlan"]) {
    throws(() => parseConfig(["--vxlan-port", value], nothing), UsageError);
  }
});

Deno.test("parseConfig() reads speeds and operands of replay", () => {
  deepStrictEqual(parseConfig(["replay", "x.pcap"], nothing).speed, 1);
  deepStrictEqual(parseConfig(["replay", "x.pcap", "--speed", "max"], nothing).speed, 0);
  deepStrictEqual(parseConfig(["replay", "--speed", "10", "-"], nothing).operands, ["-"]);
});

const noChannel = "no mail server, webhook or syslog is set up, so nobody is told of anything. " +
  "Add --smtp-url URL with --mail-to ADDR, --webhook URL or --syslog URL.";
const idle: readonly (readonly [readonly string[], Record<string, string>, readonly string[]])[] = [
  [[], {}, []],
  [["--quiet-hours", "22:00-07:00"], {}, [`--quiet-hours has no effect: ${noChannel}`]],
  [
    ["--alert-severity", "low"],
    { TAPWATCH_WEBHOOK_SECRET: "x" },
    [`--alert-severity and TAPWATCH_WEBHOOK_SECRET have no effect: ${noChannel}`],
  ],
  [["--alert-severity", "low", "--webhook", "https://example.org/"], {}, []],
  [["--alert-severity", "low", "--syslog", "udp://192.0.2.1"], {}, []],
  [
    ["--syslog", "udp://192.0.2.1"],
    { TAPWATCH_SMTP_USER: "me", TAPWATCH_WEBHOOK_SECRET: "x" },
    [
      "TAPWATCH_SMTP_USER has no effect: no mail server is set up. Add --smtp-url URL.",
      "TAPWATCH_WEBHOOK_SECRET has no effect: no webhook is set up. Add --webhook URL.",
    ],
  ],
  [
    ["--smtp-url", "smtp://mail", "--mail-to", "ops@example.org"],
    { TAPWATCH_SMTP_HOST: "other", TAPWATCH_SMTP_PORT: "25", TAPWATCH_SMTP_USER: "me" },
    ["TAPWATCH_SMTP_HOST and TAPWATCH_SMTP_PORT have no effect: --smtp-url says it."],
  ],
  [
    ["--smtp-url", "smtp://you@mail", "--mail-to", "ops@example.org"],
    { TAPWATCH_SMTP_USER: "me", TAPWATCH_SMTP_PASSWORD: "x" },
    ["TAPWATCH_SMTP_USER has no effect: --smtp-url says it."],
  ],
  [
    ["--mail-to", "ops@example.org"],
    { TAPWATCH_SMTP_URL: "smtp://you:pw@mail", TAPWATCH_SMTP_PASSWORD: "x" },
    ["TAPWATCH_SMTP_PASSWORD has no effect: TAPWATCH_SMTP_URL says it."],
  ],
  [
    ["--smtp-url", "smtp://mail", "--mail-to", "ops@example.org"],
    { TAPWATCH_SMTP_PASSWORD: "x" },
    [
      "TAPWATCH_SMTP_PASSWORD has no effect: there is no name to log in with. Set TAPWATCH_SMTP_USER.",
    ],
  ],
  [
    ["--fleet-level", "findings", "--fleet-site", "home"],
    { TAPWATCH_FLEET_SPOOL_MB: "5" },
    [
      "--fleet-level, TAPWATCH_FLEET_SPOOL_MB and --fleet-site have no effect: no fleet is reported to. Add --fleet URL.",
    ],
  ],
  [
    ["--fleet", "tls://hub", "--fleet-credentials", "me.json", "--fleet-level", "findings"],
    {},
    [],
  ],
  [
    ["hub"],
    { TAPWATCH_HUB_STORE_PASSWORD: "x" },
    ["TAPWATCH_HUB_STORE_PASSWORD has no effect: flows are kept in SQLite. Add --hub-store URL."],
  ],
  [["hub", "--hub-store", "http://db:8123"], { TAPWATCH_HUB_STORE_PASSWORD: "x" }, []],
  [
    ["--pcap-files", "0", "--pcap-file-mb", "5"],
    {},
    ["--pcap-file-mb has no effect: --pcap-files 0 turns the capture ring off."],
  ],
  // Variables for another command.
  [["analyze", "x"], { TAPWATCH_QUIET_HOURS: "22:00-07:00" }, []],
];
Deno.test("parseConfig() warns of a password in a variable beside that of a file", () => {
  const sources = {
    ...withEnv({ TAPWATCH_PASSWORD: "another one" }),
    readTextFile: () => "hunter22",
  };
  const { password, warnings } = parseConfig(["--password-file", "pw"], sources);
  deepStrictEqual([password, warnings], [
    "hunter22",
    ["TAPWATCH_PASSWORD has no effect: the password is that of --password-file."],
  ]);
});

for (const [args, env, expected] of idle) {
  Deno.test(`parseConfig() warns of what has no effect: ${args.join(" ")} ${Object.keys(env)}`, () => {
    deepStrictEqual(parseConfig(args, withEnv(env)).warnings, expected);
  });
}

/** The UsageError that `parse` throws. */
function refusal(parse: () => unknown): UsageError {
  try {
    parse();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const refusals: readonly (readonly [readonly string[], string])[] = [
  ...[
    "smtp://mail?tls=no",
    "smtps://mail?security=none",
    "smtp://mail/x",
    "smtp://mail?security=no",
  ]
    .map((url): [string[], string] => [
      ["--smtp-url", url, "--mail-to", "ops@example.org"],
      "--smtp-url takes nothing behind the port but ?security=none (or starttls) of smtp://.",
    ]),
  [["--prot", "80"], "Unknown option --prot. Did you mean --port? See tapwatch help."],
  [["-z"], "Unknown option -z. See tapwatch help."],
  [["rnu"], 'Unknown command "rnu". Did you mean run?'],
  [["--port", "0"], '--port must be a whole number from 1 to 65535, got "0".'],
  [["--port", "8e3"], '--port must be a whole number from 1 to 65535, got "8e3".'],
  [["--port"], "Option --port needs a value: --port N."],
  [["--snaplen", "1.5"], '--snaplen must be a whole number from 64 to 262144, got "1.5".'],
  [
    ["--log-packets", "al"],
    '--log-packets must be one of all, sampled, anomalous, none, got "al". Did you mean all?',
  ],
  [["--promiscuous=no"], 'Option --promiscuous takes no value, got "no".'],
  [["--speed", "2"], "Option --speed belongs to replay, not to run."],
  [["replay", "x", "-i", "eth0"], "Option -i belongs to run and doctor, not to replay."],
  [
    ["analyze", "x", "--filter", "tcp"],
    "Option --filter belongs to run, doctor and export, not to analyze.",
  ],
  [
    ["replay", "x", "--speed", "fast"],
    '--speed must be max or a number above 0 (1 is the capture\'s own speed), got "fast".',
  ],
  [["replay"], "tapwatch replay takes one capture file (or - for stdin), got none."],
  [["interfaces", "eth0"], 'tapwatch interfaces takes no argument, got "eth0".'],
  [
    ["--smtp-password", "x"],
    "--smtp-password is no option, so that it stays out of process lists. Set TAPWATCH_SMTP_PASSWORD.",
  ],
  [
    ["--webhook", "chat.example/x"],
    "--webhook must be an address that begins with http:// or https://, or one of slack+",
  ],
  [
    ["replay", "x", "--mail-to", "a@example.org"],
    "--mail-to has no effect without a mail server. Add --smtp-url URL.",
  ],
  [
    ["doctor", "--smtp-url", "smtp://mail"],
    "A mail server is set up, but nobody to write to. Add --mail-to ADDR.",
  ],
  [["--mail-to", "ops at example.org"], "--mail-to must be a mail address as ops@example.org"],
  [["--syslog", "http://log"], "--syslog must look like udp://host:514, tcp://host:601"],
  [["--quiet-hours", "22-7"], "--quiet-hours must be two different times of day as 22:00-07:00"],
  [["--dashboard-url", "tap"], "--dashboard-url must look like https://tap.example.org"],
  [
    ["--alert-severity", "hgih"],
    '--alert-severity must be one of info, low, medium, high, critical, got "hgih". Did you mean high?',
  ],
  [
    ["export", "hosts", "--from", "2026-11-22T14:00:00Z"],
    "--from has no effect here: hosts have no time.",
  ],
  [
    ["export", "flows", "--vxlan-port", "6789"],
    "--vxlan-port has no effect here: rows are as they were decoded.",
  ],
  [
    ["export", "pcap", "--format", "csv"],
    "--format has no effect here: packets are exported as a pcap file.",
  ],
  [
    ["install-service", "--uninstall", "-i", "eth0"],
    "-i has no effect here: --uninstall takes the service away, whatever its settings.",
  ],
  [["--check-config", "--print-config"], "--print-config has no effect here: --check-config only"],
  [
    ["doctor", "--check-config", "--json"],
    "--json has no effect here: --check-config only checks.",
  ],
  [
    ["fleet", "list", "--fleet-replicas", "3"],
    "--fleet-replicas has no effect here: it is for tapwatch fleet streams.",
  ],
  [
    ["fleet", "streams", "--fleet-store-gb", "3"],
    "--fleet-store-gb has no effect here: it is for tapwatch fleet init.",
  ],
  [["fleet", "init", "a", "--json"], "--json has no effect here: it is for tapwatch fleet list."],
  [
    ["export", "flows", "--from", "2026-11-22T14:00:00Z", "--to", "2026-11-22T13:00:00Z"],
    "--to must be later than --from.",
  ],
  ...[
    "203.0.113.0/33",
    "2001:db8::/129",
    "192.0.2.0/24,10.0.0.0/8",
    "home",
    "192.0.2.0/",
    "1.2.3/8",
  ].map((
    value,
  ) =>
    [
      ["--home-net", value],
      `--home-net must be a network such as 192.0.2.0/24 or 2001:db8::/48 (prefix up to 32 and 128), an address, private or own, got "${value}".`,
    ] as const
  ),
  [
    ["decode", "x", "--home-net", "own"],
    "Option --home-net belongs to run, replay and analyze, not to decode.",
  ],
  [["--env-file", "nowhere"], "Cannot read nowhere (--env-file): no nowhere."],
  [
    ["--host", "0.0.0.0"],
    "Binding the dashboard to 0.0.0.0 lets others in, so it needs a password",
  ],
  [
    ["export", "flows", "--from", "yesterday"],
    '--from must be a time such as 2026-11-22T14:00:00Z, got "yesterday".',
  ],
];

for (const [args, message] of refusals) {
  Deno.test(`parseConfig() refuses ${args.join(" ")}`, () => {
    const error = refusal(() => parseConfig(args, nothing));
    deepStrictEqual(error.message.slice(0, message.length), message);
    strictEqual(error.exitCode, 2);
  });
}

Deno.test("parseConfig() refuses a bad or unknown variable by its name", () => {
  const bad = refusal(() => parseConfig([], withEnv({ TAPWATCH_PORT: "http" })));
  deepStrictEqual(bad.message, 'TAPWATCH_PORT must be a whole number from 1 to 65535, got "http".');
  const unknown = refusal(() => parseConfig([], withEnv({}, { ".env": "TAPWATCH_PROT=1" })));
  deepStrictEqual(
    unknown.message,
    "Unknown variable TAPWATCH_PROT in .env. Did you mean TAPWATCH_PORT?",
  );
});

Deno.test("parseConfig() names the file of a bad variable", () => {
  const bad = refusal(() => parseConfig([], withEnv({}, { ".env": "TAPWATCH_PORT=http" })));
  deepStrictEqual(
    bad.message,
    'TAPWATCH_PORT in .env must be a whole number from 1 to 65535, got "http".',
  );
});

Deno.test("parseConfig() lets every command take what scripts give to all", () => {
  for (const command of ["interfaces", "doctor", "version"]) {
    const args = [command, "--results", "r", "--allow-ffi", "--log-format", "json"];
    deepStrictEqual(parseConfig(args, nothing).resultsFolder, "r");
  }
});

Deno.test("parseConfig() takes the password from a file or the environment, at least 8 characters", () => {
  const sources = withEnv({ TAPWATCH_PASSWORD: "from the environment" }, { pw: "from the file\n" });
  deepStrictEqual(parseConfig([], sources).password, "from the environment");
  const config = parseConfig(["--password-file", "pw", "--host", "0.0.0.0"], sources);
  deepStrictEqual(config.password, "from the file");
  refusal(() => parseConfig([], withEnv({ TAPWATCH_PASSWORD: "short" })));
});

Deno.test("parseConfig() reads where alerts go, and when", () => {
  const mail = ["--smtp-url", "smtp://mail.example.org", "--mail-to", "ops@example.org"];
  const { smtp, mailTo } = parseConfig(mail, withEnv({ TAPWATCH_SMTP_PASSWORD: "secret" }));
  deepStrictEqual([smtp?.host, smtp?.port, smtp?.security, mailTo], [
    "mail.example.org",
    587,
    "starttls",
    ["ops@example.org"],
  ]);
  const hooks = ["--webhook", "https://a.example/x", "--webhook", "slack+https://b.example/y"];
  deepStrictEqual(parseConfig(hooks, nothing).webhooks.map(({ form }) => form), ["json", "slack"]);
  const syslog = (url: string) => parseConfig(["--syslog", url], nothing).syslog;
  deepStrictEqual(syslog("tls://[fd00::1]"), {
    protocol: "tls",
    host: "fd00::1",
    port: 6514,
    ca: null,
  });
  deepStrictEqual(syslog("udp://log.example:80"), {
    protocol: "udp",
    host: "log.example",
    port: 80,
    ca: null,
  });
  const ca = { ...nothing, readTextFile: () => "PEM" };
  strictEqual(parseConfig(["--syslog", "tls://x", "--syslog-ca", "f"], ca).syslog?.ca, "PEM");
  match(
    refusal(() => parseConfig(["--syslog", "tcp://x", "--syslog-ca", "f"], ca)).message,
    /^--syslog-ca has no effect without --syslog tls:/,
  );
  deepStrictEqual(parseConfig(["--quiet-hours", "22:00-07:00"], nothing).quietHours?.to, 420);
  deepStrictEqual(parseConfig(["--host", "::1"], nothing).dashboardUrl, "http://[::1]:8055");
  deepStrictEqual(
    parseConfig(["--dashboard-url", "https://tap.example.org/"], nothing).dashboardUrl,
    "https://tap.example.org",
  );
  // Of no concern to who only reads a file.
  parseConfig(["analyze", "x"], withEnv({ TAPWATCH_SMTP_URL: "smtp://mail.example.org" }));
});

Deno.test("every option names its commands or is heeded by all", () => {
  for (const { name, commands, flagOnly = [], env } of OPTIONS) {
    ok(commands === undefined || commands.length > 0, name);
    ok(flagOnly.every((command) => commands?.includes(command)) && (!flagOnly[0] || env), name);
  }
});

Deno.test("parseConfig() takes the capture filter's variable for capturing alone", () => {
  const sources = withEnv({ TAPWATCH_FILTER: "not port 22" });
  deepStrictEqual(parseConfig([], sources).filter, "not port 22");
  deepStrictEqual(parseConfig(["export", "pcap"], sources).filter, "");
  deepStrictEqual(parseConfig(["export", "flows"], sources).filter, "");
  deepStrictEqual(parseConfig(["export", "pcap", "-f", "port 22"], sources).filter, "port 22");
});

Deno.test("parseConfig() refuses a misspelt variable of the process, and leaves others' alone", () => {
  const { message } = refusal(() => parseConfig([], withEnv({ TAPWATCH_PASWORD: "12345678" })));
  deepStrictEqual(message, "Unknown variable TAPWATCH_PASWORD. Did you mean TAPWATCH_PASSWORD?");
  for (const name of ["TAPWATCH_BIN", "TAPWATCH_SERVICE_HOST", "XTAPWATCH_PORT"]) {
    deepStrictEqual(parseConfig([], withEnv({ [name]: "x" })).command, "run");
  }
});

Deno.test("parseConfig() refuses an empty password, which may be a variable that was not there", () => {
  const { message } = refusal(() => parseConfig([], withEnv({ TAPWATCH_PASSWORD: "" })));
  match(message, /TAPWATCH_PASSWORD.* must have at least 8 characters/);
});

Deno.test("parseConfig() answers --help and --version on every command", () => {
  deepStrictEqual(parseConfig(["analyze", "--help"], nothing).operands, ["analyze"]);
  deepStrictEqual(parseConfig(["decode", "--version"], nothing).command, "version");
});

Deno.test("parseConfig() as root refuses a .env that others may change, unless it is named", () => {
  const sources = {
    ...withEnv({}, { ".env": "TAPWATCH_PORT=3000\n" }),
    distrust: () => "may be written by others",
  };
  throws(() => parseConfig([], sources), /\.env in this folder may be written by others/);
  const named = parseConfig(["--env-file", ".env"], sources);
  deepStrictEqual([named.port, named.envFile], [3000, ".env"]);
  strictEqual(parseConfig([], nothing).envFile, null);
});

Deno.test("an agent needs the engine's address and credentials, and only what captures is told to a fleet", () => {
  const both = [
    "--fleet",
    "tls://a.example.org, nats://[::1]:4333",
    "--fleet-credentials",
    "web.json",
  ];
  deepStrictEqual(
    parseConfig(["run", ...both], nothing).fleetServers,
    ["tls://a.example.org", "nats://[::1]:4333"],
  );
  const env = { TAPWATCH_FLEET: "a.example.org", TAPWATCH_FLEET_CREDENTIALS: "web.json" };
  deepStrictEqual(parseConfig(["run"], { ...nothing, env }).fleetServers, ["a.example.org"]);
  deepStrictEqual(parseConfig(["self-test"], { ...nothing, env }).fleetServers, []);
  deepStrictEqual(parseConfig(["run"], nothing).fleetServers, []);
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["--fleet", "a.example.org"], /--fleet needs --fleet-credentials FILE/],
    [["--fleet-credentials", "web.json"], /--fleet-credentials has no effect without --fleet URL/],
    [["--fleet", "http://a", ...both.slice(2)], /must look like tls:.*neither nats/],
    [["--fleet", "nats://me:secret@a", ...both.slice(2)], /credentials are a file/],
    [[...both, "--fleet-level", "flow"], /--fleet-level/],
    [[...both, "--fleet-spool-mb", "0"], /--fleet-spool-mb/],
  ];
  for (const [args, message] of wrong) {
    throws(() => parseConfig(["run", ...args], nothing), message);
  }
  throws(() => parseConfig(["analyze", "x.pcap", ...both], nothing), /belongs to/);
});
