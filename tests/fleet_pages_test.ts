/** A hub's pages: agents, what they tell under their names, and what of it is said first. */
import assert from "node:assert/strict";
import { openContext, sizeNames, violations } from "./axe.ts";
import { missingChromium, openChromium, watchPage } from "./chromium.ts";
import { hostileName } from "./dashboard_fixture.ts";
import { markup, type Site, withSite } from "./dashboard_site.ts";
import { scanner, withFleet } from "./fleet_fixture.ts";
import { testWith } from "./program.ts";

const pages = [
  "/",
  "/?range=24h",
  "/agents",
  "/agents?state=trouble",
  "/agents?text=nobody",
  "/agents/1",
  "/agents/3",
  "/agents/9",
  "/agents/12",
  "/agents/new-one",
  "/agents/nobody",
  "/incidents",
  "/incidents/1",
  "/scans",
  "/scans?agent=web-01",
  "/scans/1",
  "/anomalies",
  "/flows",
  "/flows?agent=web-02",
  "/flows?q=agent+nobody",
  "/flows/1",
  "/hosts",
  "/hosts/10.0.0.1",
  `/hosts/${scanner}`,
  "/alerts",
  "/mutes/new",
  "/status",
  "/packets",
];

/** Of each kind of page one, in a browser. */
const drawn = ["/", "/agents", "/agents/9", "/agents/nobody", "/incidents/1", "/scans", "/flows/1"]
  .concat("/flows?agent=web-02", "/hosts", "/hosts/10.0.0.1", "/status");

async function page(site: Site, path: string): Promise<string> {
  return markup(await (await site.get(path)).text());
}
async function json(site: Site, path: string) {
  return await (await site.get(path)).json();
}

Deno.test("the Agents page says first who is silent, then how each agent is", () =>
  withFleet({}, async (site) => {
    const html = await page(site, "/agents");
    assert.match(html, /3 of 20 agents have been silent for more than 90\u00a0s/);
    assert.match(html, /web-03 since /);
    for (const word of ["silent for 4\u00a0min", "has not reported yet", "revoked", "Berlin"]) {
      assert.ok(html.includes(word), word);
    }
    assert.match(html, />12,400</);
    assert.match(html, /41\u00a0s ahead/);
    const silent = await page(site, "/agents?state=silent");
    assert.match(silent, /3 of 21 agents|>3 agents</);
    assert.ok(!silent.includes(">web-01<"));
    assert.equal((await site.get("/agents?state=loud")).status, 400);
  }));

Deno.test("with all agents well the page says so in one line", () =>
  withFleet({ count: 2, hub: { deadLetters: 0 } }, async (site) => {
    const html = await page(site, "/agents");
    assert.match(html, /Both agents report/);
    assert.ok(!html.includes('class="finding problem'));
  }));

Deno.test("a sensor has no agents, and a hub no packets", async () => {
  await withSite({}, async (site) => {
    for (const path of ["/agents", "/agents/1", "/api/agents", "/api/agents/1", "/api/fleet"]) {
      assert.equal((await site.get(path)).status, 404, path);
    }
    const flows = await site.get("/flows?q=agent+web-01");
    assert.equal(flows.status, 400);
    assert.match(await flows.text(), /agent can be asked of a hub only/);
    assert.ok(!(await page(site, "/")).includes('href="/agents"'));
  });
  await withFleet({ count: 1 }, async (site) => {
    for (
      const path of ["/packets", "/packets/1", "/hosts/new", "/api/packets", "/api/export/pcap"]
    ) {
      const answer = await site.get(path);
      assert.equal(answer.status, 404, path);
      assert.match(await answer.text(), /stay with the agents/);
    }
    assert.ok(!(await page(site, "/")).includes('href="/packets'));
  });
});

