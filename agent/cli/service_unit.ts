/** The systemd unit of the service, and where its parts lie. The reason of each line of protection stands in docs/SECURITY.md. */

/** Where things are on the host. */
export const SERVICE = {
  name: "tapwatch",
  user: "tapwatch",
  executable: "/usr/local/bin/tapwatch",
  settingsFolder: "/etc/tapwatch",
  settings: "/etc/tapwatch/tapwatch.env",
  data: "/var/lib/tapwatch",
  unit: "/etc/systemd/system/tapwatch.service",
} as const;

/** Below, only who may bind such ports can serve the dashboard. */
const privilegedPorts = 1024;

/** Text of the unit; `port` is the dashboard's, `executable` where the package has put it. */
export function unitText({ port, executable = SERVICE.executable }: {
  readonly port: number;
  readonly executable?: string;
}): string {
  const capabilities = ["CAP_NET_RAW", ...port < privilegedPorts ? ["CAP_NET_BIND_SERVICE"] : []]
    .join(" ");
  return `[Unit]
Description=tapwatch, which watches the network of this host
After=network-online.target
Wants=network-online.target
# It is tried again for as long as it takes: a device may come later.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=${executable} run --env-file ${SERVICE.settings}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=10
WatchdogSec=60
TimeoutStartSec=90
TimeoutStopSec=15
LimitNOFILE=65536
User=${SERVICE.user}
Group=${SERVICE.user}
StateDirectory=tapwatch
StateDirectoryMode=0700
WorkingDirectory=${SERVICE.data}
UMask=0077

# What it needs of root: to open devices for capture.
AmbientCapabilities=${capabilities}
CapabilityBoundingSet=${capabilities}
NoNewPrivileges=yes

# Files: its own folder alone can be written.
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectProc=invisible
RemoveIPC=yes

# The kernel and the system as a whole.
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private

# AF_PACKET captures, AF_NETLINK lists devices, AF_UNIX tells systemd, AF_INET and AF_INET6 serve the dashboard and send alerts.
RestrictAddressFamilies=AF_PACKET AF_NETLINK AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# Threads ask for the size of their stacks; compiled code is locked by protection keys.
SystemCallFilter=prlimit64 @pkey
SystemCallErrorNumber=EPERM
# No MemoryDenyWriteExecute: JavaScript and WebAssembly are compiled while they run.

[Install]
WantedBy=multi-user.target
`;
}
