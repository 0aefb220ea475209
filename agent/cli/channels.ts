/** The channels and the policy of alerts, as configured. */
import type { Channel } from "../alert/channel.ts";
import type { PolicyOptions } from "../alert/policy.ts";
import type { Config } from "../config.ts";

// deno-lint-ignore require-await -- channels are loaded when they are set up
export async function makeChannels(_config: Config): Promise<Channel[]> {
  return [];
}

export function policyOptions(config: Config): PolicyOptions {
  return {
    severity: "medium",
    intervalUs: config.alertIntervalS * 1e6,
    perHourMax: 12,
    quietHours: null,
    minuteOfDay: (nowUs) => {
      const time = new Date(nowUs / 1000);
      return time.getHours() * 60 + time.getMinutes();
    },
  };
}
