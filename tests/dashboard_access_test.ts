/** Who gets what of the dashboard: nothing without the login, no handle for HEAD, no page for what is no request. */
import assert from "node:assert/strict";
import * as snapshot from "../_fresh/snapshot.js";
import { clientsMax } from "../routes/(_server)/event_hub.ts";
import {
  emptyPcap,
  fillDatabase,
  makePacket,
  makeSnapshot,
  makeSource,
  makeTalkers,
} from "./dashboard_fixture.ts";
import { type Site, withSite } from "./dashboard_site.ts";
import { makeAnomaly, makeScan, readyDetection, storeFindings } from "./finding_fixture.ts";

const password = "correct horse";
const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"];
/** Stands in every text that traffic brings. */
const marker = "marker-7f3a";

/** The addresses of all file routes; their parameters are numbers that there are findings of. */
const routePaths = snapshot.fsRoutes.filter(({ type }) => type === "route")
  .map(({ routePattern }) => routePattern.replaceAll(/:\w+\*?/g, "31"));
const filePaths = Object.keys(snapshot.staticFiles).slice(0, 5);
const oddPaths = ["/nowhere", "/api/nowhere", "/favicon.ico", "/%zz", "/app.css/", "//api//stats"];
const queries = ["", "?since=-1", "?port=x", "?next=%2Fflows"];
const openPaths = ["/login", "/logout", "/healthz", "/readyz", "/theme"];

/** Puts the marker wherever traffic puts texts. */
function addTraffic(site: Site): void {
  const { live } = site;
  const packet = makePacket({ info: `TLS ${marker}.example`, src: "203.0.113.99" });
  fillDatabase(site, [packet]);
  storeFindings(site, [
    makeScan({ reason: `${marker} tried 12 ports` }),
    makeAnomaly({ reason: `${marker} was unlike itself` }),
  ]);
  live.detectionOwn = readyDetection;
  live.note("warning", `The device ${marker} is gone`);
  live.setFinding(makeScan({ id: 77, reason: `${marker} tried 3 ports` }));
  live.setSnapshot(
    makeSnapshot({
      newestPackets: [packet],
      topTalkers: makeTalkers().map((host) => ({ ...host, name: marker })),
    }),
    [],
  );
}

interface Sites {
  readonly busy: Site;
  readonly quiet: Site;
}

/** A dashboard with traffic and one without any, both with a password. */
const withSites = (use: (sites: Sites) => Promise<void>) =>
  withSite({ password }, (quiet) =>
    withSite({ password }, async (busy) => {
      for (const { live } of [quiet, busy]) live.setSource(makeSource());
      addTraffic(busy);
      await use({ busy, quiet });
    }));

const logIn = async (site: Site, from?: string) => {
  const body = new URLSearchParams({ password });
  const response = await site.get("/login", { method: "POST", body }, from);
  return response.headers.get("set-cookie")!.split(";")[0]!;
};

/** What stands in a request of somebody who is not logged in. */
async function strangers(site: Site, passHours: (hours: number) => void) {
  const expired = await logIn(site);
  passHours(13);
  const loggedOut = await logIn(site);
  await site.get("/logout", { method: "POST", headers: { cookie: loggedOut } });
  return {
    "no cookie": {},
    "a wrong cookie": { cookie: `tapwatch_session=${"A".repeat(43)}` },
    "an expired cookie": { cookie: expired },
    "the cookie of a session that was left": { cookie: loggedOut },
    "a wrong password": { authorization: `Basic ${btoa("prometheus:wrong horse")}` },
  };
}

