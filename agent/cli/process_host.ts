/**
 * The processes of this host as the supervisor has them, of live capture on Linux: what the detect worker needs to look for them, and
 * what it tells of them. It keeps who on this host began what lately, so that findings about this host can name their process.
 */
import { enablePerfTrace } from "../../ffi/linux/perf_trace.ts";
import type { Config } from "../config.ts";
import type { LiveState } from "../live_state.ts";
import type { LookForProcesses, NoteMessage, ProcessNews } from "../messages.ts";
import { openConnectTrace } from "../process/open_trace.ts";
import type { Finding, FlowProcess, ProcessesState } from "../records.ts";
import { hasFfiConsent } from "./ffi_consent.ts";
import { blindText } from "./process_sight.ts";
import { addressesOf, ownNetworks } from "./own_networks.ts";
import { isOfProcess, ProcessContacts } from "./process_contacts.ts";

interface ProcessHostOptions {
  readonly config: Config;
  readonly live: LiveState;
  readonly pipelineCount: number;
  readonly joinPipeline: (index: number, port: MessagePort) => void;
  /** Somebody began something that findings may be about. */
  readonly onContacts: () => void;
  readonly onNote: (message: NoteMessage) => void;
}

/** Whether processes are looked for: live, where there is /proc, and unless it is turned off. */
export function looksForProcesses(config: Config, isLive: boolean): boolean {
  return isLive && config.namesProcesses && Deno.build.os === "linux" && hasFfiConsent(config);
}

export class ProcessHost {
  readonly #options: ProcessHostOptions;
  readonly #contacts = new ProcessContacts();
  /** Opened while there are the rights to. */
  readonly #trace = openConnectTrace();
  #hasToldBlind = false;

  /** Call it before root is given up. */
  constructor(options: ProcessHostOptions) {
    this.#options = options;
  }

  /** A detect worker has begun: what it needs, the pipelines being joined to it. */
  begin(): LookForProcesses {
    const { config, pipelineCount, joinPipeline } = this.#options;
    const channels = Array.from({ length: pipelineCount }, () => new MessageChannel());
    channels.forEach(({ port2 }, index) => joinPipeline(index, port2));
    if (this.#trace !== null) enablePerfTrace(this.#trace, true);
    return {
      options: { hasArguments: config.hasProcessArguments },
      pipelines: channels.map(({ port1 }) => port1),
      trace: this.#trace,
    };
  }

  take(news: ProcessNews): void {
    if (news.type === "state") return this.#setState(news.state);
    this.#contacts.take(news, Date.now() * 1000);
    this.#options.onContacts();
  }

  /** Nobody looks any more. */
  end(): void {
    if (this.#trace !== null) enablePerfTrace(this.#trace, false);
  }

  /** The process that did what a finding tells of; undefined when that cannot be told. */
  processOf(finding: Finding): FlowProcess | undefined {
    return this.#contacts.processOf(finding);
  }

  /** Whether somebody on this host did what a finding tells of, and who is not known yet. */
  awaitsProcess(finding: Finding): boolean {
    if (!isOfProcess(finding)) return false;
    const own = new Set(addressesOf(ownNetworks()));
    return finding.sources.some((address) => own.has(address)) &&
      this.processOf(finding) === undefined;
  }

  #setState(state: ProcessesState): void {
    const { live, onNote } = this.#options;
    const detail = blindText(state, live.rights?.user ?? "this user");
    live.processes = { ...state, detail };
    if (detail === "" || this.#hasToldBlind) return;
    this.#hasToldBlind = true;
    onNote({ type: "note", severity: "info", text: detail });
  }
}
