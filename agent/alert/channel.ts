/** What a way to people is: mail, a webhook, syslog. */
import type { Alert } from "../records.ts";

export interface Channel {
  /** As in AlertDelivery.channel: tells it from the others, without secrets. */
  readonly name: string;
  /**
   * Sends one alert and resolves with the server's words once it has taken it. Rejects with a ChannelError, whose message is
   * for people, within a minute at most. Never called again before it has settled.
   */
  send(alert: Alert): Promise<string>;
  /** Ends connections that are kept open. */
  close?(): void;
}

/** Why a channel did not take an alert. */
export class ChannelError extends Error {
  /** Trying again would not help: the server has refused it for good. */
  readonly isPermanent: boolean;
  /** How long the server wants to be left alone; 0 when it has not said. */
  readonly retryAfterMs: number;

  constructor(message: string, { isPermanent, retryAfterMs = 0, cause }: {
    readonly isPermanent: boolean;
    readonly retryAfterMs?: number;
    readonly cause?: unknown;
  }) {
    super(message, { cause });
    this.isPermanent = isPermanent;
    this.retryAfterMs = retryAfterMs;
  }
}
