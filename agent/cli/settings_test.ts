import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { parseConfig } from "../config.ts";
import { reloaded } from "./reload.ts";
import { settingsOf } from "./settings.ts";

function configOf(args: readonly string[], env: Record<string, string> = {}, file = "") {
  return parseConfig(args, { env, readTextFile: () => file, exists: () => file !== "" });
}

const secrets = {
  TAPWATCH_PASSWORD: "secret-of-page",
  TAPWATCH_SMTP_URL: "smtp://me:secret%40mail@mail.example.org:587",
  TAPWATCH_SMTP_PASSWORD: "secret-of-mail",
  TAPWATCH_MAIL_TO: "a@example.org, b@example.org",
  TAPWATCH_WEBHOOK:
    "slack+https://u:secret-user@hooks.example.org/services/secret?token=secret-token",
  TAPWATCH_WEBHOOK_SECRET: "secret-of-hook",
};

Deno.test("settingsOf() has every value and where it came from", () => {
  const settings = settingsOf(
    configOf(
      ["-i", "eth0", "-i", "eth1", "--no-promiscuous"],
      { TAPWATCH_PORT: "81" },
      "TAPWATCH_SNAPLEN=128",
    ),
  );
  const told = (name: string) => {
    const { value, origin } = settings.find((setting) => setting.name === name)!;
    return [value, origin];
  };
  deepStrictEqual(told("interface"), [["eth0", "eth1"], "-i"]);
  deepStrictEqual(told("promiscuous"), [false, "--no-promiscuous"]);
  deepStrictEqual(told("port"), [81, "TAPWATCH_PORT"]);
  deepStrictEqual(told("snaplen"), [128, "TAPWATCH_SNAPLEN in .env"]);
  deepStrictEqual(told("retention-days"), [14, "default"]);
  deepStrictEqual(told("dashboard-url"), ["http://127.0.0.1:81", "default"]);
  strictEqual(settings.some(({ name }) => name === "speed"), false);
});

Deno.test("settingsOf() has what a hub keeps unless it is told", () => {
  const of = (args: readonly string[]) =>
    settingsOf(configOf(args)).find(({ name }) => name === "retention-mb")!.value;
  strictEqual(of(["hub"]), "half of the disk's room, 2048 at least");
  strictEqual(of(["hub", "--retention-mb", "4096"]), 4096);
  strictEqual(of(["run"]), 2048);
});

Deno.test("settingsOf() has no secret in it, only whether there is one", () => {
  const settings = settingsOf(configOf([], secrets));
  strictEqual(JSON.stringify(settings).includes("secret-"), false);
  strictEqual(JSON.stringify(settings).includes("secret%40"), false);
  const isSet = (name: string) => settings.find((setting) => setting.name === name)!.isSet;
  deepStrictEqual(["password", "smtp-password", "webhook-secret"].map(isSet), [true, true, true]);
  strictEqual(settingsOf(configOf([])).some(({ isSet }) => isSet), false);
});

Deno.test("reloaded() takes mail and alert options up, and says what needs a restart", () => {
  const before = configOf(["--log-level", "info"], secrets);
  const after = configOf(["--log-level", "info"], {
    ...secrets,
    TAPWATCH_ALERT_SEVERITY: "high",
    TAPWATCH_MAIL_TO: "c@example.org",
    TAPWATCH_BLOCKLIST: "/tmp/list",
    TAPWATCH_PORT: "9000",
    TAPWATCH_PASSWORD: "another-secret",
  });
  const { config, text, restartText } = reloaded(before, after);
  deepStrictEqual([config.alertSeverity, config.mailTo, config.port, config.password], [
    "high",
    ["c@example.org"],
    8055,
    "secret-of-page",
  ]);
  deepStrictEqual(config.blocklists, ["/tmp/list"]);
  strictEqual(
    text,
    "The configuration was read again: --mail-to, --alert-severity and --blocklist are taken up.",
  );
  strictEqual(restartText, "--port and TAPWATCH_PASSWORD are changed, which needs a restart.");
  const again = reloaded(config, after);
  strictEqual(
    again.text,
    "The configuration was read again: mail, alert options, block lists and mutes are as they were.",
  );
  strictEqual(again.restartText, restartText);
  strictEqual(reloaded(before, before).restartText, "");
});

Deno.test("reloaded() tells what has no effect any more, once", () => {
  const quiet = { TAPWATCH_QUIET_HOURS: "22:00-07:00" };
  const before = configOf([], { ...quiet, TAPWATCH_WEBHOOK: "https://hooks.example.org/x" });
  const { config, warnings } = reloaded(before, configOf([], quiet));
  strictEqual(warnings.length, 1);
  match(warnings[0]!, /^TAPWATCH_QUIET_HOURS has no effect: no mail server, webhook or syslog/);
  deepStrictEqual(reloaded(config, configOf([], quiet)).warnings, []);
});

Deno.test("reloaded() takes up what a fleet is told, and that its engine needs a restart", () => {
  const fleet = ["--fleet", "tls://hub.example.org", "--fleet-credentials", "/etc/fleet.json"];
  const after = configOf([...fleet, "--fleet-level", "findings", "--fleet-spool-mb", "5"]);
  const { config, text, restartText } = reloaded(configOf(fleet), after);
  deepStrictEqual([config.fleetLevel, config.fleetSpoolMb], ["findings", 5]);
  strictEqual(
    text,
    "The configuration was read again: --fleet-level and --fleet-spool-mb are taken up.",
  );
  strictEqual(restartText, "");
  const moved = configOf(["--fleet", "tls://other.example.org", ...fleet.slice(2)]);
  strictEqual(
    reloaded(configOf(fleet), moved).restartText,
    "--fleet is changed, which needs a restart.",
  );
});
