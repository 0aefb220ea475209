import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { libc } from "./libc.ts";
import { findUser, readRights } from "./privileges.ts";
import { readKernelFile } from "./kernel_file.ts";

const isLinux = Deno.build.os === "linux";
const linuxTest = (name: string, fn: () => void | Promise<void>) =>
  Deno.test({ name: isLinux ? name : `${name} (SKIPPED: needs Linux)`, ignore: !isLinux, fn });
// Stays loaded for the life of the process.
if (isLinux) libc();

linuxTest("findUser() asks the system", () => {
  deepStrictEqual(findUser("root"), { name: "root", uid: 0, gid: 0 });
  strictEqual(findUser("no-such-user-of-tapwatch"), null);
});

Deno.test("readRights() takes the user id that differs, and all that a thread may take up", () => {
  const status = (uids: string, permitted: string, inheritable: string, bar: number) =>
    `Name:\ttapwatch\nUid:\t${uids}\nGid:\t0\t0\t0\t0\nCapInh:\t${inheritable}\nCapPrm:\t${permitted}\nNoNewPrivs:\t${bar}\n`;
  deepStrictEqual(readRights(status("7\t7\t7\t7", "0000000000002000", "0000000000000000", 1)), {
    uid: 7,
    permitted: 0x2000n,
    hasNoNewPrivileges: true,
  });
  deepStrictEqual(readRights(status("7\t7\t0\t7", "0", "1", 0)), {
    uid: 0,
    permitted: 1n,
    hasNoNewPrivileges: false,
  });
});

linuxTest("readKernelFile() reads what has no size, and gives null for what is not there", () => {
  strictEqual(
    readKernelFile("/proc/self/status")?.includes(`\nPid:\t${Deno.pid}\n`),
    true,
  );
  strictEqual(readKernelFile("/proc/self/no-such-file"), null);
});
