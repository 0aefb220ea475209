/** The dashboard of a fixture, asked through everything but the socket. */
import { createDashboard, type Dashboard } from "../dashboard.ts";
import {
  fillDatabase,
  type Fixture,
  type FixtureOptions,
  makePackets,
  openFixture,
  startTraffic,
} from "./dashboard_fixture.ts";

export interface Site extends Fixture {
  readonly dashboard: Dashboard;
  /** Asks as a program on this machine does, or as `from`. */
  get(path: string, init?: RequestInit, from?: string): Promise<Response>;
}

export async function withSite(
  options: FixtureOptions,
  use: (site: Site) => Promise<void>,
): Promise<void> {
  const fixture = await openFixture(options);
  const dashboard = createDashboard(fixture.context);
  const get: Site["get"] = (path, init = {}, from = "127.0.0.1") => {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "localhost:8055");
    const request = new Request(`http://localhost:8055${path}`, {
      redirect: "manual",
      ...init,
      headers,
    });
    return dashboard.handler(request, {
      remoteAddr: { transport: "tcp", hostname: from, port: 4 },
      completed: Promise.resolve(),
    });
  };
  try {
    await use({ ...fixture, dashboard, get });
  } finally {
    dashboard.closeStreams();
    await fixture.close();
  }
}

export function withTraffic(
  use: (site: Site) => Promise<void>,
  options: FixtureOptions = {},
): Promise<void> {
  return withSite(options, async (site) => {
    fillDatabase(site, makePackets(300));
    startTraffic(site.live);
    await use(site);
  });
}

/** The page without what its islands start from. */
export function markup(html: string): string {
  return html.split("<script", 1)[0]!;
}