Deno.test("rows of flows, hosts, findings and incidents name their agent, and are narrowed to it", () =>
  withFleet({}, async (site) => {
    const flows = await json(site, "/api/flows?agent=web-02&limit=1000");
    assert.equal(flows.flows.length, 60);
    assert.ok(flows.flows.every((row: { agent_name: string }) => row.agent_name === "web-02"));
    const both = await json(site, "/api/flows?q=agent+web-02+or+agent+web-05&limit=1000");
    assert.equal(both.flows.length, 120);
    const some = await json(site, "/api/flows?q=agent+web-1*&limit=1000");
    assert.equal(some.flows.length, 60 * 10);
    const hosts = await json(site, "/api/hosts?agent=web-05");
    assert.deepEqual(hosts.hosts.map((row: { address: string }) => row.address).sort(), [
      "10.4.0.1",
      "10.4.0.2",
      "10.4.0.3",
      "10.4.0.4",
      "10.4.0.5",
    ]);
    const scans = await json(site, "/api/scans?agent=web-06");
    assert.deepEqual(scans.scans.map((row: { agent_name: string }) => row.agent_name), ["web-06"]);
    const [incident] = (await json(site, "/api/incidents?agent=web-06")).incidents;
    assert.equal(incident.agents.length, 14);
    assert.ok(incident.agent_names.includes("web-14"));
    assert.equal((await json(site, "/api/incidents?agent=web-20")).incidents.length, 0);
    const refused = await site.get("/flows?agent=nobody");
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /no agent is called/);
    const html = await page(site, "/flows?agent=web-02");
    assert.match(html, /<option value="web-02" selected>/);
    assert.match(html, /<a class="plain" href="\/agents\/2" title="Oslo">web-02<\/a>/);
  }));

Deno.test("one incident tells what each agent saw, and leads to the agents' own pages", () =>
  withFleet({}, async (site) => {
    const html = await page(site, "/incidents/1");
    assert.match(html, new RegExp(`${scanner} scanned hosts of 14 of 20 agents`));
    assert.match(html, /What each agent saw<\/h2><p>14 agents</);
    assert.match(html, /href="https:\/\/0\.example:8055\/incidents\/4"/);
    assert.match(await page(site, "/incidents"), />14 of 20 agents</);
    assert.match(await page(site, "/"), /seen by 14 of 20 agents/);
  }));

Deno.test("the verdict is there for scripts too", () =>
  withFleet({}, async (site) => {
    const { tone, title, problems } = await json(site, "/api/fleet");
    assert.equal(tone, "medium");
    assert.match(title, /^3 of 20 agents have been silent/);
    assert.equal(problems.length, 3);
  }));

Deno.test("agents are there as JSON and CSV, safe for spreadsheets", () =>
  withFleet({}, async (site) => {
    const { agents, total, hub } = await json(site, "/api/agents?order=name&limit=5");
    assert.equal(agents.length, 5);
    assert.equal(total.count, 21);
    assert.equal(hub.lag_s, 0.4);
    const { next_cursor } = await json(site, "/api/agents?order=name&limit=15");
    const rest = await json(site, `/api/agents?order=name&limit=15&cursor=${next_cursor}`);
    assert.equal(rest.agents.length, 6);
    const one = await json(site, "/api/agents/web-09");
    assert.deepEqual([one.id, one.flows_given_up, one.state], [9, 12_400, "reports"]);
    assert.equal((await site.get("/api/agents/nobody")).status, 404);
    assert.equal((await site.get("/api/agents?cursor=1")).status, 400);
    const csv = await (await site.get("/api/agents?format=csv")).text();
    const [head, ...lines] = csv.trimEnd().split("\r\n");
    assert.match(head!, /^id,token,name,site,state,/);
    assert.equal(lines.length, 21);
    const flows = await (await site.get("/api/flows?format=csv&limit=1")).text();
    assert.match(flows.split("\r\n")[0]!, /,agent,agent_name$/);
  }));

Deno.test("Status tells of the engine, the store and what could not be read", () =>
  withFleet({}, async (site) => {
    const html = await page(site, "/status");
    const metrics = await (await site.get("/metrics")).text();
    for (
      const [state, count] of Object.entries({ reports: 16, silent: 3, waiting: 1, revoked: 1 })
    ) {
      assert.ok(metrics.includes(`tapwatch_hub_agents{state="${state}"} ${count}\n`), state);
    }
    assert.match(metrics, /^tapwatch_hub_behind_seconds 0\.4$/m);
    assert.match(metrics, /^tapwatch_hub_agent_rows_given_up 12400$/m);
    for (const words of ["nats://engine.example:4222", "version 9 is not known", "Came twice"]) {
      assert.ok(html.includes(words), words);
    }
  }));

Deno.test("a hub whose engine is away, and one that is behind, say so first", async () => {
  const engine = { isConnected: false, text: "Connection refused.", url: "nats://127.0.0.1:1" };
  const startedAtUs = Date.now() * 1000 - 60e6;
  await withFleet({ count: 1, hub: { engine, startedAtUs } }, async (site) => {
    assert.match(await page(site, "/agents"), /<h2[^>]*>The hub is not connected<\/h2>/);
  });
  await withFleet({ count: 1, hub: { lagS: 4000, pending: 900 } }, async (site) => {
    const html = await page(site, "/agents");
    assert.match(html, /The hub is behind by 1\u00a0h\u00a06\u00a0min/);
    assert.match(html, /900 messages wait in the engine/);
  });
});