/** Status, headers and body as a reader gets them, without what is new in each answer. */
async function textOf(response: Response): Promise<string> {
  const headers = [...response.headers].map((header) => header.join(": ")).join("\n");
  return `${response.status}\n${headers}\n\n${await response.text()}`
    .replaceAll(/nonce[-=]"?[0-9a-f]{32}/g, "nonce");
}

const bodies: readonly (readonly [string, string])[] = [
  ["application/x-www-form-urlencoded", "password=wrong&theme=dark&back=/"],
  ["application/json", "{}"],
  ["multipart/form-data; boundary=x", "no form"],
];

function* requestsOf(path: string): Generator<readonly [string, RequestInit]> {
  for (const method of methods) {
    for (const query of method === "GET" || method === "HEAD" ? queries : [""]) {
      if (["GET", "HEAD", "OPTIONS", "PURGE"].includes(method)) yield [path + query, { method }];
    }
    if (["GET", "HEAD", "OPTIONS", "PURGE"].includes(method)) continue;
    for (const [type, body] of bodies) {
      yield [path, { method, body, headers: { "content-type": type } }];
    }
  }
}

Deno.test("without a login no route, method or cookie gives a byte that depends on traffic", async () => {
  assert.ok(routePaths.length > 20, "the routes are known");
  // Sessions end by a clock that nobody sets.
  const { now } = performance;
  let passedMs = 0;
  performance.now = () => now.call(performance) + passedMs;
  try {
    await withSites(async ({ busy, quiet }) => {
      const passHours = (hours: number) => passedMs += hours * 3600e3;
      const who = [await strangers(busy, passHours), await strangers(quiet, passHours)] as const;
      for (const name of Object.keys(who[0]) as (keyof typeof who[0])[]) {
        for (const path of [...routePaths, ...filePaths, ...oddPaths]) {
          for (const [url, init] of requestsOf(path)) {
            const [told, still] = await Promise.all([busy, quiet].map(async (site, index) => {
              const headers = { ...init.headers, ...who[index]![name] };
              return await textOf(await site.get(url, { ...init, headers }, "192.0.2.9"));
            }));
            const what = `${init.method} ${url} with ${name}`;
            assert.equal(told, still, what);
            assert.ok(!told!.includes(marker), what);
            const isOpen = openPaths.includes(path) || filePaths.includes(path);
            if (!isOpen && path !== "/app.css/") assertRefused(told!, what);
          }
        }
        // A pause after wrong passwords is over before the next reader comes.
        passHours(1);
      }
    });
  } finally {
    performance.now = now;
  }
});

function assertRefused(text: string, what: string): void {
  assert.match(text, /^(303|401|403|404|405|429)\n/, what);
  assert.doesNotMatch(text, /text\/html|<html/, what);
  if (text.startsWith("303")) assert.match(text, /\nlocation: \/login\?next=/, what);
}

Deno.test("with a login the same routes give what traffic brought", () =>
  withSites(async ({ busy }) => {
    const headers = { cookie: await logIn(busy) };
    const pages = ["/", "/packets", "/scans", "/anomalies", "/status", "/nowhere", "/scans/77"];
    for (const path of [...pages, "/api/packets", "/api/scans", "/api/stats"]) {
      const text = await (await busy.get(path, { headers })).text();
      if (path !== "/nowhere") assert.ok(text.includes(marker), path);
      else assert.match(text, /There is no page at this address/);
    }
  }));

/** The requests of one who is logged in, or needs no login. */
const everyRead = [...routePaths, ...filePaths, ...oddPaths].flatMap((path) =>
  queries.map((query) => path + query)
);

Deno.test("HEAD answers every address as GET does, without a body", () =>
  withSite({}, async (site) => {
    addTraffic(site);
    for (const path of everyRead) {
      const get = await site.get(path);
      const head = await site.get(path, { method: "HEAD" });
      assert.equal(head.body, null, path);
      const heads = await Promise.all(
        [get, head].map((response) => textOf(new Response(null, response))),
      );
      assert.equal(heads[1], heads[0], path);
      await get.body?.cancel();
    }
  }));

Deno.test("HEAD takes no place of a stream and leaves no export open", async () => {
  let open = 0;
  const exportPcap = () => {
    open++;
    return Promise.resolve(
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        start: (controller) => controller.enqueue(emptyPcap),
        cancel: () => void open--,
      }),
    );
  };
  await withSite({ exportPcap }, async ({ get }) => {
    for (let count = 0; count < 2 * clientsMax; count++) {
      assert.equal((await get("/api/events", { method: "HEAD" })).status, 200);
      const head = await get("/api/export/pcap?host=192.0.2.1", { method: "HEAD" });
      assert.equal(head.headers.get("content-type"), "application/vnd.tcpdump.pcap");
    }
    assert.equal(open, 0);
    assert.match(await (await get("/metrics")).text(), /^tapwatch_event_streams 0$/m);
  });
});

