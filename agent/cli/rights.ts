/** What the program may do on its host, and giving up what it does not need. Linux; loads the C library. */
import { userInfo } from "node:os";
import {
  CAP_DAC_READ_SEARCH,
  CAP_NET_ADMIN,
  CAP_NET_RAW,
  CAP_SYS_PTRACE,
} from "../../ffi/linux/capability.ts";
import {
  becomeUser,
  findUser,
  type ProcessRights,
  readProcessRights,
  type User,
} from "../../ffi/linux/privileges.ts";
import { RunError, UsageError } from "../errors.ts";
import type { RightsState } from "../records.ts";

/** The user called `name`. Throws UsageError when there is none but root, or where users cannot be changed. */
export function wantedUser(name: string): User {
  if (Deno.build.os !== "linux") {
    throw new UsageError("--user works on Linux alone. Start tapwatch as that user instead.");
  }
  const user = findUser(name);
  if (user?.uid === 0) throw new UsageError("--user root gives nothing up. Name another user.");
  if (user !== null) return user;
  throw new UsageError(
    `There is no user ${JSON.stringify(name)} on this host. Make one with` +
      "\n    sudo useradd --system --shell /usr/sbin/nologin tapwatch\nor name another with --user NAME.",
  );
}

/**
 * The user to become, or null when this process already is that user. Throws UsageError for an unknown one, and for one
 * that only root could become.
 */
export function userToBecome(name: string | null): User | null {
  if (name === null) return null;
  const user = wantedUser(name);
  const uid = Deno.uid();
  if (uid === user.uid) return null;
  if (uid === 0) return user;
  throw new UsageError(
    `Only root can become ${user.name}: start tapwatch with sudo, or without --user.`,
  );
}

/** Throws RunError when not all was given up: then nothing may go on. */
export function giveUpRoot(user: User, keepsNetRaw: boolean): void {
  try {
    becomeUser(user, keepsNetRaw);
  } catch (error) {
    throw new RunError(
      `Root cannot be given up for ${user.name}: ${(error as Error).message}. ` +
        "Start tapwatch without --user to stay root, or as that user with cap_net_raw.",
      { cause: error },
    );
  }
}

/** What this process may do; `mayLoad` says whether the C library may be asked. */
export function currentRights(mayLoad: boolean): RightsState {
  const { username } = userInfo();
  if (Deno.build.os !== "linux" || !mayLoad) {
    return {
      user: username,
      isRoot: Deno.uid() === 0,
      capabilities: null,
      hasNoNewPrivileges: false,
    };
  }
  return describeRights(readProcessRights(), username);
}

export function describeRights(rights: ProcessRights, user: string): RightsState {
  return {
    user,
    isRoot: rights.uid === 0,
    capabilities: capabilityNames(rights.permitted),
    hasNoNewPrivileges: rights.hasNoNewPrivileges,
  };
}

const names: Readonly<Record<number, string>> = {
  [CAP_NET_RAW]: "cap_net_raw",
  [CAP_NET_ADMIN]: "cap_net_admin",
  [CAP_SYS_PTRACE]: "cap_sys_ptrace",
  [CAP_DAC_READ_SEARCH]: "cap_dac_read_search",
};

/** Names of the bits of a set, in their order. */
function capabilityNames(set: bigint): string[] {
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (set >> BigInt(bit) & 1n) === 1n)
    .map((bit) => names[bit] ?? `capability ${bit}`);
}
