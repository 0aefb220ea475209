import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { UsageError } from "../errors.ts";
import {
  flow,
  hostRow,
  many,
  openWriter,
  packetRow,
  rows,
  startUs,
  withDatabasePath,
} from "../store/testing.ts";
import { EXPORT_KINDS, type ExportKind, type ExportOptions, runExport } from "./export.ts";

async function exported(
  kind: ExportKind,
  path: string,
  options: Omit<ExportOptions, "resultsDir">,
): Promise<string> {
  let text = "";
  const resultsDir = path.replace("/packet_logs.db", "");
  await runExport(kind, { ...options, resultsDir }, (part) => void (text += part));
  return text;
}

Deno.test("packets are exported whole, newest first, over many pages", () =>
  withDatabasePath(async (path) => {
    const writer = openWriter(path);
    writer.write(rows({ packets: many(2500, packetRow) }));
    writer.close();
    const lines = (await exported("packets", path, { format: "csv" })).split("\r\n");
    strictEqual(lines.length, 2502);
    strictEqual(
      lines[0],
      "id,ts_us,interface_id,wire_length,captured_length,src,dst,src_port,dst_port,protocol,application,tcp_flags,vlan_id,flow_id,sample_k,info",
    );
    strictEqual(
      lines[1],
      `2500,${
        startUs + 2_499_000
      },0,1159,1159,192.168.1.249,198.51.100.7,42499,443,tcp,tls,24,,4294967546,1,PSH ACK`,
    );
    strictEqual(lines.at(-1), "");
    const range = { fromUs: startUs + 10_000, toUs: startUs + 20_000 };
    const some = await exported("packets", path, { format: "jsonl", ...range });
    const times = some.trimEnd().split("\n").map((line) => JSON.parse(line).ts_us);
    deepStrictEqual(times, many(10, (number) => startUs + (19 - number) * 1000));
  }));

Deno.test("a flow with a formula for a name keeps it in JSON lines and is text in CSV", () =>
  withDatabasePath(async (path) => {
    const writer = openWriter(path);
    writer.write(rows({ flows: [flow(1, { name: "=cmd|' /C calc'!A0" })] }));
    writer.close();
    const [line] = (await exported("flows", path, { format: "jsonl" })).split("\n");
    strictEqual(JSON.parse(line!).name, "=cmd|' /C calc'!A0");
    strictEqual((await exported("flows", path, { format: "csv" })).includes(",'=cmd|"), true);
  }));

Deno.test("tables without a row export their header, or nothing", () =>
  withDatabasePath(async (path) => {
    openWriter(path).close();
    for (const kind of EXPORT_KINDS) {
      strictEqual((await exported(kind, path, { format: "csv" })).split("\r\n").length, 2, kind);
      strictEqual(await exported(kind, path, { format: "jsonl" }), "", kind);
    }
  }));

Deno.test("an export without a database says where it looked", () =>
  withDatabasePath((path) =>
    rejects(
      exported("flows", path, { format: "csv" }),
      (error) => error instanceof UsageError && error.message.includes(path),
    )
  ));

Deno.test("rows are exported by a search, and one that is wrong is refused with a caret before any output", () =>
  withDatabasePath(async (path) => {
    const writer = openWriter(path);
    const hosts = [hostRow("192.168.1.4", { name: "printer" }), hostRow("192.168.1.5")];
    writer.write(rows({ flows: many(20, (number) => flow(number), 1), hosts }));
    writer.close();
    const linesOf = async (kind: ExportKind, q: string) =>
      (await exported(kind, path, { format: "jsonl", q })).split("\n").length - 1;
    strictEqual(await linesOf("flows", "host printer"), 1);
    strictEqual(await linesOf("flows", "port 443 and not host 192.168.1.0/24"), 0);
    strictEqual(await linesOf("flows", "bytes > 1kB"), 20);
    strictEqual(await linesOf("hosts", "name printer"), 1);
    for (const kind of EXPORT_KINDS) strictEqual(await linesOf(kind, "host 10.9.9.9"), 0, kind);
    for (const q of ["hots printer", "port 443,x", "name".padEnd(10_000, "x"), "("]) {
      let hasWritten = false;
      await rejects(
        runExport(
          "flows",
          { format: "csv", q, resultsDir: path.replace("/packet_logs.db", "") },
          () => void (hasWritten = true),
        ),
        (error) => {
          ok(error instanceof UsageError);
          match(error.message, /^Column \d+ of the search: [^\n]+\n {2}[^\n]*\n +\^$/);
          return true;
        },
      );
      ok(!hasWritten, q);
    }
  }));
