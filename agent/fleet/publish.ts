/** One batch to the engine, and its answer. */
import type { Msg, NatsConnection } from "@nats-io/nats-core";
import type { SpooledBatch } from "./spool.ts";
import { agentSubject, messageId } from "./streams.ts";

const answerMs = 5000;
const missingStreams = "its streams are missing (tapwatch fleet streams makes them)";

/** Resolves with the batch's number in the stream, or why it was refused; rejects when no answer came. */
export async function publishBatch(
  connection: NatsConnection | null,
  { agent, batch }: { readonly agent: string; readonly batch: SpooledBatch },
): Promise<{ readonly streamSeq: number } | { readonly refusal: string }> {
  if (connection === null) throw new Error("there is no connection");
  const { headers } = await import("./nats_client.ts");
  const given = headers();
  given.set("Nats-Msg-Id", messageId(agent, batch, batch.generation));
  const subject = agentSubject(batch.channel, agent);
  let answer: Msg;
  try {
    answer = await connection.request(subject, batch.body, { headers: given, timeout: answerMs });
  } catch (error) {
    if (isUnheard(error)) return { refusal: missingStreams };
    throw error;
  }
  const { seq, error } = answer.json<{ seq?: number; error?: { description: string } }>();
  if (error) return { refusal: error.description };
  return Number.isSafeInteger(seq) ? { streamSeq: seq! } : { refusal: "it gives no number" };
}

/** No stream takes the subject. */
function isUnheard(error: unknown): boolean {
  const { cause } = Object(error);
  return [error, cause].some((one) => one instanceof Error && one.name === "NoResponders");
}
