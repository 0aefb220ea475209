/** One packet: its headers with all their fields, and its bytes, as long as they are in a capture file. */
import { page } from "fresh";
import { hasPorts } from "../../agent/records.ts";
import { Facts } from "../../components/FindingPage.tsx";
import {
  formatBytes,
  formatCount,
  formatDay,
  formatPacketTime,
  formatSecond,
  formatTcpFlags,
} from "../../components/format.ts";
import { Icon } from "../../components/Icon.tsx";
import { Notice } from "../../components/Notice.tsx";
import { numberFields } from "../../components/PacketDetail.tsx";
import { protocolLabel } from "../../components/protocol_groups.ts";
import { pageNowUs } from "../../components/verdict.ts";
import PacketView from "../../islands/PacketView.tsx";
import { attempt } from "../(_server)/lists.ts";
import { idOf } from "../(_server)/one_thing.ts";
import { type PacketPageData, readPacketPage } from "../(_server)/packet_pages.ts";
import { checkNames, wholeNumber } from "../(_server)/parameters.ts";
import { define } from "../(_server)/state.ts";

/** Bytes that are shown; more would make a heavy page of what a capture tool shows better. */
const bytesShown = 4096;

export const handler = define.handlers({
  async GET({ state, params, url }) {
    checkNames(url.searchParams, ["field"]);
    wholeNumber(url.searchParams, "field", { min: 0, max: 1e6 });
    const id = idOf(params.id);
    const found = await attempt(
      () => id === null ? Promise.resolve(null) : readPacketPage(state, id),
      null,
    );
    if (found.value) state.title = titleOf(found.value);
    const isGone = found.error === "" && (found.value === null || found.value.captured === null);
    return page(found, { status: isGone ? 404 : 200 });
  },
});

export default define.page<typeof handler>(function PacketPage({ data, state, url }) {
  if (data.error !== "") {
    return <Notice title="This packet cannot be read" detail={data.error} />;
  }
  if (data.value === null) return <PacketMissing />;
  const { row, captured, tree, gone } = data.value;
  const { zone } = state.sensor;
  const nowUs = pageNowUs(state.message);
  return (
    <>
      <PacketHead data={data.value} nowUs={nowUs} zone={zone} />
      {captured === null || tree === null
        ? <Notice title="The bytes of this packet are gone" detail={gone} />
        : (
          <div class="c12">
            <PacketView
              layers={numberFields(tree.layers)}
              note={tree.note}
              hex={captured.bytes.subarray(0, bytesShown).toHex()}
              capturedLength={captured.bytes.length}
              field={Number(url.searchParams.get("field") ?? 0)}
              path={url.pathname}
            />
          </div>
        )}
      <div class="c12">
        <Facts
          isWide
          facts={[
            { term: "Time", text: formatSecond(row.ts_us, nowUs, zone) },
            { term: "Length", text: `${formatCount(row.wire_length)} bytes on the wire` },
            { term: "Captured", text: `${formatCount(row.captured_length)} bytes` },
            { term: "Protocol", text: protocolLabel(row.application || row.protocol) },
            {
              term: "Flags",
              text: row.tcp_flags === null ? "" : formatTcpFlags(row.tcp_flags),
            },
            { term: "VLAN", text: row.vlan_id === null ? "" : String(row.vlan_id) },
            { term: "What", text: row.info },
            {
              term: "Rows",
              text: row.sample_k > 1
                ? `1 packet in ${
                  formatCount(row.sample_k)
                } had a row at this rate, so others of its flow have none`
                : "",
            },
          ]}
        />
      </div>
    </>
  );
});

function titleOf({ row }: PacketPageData): string {
  const [from, to] = hasPorts(row.protocol) ? [row.src_port, row.dst_port] : [null, null];
  return `${endOf(row.src, from)} to ${endOf(row.dst, to)}, ${
    protocolLabel(row.application || row.protocol)
  }`;
}

function endOf(address: string, port: number | null): string {
  const host = address || "–";
  if (port === null) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function PacketHead(
  { data, nowUs, zone }: { data: PacketPageData; nowUs: number; zone: string },
) {
  const { row, previous, next, captured } = data;
  return (
    <div class="head">
      <div>
        <div class="meta">
          <span>{formatDay(row.ts_us, nowUs, zone)}</span>
          <span class="mono">{formatPacketTime(row.ts_us, zone)}</span>
          <span>{formatBytes(row.wire_length)}</span>
        </div>
        <p class="lead">{titleOf(data)}</p>
      </div>
      <div class="btns">
        {captured !== null && (
          <a class="btn main" href={exportLink(data)} download>
            <Icon name="download" />
            {row.flow_id === null ? "Packets as pcap" : "Its flow as pcap"}
          </a>
        )}
        {row.flow_id !== null && <a class="btn" href={`/flows/${row.flow_id}`}>Its flow</a>}
        {previous !== null && (
          <a class="btn" href={`/packets/${previous}`} rel="prev">Previous in flow</a>
        )}
        {next !== null && <a class="btn" href={`/packets/${next}`} rel="next">Next in flow</a>}
      </div>
    </div>
  );
}

function exportLink({ row }: PacketPageData): string {
  if (row.flow_id !== null) return `/api/export/pcap?flow=${row.flow_id}`;
  return `/api/export/pcap?from=${row.ts_us}&to=${row.ts_us + 1}`;
}

function PacketMissing() {
  return (
    <section class="panel c12">
      <div class="state">
        <h2>There is no packet with this number</h2>
        <p>Old rows are deleted with the rest of the history.</p>
        <div class="btns">
          <a class="btn main" href="/packets" aria-current="false">All packets</a>
          <a class="btn" href="/" aria-current="false">Overview</a>
        </div>
      </div>
    </section>
  );
}
