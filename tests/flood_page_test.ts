/** Rows that are many flows of a flood: on pages, in /api and in CSV. */
import { deepStrictEqual, doesNotMatch, match } from "node:assert/strict";
import { flow, openWriter, packetRow, rows } from "../agent/store/testing.ts";
import { nowUs } from "./dashboard_fixture.ts";
import { type Site, withSite } from "./dashboard_site.ts";

const summedOf = (row: { summed_flows: number | null }) => row.summed_flows;

function fill({ folder }: Site): void {
  const atUs = nowUs() - 60e6;
  const writer = openWriter(`${folder}/packet_logs.db`);
  const source = { isOrigLocal: false, flows: 4900, origPkts: 4900, origWireBytes: 294_000 };
  const sum = flow(1, {
    ...{ startUs: atUs, endUs: atUs + 900_000, respH: "192.168.1.2", respP: 80, service: "" },
    ...{ origH: "0.0.0.0", origP: 0, origPkts: 4900, origWireBytes: 294_000, name: "", ja4: "" },
    ...{ respPkts: 0, respBytes: 0, respWireBytes: 0, connState: "S0", history: "S" },
    ...{ communityId: "", endReason: "summed" },
  });
  const ofOne = { ...sum, id: 2, origH: "203.0.113.9" };
  const toAll = { ...sum, id: 4, respP: 0, respH: "192.168.1.3" };
  const flows = [sum, ofOne, toAll].map((one) => ({
    ...one,
    summed: { flows: 4900, sources: [{ ...source, origH: "" }] },
  }));
  const probes = [1, 2, 3].map((number) =>
    packetRow(number, {
      ...{ tsUs: atUs + number, src: `203.0.113.${number}`, dst: "192.168.1.2", dstPort: 80 },
      ...{ application: "", flowId: 100 + number },
    })
  );
  writer.write(
    rows({ packets: probes, flows: [...flows, flow(3, { startUs: atUs, endUs: atUs + 1e6 })] }),
  );
  writer.close();
}

Deno.test("a row of many flows says how many they are, and names no source that they do not share", () =>
  withSite({}, async (site) => {
    fill(site);
    const textOf = async (path: string) => await (await site.get(path)).text();
    const listed = async (q: string) =>
      JSON.parse(await textOf(`/api/flows?${new URLSearchParams({ q })}`)).flows;
    const sums = await listed("end summed");
    deepStrictEqual(
      sums.map((row: Record<string, unknown>) => [row.orig_h, row.summed_flows]).sort(),
      [["0.0.0.0", 4900], ["0.0.0.0", 4900], ["203.0.113.9", 4900]],
    );
    deepStrictEqual((await listed("end closed")).map(summedOf), [null]);
    const list = await textOf("/flows?q=end+summed");
    match(list, /many sources/);
    match(list, /4,900 flows/);
    doesNotMatch(list, /href="[^"]*0\.0\.0\.0/);
    doesNotMatch(list, /port(\+|%3D|%20)0\b/);
    const pageOf = (origH: string, respH: string) => {
      const row = sums.find((row: Record<string, unknown>) =>
        row.orig_h === origH && row.resp_h === respH
      );
      return textOf(`/flows/${row.id}`);
    };
    const page = await pageOf("0.0.0.0", "192.168.1.2");
    match(page, /Many sources to 192\.168\.1\.2/);
    match(page, /which nothing answered/);
    match(page, /port 80/);
    match(page, />3 stored</);
    const link = /href="(\/packets\?[^"]+)"[^>]*>Open in Packets/.exec(page)![1]!;
    const packets = await textOf(link.replaceAll("&amp;", "&"));
    deepStrictEqual([...packets.matchAll(/<tr data-protocol=/g)].length, 3);
    doesNotMatch(page, /href="[^"]*0\.0\.0\.0/);
    const toAll = await pageOf("0.0.0.0", "192.168.1.3");
    match(toAll, /many ports/);
    doesNotMatch(toAll, /port(\+|%3D|%20)0\b/);
    const [head, ...lines] = (await textOf("/api/flows?format=csv&q=end+summed")).trim().split(
      "\n",
    );
    const column = head!.trim().split(",").indexOf("summed_flows");
    deepStrictEqual(lines.map((line) => line.trim().split(",")[column]), ["4900", "4900", "4900"]);
    match(await textOf("/flows/123456789"), /most flows share a row/);
  }));
