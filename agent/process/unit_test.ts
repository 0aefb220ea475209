import { strictEqual } from "node:assert/strict";
import { unitOf } from "./unit.ts";

const id = "0123456789ab" + "c".repeat(52);
const uid = "0f3c1a2b_1111_2222_3333_444455556666";

const cases: readonly (readonly [name: string, cgroup: string, unit: string])[] = [
  ["a service, version 2", "0::/system.slice/ssh.service\n", "ssh.service"],
  ["a session", "0::/user.slice/user-1000.slice/session-3.scope", "session-3.scope"],
  [
    "an application of a desktop",
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-12.scope",
    "app-firefox-12.scope",
  ],
  ["a service, version 1", "12:pids:/x\n1:name=systemd:/system.slice/cron.service", "cron.service"],
  ["docker by systemd", `0::/system.slice/docker-${id}.scope`, "docker-0123456789ab"],
  ["docker by cgroupfs", `0::/docker/${id}`, "docker-0123456789ab"],
  [
    "docker, version 1",
    `9:memory:/docker/${id}\n1:name=systemd:/docker/${id}`,
    "docker-0123456789ab",
  ],
  [
    "docker seen from another group's namespace",
    `0::/../../docker-${id}.scope`,
    "docker-0123456789ab",
  ],
  ["podman", `0::/machine.slice/libpod-${id}.scope/container`, "podman-0123456789ab"],
  [
    "Kubernetes by systemd",
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid}.slice/cri-containerd-${id}.scope`,
    "kubepods-pod0f3c1a2b-1111-2222-3333-444455556666-0123456789ab",
  ],
  [
    "Kubernetes by cgroupfs",
    `5:cpu:/kubepods/besteffort/pod${uid.replaceAll("_", "-")}/${id}`,
    "kubepods-pod0f3c1a2b-1111-2222-3333-444455556666-0123456789ab",
  ],
  ["LXC, version 2", "0::/lxc.payload.web/system.slice/nginx.service", "lxc-web"],
  ["LXC, version 1", "4:memory:/lxc/web/", "lxc-web"],
  ["a container in a container", `0::/lxc.payload.web/docker/${id}`, "docker-0123456789ab"],
  ["none", "0::/\n", ""],
  ["nothing", "", ""],
  ["no text of the kernel's", "hello\n::\n0::relative", ""],
  ["a slice alone", "0::/user.slice", ""],
];

for (const [name, cgroup, unit] of cases) {
  Deno.test(`unitOf() names ${name}`, () => strictEqual(unitOf(cgroup), unit));
}
