/** The channels and the policy of alerts, as configured. */
import { hostname } from "node:os";
import type { Channel } from "../alert/channel.ts";
import type { PolicyOptions } from "../alert/policy.ts";
import type { Config } from "../config.ts";
import type { LiveState } from "../live_state.ts";
import type { Alert } from "../records.ts";
import type { StoreQueries } from "../store/queries.ts";
import type { AlertSettings } from "./alert_host.ts";
import { tellStory } from "./alert_story.ts";

/** Where channels find what a message says of an alert. */
interface Sources {
  readonly live: LiveState;
  readonly queries: StoreQueries;
}

/** The channels of alerts, and when they are used. */
export async function alertSettings(config: Config, sources: Sources): Promise<AlertSettings> {
  return {
    channels: await makeChannels(config, sources),
    policy: policyOptions(config),
    anomalyThresholdPct: config.anomalyThresholdPct,
  };
}

/** Modules are loaded for what is set up only. */
export async function makeChannels(config: Config, sources: Sources): Promise<Channel[]> {
  const { smtp, mailTo, mailFrom, webhooks, webhookSecret, syslog } = config;
  const { resultsFolder, dashboardUrl, vxlanPorts } = config;
  const tell = (alert: Alert) =>
    tellStory(alert, { ...sources, resultsFolder, dashboardUrl, vxlanPorts });
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

function policyOptions(config: Config): PolicyOptions {
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