Deno.test("what agents are called is text in every page", () =>
  withFleet({}, async (site) => {
    for (const path of pages) {
      const answer = await site.get(path);
      const html = markup(await answer.text());
      assert.ok(answer.status < 500, `${path} answered ${answer.status}`);
      assert.ok(!html.includes("<img src=x"), path);
    }
    const named = await page(site, "/agents");
    assert.ok(named.includes("&lt;img src=x"), "the name has come through");
    const { agents } = await json(
      site,
      `/api/agents?${new URLSearchParams({ text: hostileName })}`,
    );
    assert.deepEqual(agents.map((row: { name: string }) => row.name), [hostileName]);
  }));

testWith(missingChromium, "the verdict and the agents change while their page stands", () => {
  const hub = {
    startedAtUs: Date.now() * 1000 - 60e6,
    deadLetters: 0,
    engine: { isConnected: true, text: "connected", url: "nats://127.0.0.1:4222" },
  };
  return withFleet({ count: 2, hub }, async (site) => {
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request, info) => site.dashboard.handler(request, info),
    );
    const origin = `http://127.0.0.1:${server.addr.port}`;
    const browser = await openChromium();
    try {
      for (const path of ["/agents", "/"]) {
        hub.engine = { ...hub.engine, isConnected: true };
        const tab = await browser.newPage();
        const complaints = watchPage(tab, origin);
        await tab.clock.install();
        const stream = tab.waitForResponse((response) => response.url().includes("/api/events"));
        await tab.goto(origin + path);
        await stream;
        await tab.getByText("Both agents report").waitFor();
        hub.engine = { ...hub.engine, isConnected: false, text: "Connection refused." };
        const asked = tab.waitForResponse((response) => response.url().endsWith("/api/fleet"));
        const rows = path === "/agents" &&
          tab.waitForResponse((response) => response.url().includes("/api/agents"));
        await tab.clock.runFor(11_000);
        await asked;
        await rows;
        await tab.getByText("The hub is not connected").waitFor();
        if (path === "/agents") assert.equal(await tab.locator("table.agents tbody tr").count(), 3);
        assert.deepEqual(complaints, []);
        await tab.close();
      }
    } finally {
      await browser.close();
      site.dashboard.closeStreams();
      await server.shutdown();
    }
  });
});

testWith(
  missingChromium,
  "no page of a hub breaks a rule of WCAG 2.2 AA, is too wide or complains: wide and phone, light and dark",
  () =>
    withFleet({}, async (site) => {
      const server = Deno.serve(
        { port: 0, hostname: "127.0.0.1", onListen: () => {} },
        (request, info) => site.dashboard.handler(request, info),
      );
      const origin = `http://127.0.0.1:${server.addr.port}`;
      const browser = await openChromium();
      try {
        const problems: string[] = [];
        for (const size of sizeNames) {
          const context = await openContext(browser, size);
          const tab = await context.newPage();
          const complaints = watchPage(tab, origin);
          for (const path of drawn) {
            const schemes = size === "phone" ? ["dark"] as const : ["light", "dark"] as const;
            for (const colorScheme of schemes) {
              await tab.emulateMedia({ colorScheme });
              if (colorScheme === schemes[0]) {
                const answer = await tab.goto(origin + path);
                // The browser tells of an answer of 404 or 400 by itself.
                if (answer!.status() >= 400) complaints.length = 0;
              }
              const found = await violations(tab);
              problems.push(...found.map((text) => `${path} (${size}, ${colorScheme}) ${text}`));
            }
            const over = await tab.evaluate(() =>
              document.documentElement.scrollWidth - innerWidth
            );
            if (over > 1) problems.push(`${path} (${size}) is ${over} px too wide`);
            problems.push(
              ...complaints.splice(0).filter((text) => !text.includes("Failed to load resource"))
                .map((text) => `${path} (${size}) ${text}`),
            );
          }
          await context.close();
        }
        assert.deepEqual(problems, []);
      } finally {
        await browser.close();
        site.dashboard.closeStreams();
        await server.shutdown();
      }
    }),
);
