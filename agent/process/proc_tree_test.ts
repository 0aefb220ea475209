import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { printable, ProcTree } from "./proc_tree.ts";
import { ProcFolder } from "./testing/proc_folder.ts";

const test = (name: string, run: (folder: ProcFolder) => void) =>
  Deno.test({
    name,
    ignore: Deno.build.os !== "linux",
    sanitizeResources: false, // the C library stays loaded
    fn: () => {
      using folder = new ProcFolder();
      run(folder);
    },
  });

test("ProcTree tells processes, their sockets, and passes over what is none", (folder) => {
  folder.add(12, { comm: "a", files: ["socket:[7]", "/dev/null", "pipe:[8]", "socket:[9]"] });
  folder.add(3, { comm: "kthread" });
  Deno.mkdirSync(`${folder.root}/sys`);
  const tree = new ProcTree({ root: folder.root });
  deepStrictEqual(tree.pids(), [3, 12]);
  deepStrictEqual(tree.sockets(12)?.sort(), [7, 9]);
  deepStrictEqual(tree.sockets(3), []);
  strictEqual(tree.sockets(99), null);
  strictEqual(tree.describe(99), null);
  strictEqual(tree.uid(99), null);
});

test("ProcTree knows the numbers given last, and whose a thread is", (folder) => {
  Deno.writeTextFileSync(`${folder.root}/loadavg`, "0.20 0.18 0.12 1/80 1206\n");
  folder.add(1206, { comm: "thread" });
  Deno.writeTextFileSync(`${folder.root}/1206/status`, "Name:\tcurl\nTgid:\t1204\nPid:\t1206\n");
  const tree = new ProcTree({ root: folder.root });
  deepStrictEqual(tree.newest(3), [1206, 1205, 1204]);
  deepStrictEqual([tree.leader(1206), tree.leader(1205)], [1204, 0]);
});

test("ProcTree describes a process; its arguments only when asked for", (folder) => {
  folder.add(7, {
    comm: "curl",
    executable: "/usr/bin/curl",
    arguments: ["curl", "-u", "bob:secret", "http://example.org/"],
    cgroup: "0::/system.slice/cron.service\n",
  });
  const facts = {
    pid: 7,
    name: "curl",
    executable: "/usr/bin/curl",
    command: "curl",
    unit: "cron.service",
  };
  deepStrictEqual(new ProcTree({ root: folder.root }).describe(7), facts);
  const all = new ProcTree({ root: folder.root, hasArguments: true }).describe(7);
  deepStrictEqual(all, { ...facts, command: "curl -u bob:secret http://example.org/" });
});

test("ProcTree takes one word of a title that a program writes over its arguments", (folder) => {
  folder.add(8, { comm: "sshd", executable: "/usr/sbin/sshd", arguments: ["sshd: bob [priv]"] });
  strictEqual(new ProcTree({ root: folder.root }).describe(8)?.command, "sshd:");
});

test("ProcTree tells a long name whole, by the program or its first argument", (folder) => {
  folder.add(1, { comm: "systemd-resolve", executable: "/lib/systemd/systemd-resolved" });
  folder.add(2, { comm: "a-long-name-of-", arguments: ["/opt/a-long-name-of-a-script"] });
  folder.add(4, { comm: "fifteen-letters", executable: "/usr/bin/another" });
  folder.add(5, { comm: "systemd-resolve", executable: "/x/systemd-resolved (deleted)" });
  const tree = new ProcTree({ root: folder.root });
  deepStrictEqual([1, 2, 4, 5].map((pid) => tree.describe(pid)?.name), [
    "systemd-resolved",
    "a-long-name-of-a-script",
    "fifteen-letters",
    "systemd-resolved",
  ]);
  strictEqual(tree.describe(5)?.executable, "/x/systemd-resolved (deleted)");
});

test("ProcTree bounds what processes say of themselves and shows what cannot be printed", (folder) => {
  folder.add(6, {
    comm: "\u001b[2J\u202eevil",
    executable: `/${"x".repeat(200)}/${"y".repeat(200)}`,
    arguments: ["a".repeat(1000)],
  });
  const facts = new ProcTree({ root: folder.root }).describe(6)!;
  strictEqual(facts.name, "\\u001b[2J\\u202eevil");
  strictEqual(facts.command, `${"a".repeat(400)}…`);
  strictEqual(facts.executable.length, 257);
});

test("ProcTree knows the sockets that begin nothing", (folder) => {
  folder.setTables({
    unix: "Num       RefCount Protocol Flags    Type St Inode Path\n" +
      "0000000000000000: 00000002 00000000 00010000 0001 01 21 /run/a b\n" +
      "0000000000000000: 00000003 00000000 00000000 0001 03 22\n",
    netlink:
      "sk               Eth Pid        Groups   Rmem     Wmem  Dump  Locks    Drops    Inode\n" +
      "0000000000000000 0   0          00000000 0        0     0     2        0        23      \n",
  });
  folder.setTables({
    tcp:
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
      "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24 1 0\n" +
      "   1: 0100007F:1234 0100007F:0016 01 00000000:00000000 00:00000000 00000000     0        0 25 1 0\n" +
      "   2: 0100007F:1235 0100007F:0017 02 00000000:00000000 00:00000000 00000000     0        0 26 1 0\n",
  });
  const local = new ProcTree({ root: folder.root }).passiveSockets();
  deepStrictEqual([21, 22, 23, 24, 25, 26].map((inode) => local.has(inode)), [
    true,
    true,
    true,
    true,
    true,
    false,
  ]);
});

test("ProcTree tells a process by its start, the kernel's own, and whose sockets it opens", (folder) => {
  const rest = (flags: number, start: number) =>
    `S 1 7 7 0 -1 ${flags} 10 0 0 0 1 2 0 0 20 0 1 0 ${start} 1000 200`;
  folder.add(7, { comm: "a) b", stat: `7 (a) b) ${rest(0x400000, 812)}` });
  folder.add(8, { comm: "kworker/0:1", stat: `8 (kworker/0:1) ${rest(0x4208060, 20)}` });
  Deno.writeTextFileSync(`${folder.root}/7/status`, "Name:\ta) b\nUid:\t1000\t0\t0\t33\n");
  const tree = new ProcTree({ root: folder.root });
  deepStrictEqual(tree.identify(7), { pid: 7, startTicks: 812 });
  deepStrictEqual([tree.isOfKernel(7), tree.isOfKernel(8)], [false, true]);
  deepStrictEqual([tree.user(7), tree.user(8)], [33, null]);
  deepStrictEqual([tree.identify(9), tree.isOfKernel(9)], [null, false]);
});

Deno.test({
  name: "ProcTree knows its own network from another, whoever asks",
  ignore: Deno.build.os !== "linux",
  sanitizeResources: false,
  fn: () => {
    const tree = new ProcTree();
    strictEqual(tree.isOfOwnNetwork(Deno.pid), true);
    strictEqual(tree.isOfOwnNetwork(0x3fffff), false);
  },
});

Deno.test("printable() keeps letters of all languages and no half of one", () => {
  strictEqual(printable("Müller 日本", 64), "Müller 日本");
  strictEqual(printable("a\nb\tc\u2028\u200b", 64), "a\\u000ab\\u0009c\\u2028\\u200b");
  strictEqual(printable("x😀", 2), "x\\ufffd…");
});
