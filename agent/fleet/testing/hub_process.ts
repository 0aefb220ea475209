/**
 * A hub without pages in a process of its own: DATABASE SERVER CREDENTIALS COMMITS. After one of its first so many commits, before the
 * engine hears of it, it kills itself; with 0 never.
 */
import { readCredentials } from "../credentials.ts";
import { HubService } from "../hub/hub_service.ts";
import { Receiver } from "../hub/receiver.ts";

const [path = "", server = "", file = "", commits = "0"] = Deno.args;
let left = Number(commits) === 0 ? Infinity : 1 + Math.floor(Math.random() * Number(commits));

class FragileHub extends HubService {
  override async take(messages: Parameters<HubService["take"]>[0]) {
    const touched = await super.take(messages);
    if (touched.length > 0 && --left === 0) Deno.kill(Deno.pid, "SIGKILL");
    return touched;
  }
}

const service = new FragileHub({
  path,
  retentionDays: 36_500,
  historyDays: 36_500,
  retentionBytes: 1e12,
  toolVersion: "0.0.0-test",
  nowUs: () => Date.now() * 1000,
  archive: null,
  onJudged: () => {},
});
const receiver = new Receiver({
  servers: server.split(","),
  credentials: () => readCredentials(file, "hub"),
  service,
  onState: () => {},
  onNote: (text) => console.error(text),
  waitMs: 500,
});
setInterval(() => {
  void service.tick();
  console.log(JSON.stringify({ ...service.counts, pending: receiver.pending }));
}, 1000);
