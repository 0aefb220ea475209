/**
 * A TestHost in a process of its own, which produces 200 flows each 50 ms until it is killed: FOLDER SERVER CREDENTIALS. What it says of
 * itself stands in state.json.
 */
import { join } from "node:path";
import { TestHost } from "./host.ts";

const [folder = "", server = "", credentialsFile = ""] = Deno.args;
const host = new TestHost(folder, { servers: server.split(","), credentialsFile });
host.start();
setInterval(() => host.produce(200), 50);
setInterval(() => {
  const path = join(folder, "state.json");
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(host.state));
  Deno.renameSync(`${path}.new`, path);
}, 200);