Deno.test("an address says which methods it takes, and refuses the others without a page", () =>
  withSite({}, async ({ get }) => {
    for (const path of routePaths) {
      const options = await get(path, { method: "OPTIONS" });
      assert.equal(options.status, 204, path);
      const allowed = options.headers.get("allow")!.split(", ");
      assert.ok(allowed.includes("GET") === allowed.includes("HEAD"), path);
      for (const method of methods.filter((name) => !allowed.includes(name))) {
        const refused = await get(path, { method });
        assert.equal(refused.status, 405, `${method} ${path}`);
        assert.ok(refused.headers.has("allow"));
        assert.doesNotMatch(await refused.text(), /<html/);
      }
    }
  }));

Deno.test("what is no request of ours is refused with a reason, and nothing is logged as a failure", async () => {
  const { error } = console;
  const logged: unknown[] = [];
  console.error = (value) => logged.push(value);
  const cases: readonly (readonly [string, RequestInit, number, RegExp])[] = [
    ["/theme", post("{}", "application/json"), 415, /x-www-form-urlencoded/],
    ["/theme", post("x", "multipart/form-data; boundary=y"), 400, /cannot be read/],
    ["/api/events?since=-1", {}, 400, /since must be a whole number .*-1/],
    ["/", { headers: { host: "localhost:99999" } }, 421, /not the dashboard/],
    ["/", { method: "get-all" }, 405, /no method/],
    ["/api/stats", { headers: { "sec-fetch-site": "cross-site" } }, 403, /another site/],
    ["/api/stats", { headers: { origin: "http://evil.example" } }, 403, /another site/],
  ];
  try {
    for (const pass of [null, password]) {
      await withSite({ password: pass }, async (site) => {
        const cookie = pass === null ? "" : await logIn(site);
        for (const [path, init, status, reason] of cases) {
          const headers = { cookie, ...init.headers as Record<string, string> };
          const response = await site.get(path, { ...init, headers });
          assert.equal(response.status, status, path);
          const text = await response.text();
          assert.match(text, reason, path);
          assert.doesNotMatch(text, /<html/);
        }
      });
    }
  } finally {
    console.error = error;
  }
  assert.deepEqual(logged, []);
});

function post(body: string, type: string): RequestInit {
  return { method: "POST", body, headers: { "content-type": type } };
}

Deno.test("a body is read no further than a form may be long, whatever length was told", () =>
  withSite({ password }, async ({ get }) => {
    for (const path of ["/theme", "/login", "/logout", "/", "/api/stats"]) {
      let sent = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 4096;
          controller.enqueue(new Uint8Array(4096));
        },
      });
      const response = await get(path, { method: "POST", body });
      assert.equal(response.status, 413, path);
      assert.ok(sent < 30_000, `${path}: ${sent} bytes`);
    }
  }));

Deno.test("wrong passwords of many addresses are told, and held up together", async () => {
  await withSite({ password }, async ({ get, live }) => {
    const guess = (number: number) => {
      const body = new URLSearchParams({ password: `guess ${number}` });
      return get("/login", { method: "POST", body }, `203.0.113.${number}`);
    };
    const statuses = [];
    for (let number = 0; number < 60; number++) statuses.push((await guess(number)).status);
    assert.equal(statuses.filter((status) => status === 401).length, 20);
    assert.equal(statuses.filter((status) => status === 429).length, 40);
    const told = live.entries.filter(({ text }) => text.startsWith("Wrong password"));
    assert.equal(told.length, 20);
    assert.match(told[3]!.text, /from 203\.0\.113\.3, 1 in a row/);
    assert.ok(live.entries.every(({ text }) => !text.includes("guess")));
  });
});

Deno.test("after the log-out the cookie is nobody's", () =>
  withSite({ password }, async (site) => {
    const cookie = await logIn(site);
    const other = await logIn(site, "192.0.2.20");
    const statusOf = async (cookie: string) =>
      (await site.get("/api/stats", { headers: { cookie } })).status;
    assert.deepEqual([await statusOf(cookie), await statusOf(other)], [200, 200]);
    await site.get("/logout", { method: "POST", headers: { cookie } });
    assert.deepEqual([await statusOf(cookie), await statusOf(other)], [401, 200]);
  }));
