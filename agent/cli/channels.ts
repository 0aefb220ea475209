/** The channels and the policy of alerts, as configured. */
import { hostname } from "node:os";
import type { Channel } from "../alert/channel.ts";
import type { PolicyOptions } from "../alert/policy.ts";
import type { AlertStory } from "../alert/story.ts";
import type { Config } from "../config.ts";
import type { Alert } from "../records.ts";

/** `tell` finds all that a message says of an alert. Modules are loaded for what is set up only. */
export async function makeChannels(
  config: Config,
  tell: (alert: Alert) => Promise<AlertStory>,
): Promise<Channel[]> {
  const { smtp, mailTo, mailFrom, webhooks, webhookSecret, syslog } = config;
  const channels: Channel[] = [];
  if (smtp !== null) {
    const { MailChannel } = await import("../alert/mail.ts");
    const from = mailFrom ?? `tapwatch@${hostname()}`;
    channels.push(new MailChannel({ smtp, from, to: mailTo, tell }));
  }
  if (webhooks.length > 0) {
    const { WebhookChannel } = await import("../alert/webhook.ts");
    for (const webhook of webhooks) {
      channels.push(new WebhookChannel({ webhook, secret: webhookSecret, tell }));
    }
  }
  if (syslog !== null) {
    const { SyslogChannel } = await import("../alert/syslog.ts");
    channels.push(new SyslogChannel({ syslog, tell }));
  }
  return channels;
}

export function policyOptions(config: Config): PolicyOptions {
  return {
    severity: config.alertSeverity,
    intervalUs: config.alertIntervalS * 1e6,
    perHourMax: config.alertsPerHour,
    quietHours: config.quietHours,
    minuteOfDay: (nowUs) => {
      const time = new Date(nowUs / 1000);
      return time.getHours() * 60 + time.getMinutes();
    },
  };
}
