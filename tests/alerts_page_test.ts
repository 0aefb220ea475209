/** `/alerts` as the server renders it, and the channels on Status: what is told, what failed and in whose words, what is held back. */
import { doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import type { Alert, ChannelState } from "../agent/records.ts";
import { openWriter } from "../agent/store/testing.ts";
import { hostileName, nowUs } from "./dashboard_fixture.ts";
import { markup, type Site, withSite } from "./dashboard_site.ts";
import { makeAlert, makeDelivery, makeIncident } from "./incident_fixture.ts";

const origin = "http://localhost:8055";

function makeChannel(change: Partial<ChannelState> = {}): ChannelState {
  return {
    channel: "mail to noc@example.org",
    sent: 4,
    failed: 0,
    retries: 0,
    waiting: 0,
    lastSentUs: nowUs() - 60e6,
    lastFailedUs: null,
    lastFailure: "",
    isFailing: false,
    ...change,
  };
}

function withAlerts(
  alerts: readonly Alert[],
  use: (site: Site) => Promise<void>,
): Promise<void> {
  return withSite({}, async (site) => {
    const writer = openWriter(`${site.folder}/packet_logs.db`);
    const incident = makeIncident({});
    writer.writeFindings([], [{ incident, joined: [], absorbedIds: [] }]);
    writer.writeAlerts({ alerts, mutes: [], unmutedIds: [], acknowledged: [] });
    writer.close();
    await use(site);
  });
}

/** Of the row of an alert, without its tags. */
function rowText(html: string, id: number): string {
  const row = html.split(`<tr id="alert-${id}"`)[1]!.split("</tr>", 1)[0]!;
  return row.slice(row.indexOf(">") + 1).replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
}

Deno.test("without a channel the page says that nobody is told, and what to set", () =>
  withAlerts([], async ({ get }) => {
    const html = markup(await (await get("/alerts")).text());
    match(html, /Nobody is told/);
    match(html.replaceAll(/<\/?span>/g, ""), /--smtp-url smtp:\/\/\S+ --mail-to/);
    match(html, /--webhook/);
    doesNotMatch(html, /Send a test/);
    match(markup(await (await get("/status")).text()), /Alert channels.*None: nobody is told/s);
  }));

Deno.test("each alert shows what became of it", () => {
  const mail = "mail to noc@example.org";
  const alerts = [
    makeAlert({ id: 1, deliveries: [makeDelivery({ channel: mail })] }),
    makeAlert({
      id: 2,
      state: "failed",
      headline: hostileName,
      deliveries: [makeDelivery({ state: "failed", answer: `550 ${hostileName}` })],
    }),
    makeAlert({
      id: 3,
      state: "waiting",
      deliveries: [
        makeDelivery({ state: "waiting", attempts: 3, nextUs: nowUs(), answer: "451 later" }),
        makeDelivery({ channel: "webhook x", state: "waiting", attempts: 0, answer: "" }),
      ],
    }),
    makeAlert({ id: 4, state: "held", heldBy: "quiet hours (22:00-07:00)", deliveries: [] }),
    makeAlert({ id: 5, state: "digest", heldBy: "the limit", digestId: 6, deliveries: [] }),
    makeAlert({
      id: 6,
      kind: "digest",
      incidentId: null,
      detail: `high: ${hostileName} (held back by x)\nlow: other (held back by y)`,
    }),
    makeAlert({ id: 7, state: "muted", heldBy: "mute 1 (ours)", muteId: 1, deliveries: [] }),
  ];
  return withAlerts(alerts, async ({ get, context }) => {
    await context.alerts.addMute({
      kind: "scan",
      source: "10.0.0.0/8",
      destination: "",
      port: "",
      untilUs: nowUs() - 1e6,
      note: hostileName,
    });
    const html = markup(await (await get("/alerts")).text());
    ok(!html.includes("<img"));
    match(rowText(html, 1), /mail to noc@example.org sent/);
    match(rowText(html, 2), /failed [\d:]+ : 550 &lt;img/);
    match(rowText(html, 3), /waiting, tried 3 times, again [\d:]+ : 451 later webhook x waiting/);
    match(rowText(html, 4), /Held back by quiet hours \(22:00-07:00\); waits for the digest/);
    match(rowText(html, 5), /Held back by the limit; told in the digest/);
    match(rowText(html, 6), /What it tells.*&lt;img.*low: other/);
    match(rowText(html, 7), /Held back by mute 1 \(ours\)/);
    match(html, /Scan from 10\.0\.0\.0\/8 to any host, any port/);
    match(html, /href="\/alerts\?mute=1">1</);
    match(html, /ended [\d:]+/);
    const listed = await (await get("/api/mutes")).json();
    strictEqual(listed.mutes[0].held, 1);
    const muted = markup(await (await get("/alerts?mute=1")).text());
    ok(muted.includes('id="alert-7"') && !muted.includes('id="alert-1"'));
    strictEqual((await get("/alerts?state=nonsense")).status, 400);
    strictEqual((await get("/alerts?tset=1")).status, 400);
  });
});

Deno.test("a test is sent from the page, which then tells its result", () =>
  withAlerts([makeAlert({ id: 1, kind: "test", incidentId: null })], async ({ get, live }) => {
    live.channels = [makeChannel(), makeChannel({ channel: "syslog udp://10.0.0.1:514" })];
    const html = markup(await (await get("/alerts")).text());
    match(html, /Alerts go through 2 channels/);
    match(html, /They go by mail to noc@example\.org and syslog udp:\/\/10\.0\.0\.1:514\. Told/);
    match(html, /incidents of medium severity or above.*at most 12 an hour, with 5\Wmin between/);
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" };
    const sent = await get("/api/alerts/test", {
      method: "POST",
      headers: { ...headers, origin },
      body: "",
    });
    strictEqual(sent.status, 303);
    strictEqual(sent.headers.get("location"), "/alerts?test=1");
    match(markup(await (await get("/alerts?test=1")).text()), /The test has arrived/);
    live.setAlert(
      makeAlert({
        id: 1,
        kind: "test",
        deliveries: [makeDelivery({ state: "failed", answer: "no" })],
      }),
    );
    match(
      markup(await (await get("/alerts?test=1")).text()),
      /The test did not arrive everywhere/,
    );
    const foreign = await get("/api/alerts/test", {
      method: "POST",
      headers: { ...headers, origin: "https://evil.example" },
      body: "",
    });
    strictEqual(foreign.status, 403);
  }));

Deno.test("what waits for its interval is there, on the page and in the API", () =>
  withAlerts([], async ({ get, live }) => {
    live.channels = [makeChannel()];
    live.pendingAlerts = [{
      subject: "incident 1",
      severity: "high",
      headline: hostileName,
      incidentId: 1,
      heldBy: "the pause of 300 s between two alerts about one source",
      dueUs: nowUs() + 60e6,
    }];
    const html = markup(await (await get("/alerts")).text());
    match(html, /Held back for a moment.*&lt;img.*by the pause of 300 s between two alerts/s);
    ok(!html.includes("<img"));
    const { pending } = await (await get("/api/alerts")).json();
    strictEqual(pending[0].incident_id, 1);
  }));

Deno.test("a channel that fails is named first, and on Status, with the server's words", () =>
  withAlerts([], async ({ get, live }) => {
    live.channels = [
      makeChannel({
        isFailing: true,
        failed: 2,
        waiting: 3,
        lastFailedUs: nowUs() - 5e6,
        lastFailure: `535 ${hostileName}`,
      }),
      makeChannel({ channel: "webhook https://ntfy.example.org/" }),
    ];
    const html = markup(await (await get("/alerts")).text());
    match(html, /Not all alerts arrive: mail to noc@example\.org fails/);
    match(html, /535 &lt;img/);
    const status = markup(await (await get("/status")).text());
    match(status, /<b>failing<\/b>.*535 &lt;img/);
    ok(!status.includes("<img"));
    const metrics = await (await get("/metrics")).text();
    match(
      metrics,
      /tapwatch_alerts_waiting\{channel="mail to noc@example\.org",state="waiting"\} 3/,
    );
  }));
