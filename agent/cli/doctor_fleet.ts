/** What `doctor` finds of the fleet that this host reports to. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { TapwatchError } from "../errors.ts";
import { readCredentials } from "../fleet/credentials.ts";
import { connectEngine, isRejection } from "../fleet/engine_link.ts";
import { formatSize } from "../text/amounts.ts";
import { type Check, failed, good } from "./doctor_check.ts";

/** Connects and says nothing; none without a fleet. */
export async function fleetChecks(config: Config): Promise<Check[]> {
  const { fleetCredentials, fleetServers, resultsFolder } = config;
  const name = "fleet";
  if (fleetCredentials === null) return [];
  try {
    const credentials = readCredentials(fleetCredentials, "agent");
    const connection = await connectEngine({ servers: fleetServers, credentials });
    await connection.close();
    const spool = spoolSize(join(resultsFolder, "fleet.db"));
    return [good(name, `${fleetServers.join(", ")} lets ${credentials.name} in; ${spool}`)];
  } catch (error) {
    if (error instanceof TapwatchError) return [failed(name, 1, error.message)];
    return [failed(name, 1, trouble(fleetServers.join(", "), error as Error))];
  }
}

function trouble(servers: string, error: Error): string {
  if (isRejection(error)) {
    return `${servers} does not accept the credential. Enrol this host again with tapwatch fleet enroll, and have the engine ` +
      "read its configuration again";
  }
  return `${servers} cannot be reached: ${error.message}. See whether nats-server runs there, and whether a firewall lets its port through`;
}

function spoolSize(path: string): string {
  try {
    return `its spool ${path} has ${formatSize(statSync(path).size)}`;
  } catch {
    return "its spool is made by the next run";
  }
}
