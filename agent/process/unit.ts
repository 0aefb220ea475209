/** What a process runs in, by its control groups (cgroups(7)): a container, a unit of systemd, or neither. */

const idLength = 12;
const textMax = 96;
/** By the innermost that has a name of its own: patterns of one part of the path. */
const containers: readonly (readonly [RegExp, string])[] = [
  [/^docker-([0-9a-f]{64})\.scope$/, "docker"],
  [/^libpod-(?:conmon-)?([0-9a-f]{64})(?:\.scope)?$/, "podman"],
  [/^cri-containerd-([0-9a-f]{64})\.scope$/, "containerd"],
  [/^crio-([0-9a-f]{64})(?:\.scope)?$/, "crio"],
  [/^lxc\.payload\.(.+)$/, "lxc"],
];
const podPart = /^(?:kubepods-(?:[a-z]+-)?)?pod([0-9a-f][0-9a-f_-]{7,})(?:\.slice)?$/;
const hexId = /^(?:[a-z]+-)*([0-9a-f]{64})(?:\.scope)?$/;

/**
 * "docker-0123456789ab", "kubepods-pod<uid>-0123456789ab", "lxc-web", "ssh.service", "session-3.scope"; "" for none. `text` is
 * that of /proc/PID/cgroup, of version 1, 2 or both.
 */
export function unitOf(text: string): string {
  const paths = text.split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ controllers: controllers!, path }];
  });
  for (const { path } of paths) {
    const container = containerOf(path);
    if (container !== "") return container.slice(0, textMax);
  }
  // Units stand in the tree of version 2, or in the one that systemd keeps beside version 1.
  const ofSystemd = paths.filter(({ controllers }) => /^(name=systemd)?$/.test(controllers));
  for (const { path } of ofSystemd) {
    const unit = path.split("/").findLast((part) => /^[^/]+\.(service|scope)$/.test(part));
    if (unit !== undefined) return unit.slice(0, textMax);
  }
  return "";
}

function containerOf(path: string): string {
  const parts = path.split("/");
  const pod = parts.map((part) => podPart.exec(part)?.[1]).find((uid) => uid !== undefined);
  for (const [index, part] of [...parts.entries()].reverse()) {
    const id = hexId.exec(part)?.[1];
    if (pod !== undefined && path.includes("kubepods") && id !== undefined) {
      return `kubepods-pod${pod.replaceAll("_", "-")}-${id.slice(0, idLength)}`;
    }
    for (const [pattern, kind] of containers) {
      const name = pattern.exec(part)?.[1];
      if (name === undefined) continue;
      return `${kind}-${kind === "lxc" ? name : name.slice(0, idLength)}`;
    }
    const before = parts[index - 1];
    if (before === "docker" && id !== undefined) return `docker-${id.slice(0, idLength)}`;
    if (before === "lxc" && part !== "") return `lxc-${part}`;
  }
  return "";
}
