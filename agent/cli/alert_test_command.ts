/** `tapwatch alert-test`: one test alert through every configured channel, and what each answered. */
import type { Channel } from "../alert/channel.ts";
import { testDecision } from "../alert/policy.ts";
import type { Config } from "../config.ts";
import { messageOf, RunError, UsageError } from "../errors.ts";
import { LiveState } from "../live_state.ts";
import type { Alert } from "../records.ts";
import { StoreQueries } from "../store/queries.ts";
import { makeChannels } from "./channels.ts";
import { databasePath } from "./results_folder.ts";

/** Throws UsageError without a channel, RunError when one has failed. */
export async function runAlertTest(config: Config): Promise<void> {
  const queries = new StoreQueries(databasePath(config.resultsFolder));
  const channels = await makeChannels(config, { live: new LiveState("live"), queries });
  if (channels.length === 0) {
    throw new UsageError(
      "No channel is set up, so there is nothing to test. Add --smtp-url URL with --mail-to ADDR, --webhook URL or --syslog URL.",
    );
  }
  const outcomes = await Promise.all(channels.map(tryChannel));
  queries.close();
  for (const { name, isSent, words, tookMs } of outcomes) {
    console.log(`${isSent ? "ok    " : "FAILED"}  ${name} (${tookMs} ms): ${words}`);
  }
  const failed = outcomes.filter(({ isSent }) => !isSent).length;
  if (failed > 0) throw new RunError(`${failed} of ${outcomes.length} channels failed.`);
}

interface Outcome {
  readonly name: string;
  readonly isSent: boolean;
  readonly words: string;
  readonly tookMs: number;
}

async function tryChannel(channel: Channel): Promise<Outcome> {
  const startedMs = performance.now();
  const took = () => Math.round(performance.now() - startedMs);
  try {
    const words = await channel.send(testAlert(Date.now() * 1000));
    return { name: channel.name, isSent: true, words, tookMs: took() };
  } catch (error) {
    const words = messageOf(error);
    return { name: channel.name, isSent: false, words, tookMs: took() };
  } finally {
    channel.close?.();
  }
}

/** Of the command; its number is none that the database gives. */
function testAlert(tsUs: number): Alert {
  const decision = testDecision({
    tsUs,
    detail: "Nothing has happened on the network.",
    reason: "Somebody has run tapwatch alert-test.",
  });
  return { id: 0, ...decision, digestId: null, deliveries: [] };
}
