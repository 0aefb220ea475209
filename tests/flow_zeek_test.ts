/**
 * conn.log lines that Zeek itself writes for captures of the corpus (zeek/zeek, testing/btest/Baseline: ftp-ipv4,
 * cwd-navigation, irc.starttls, fin-retransmit, gre, gre-pptp, pppoe, q-in-q, radiotap, dynamic-filter), and the
 * Community ID specification's ids for its captures.
 */
import { deepStrictEqual, equal } from "node:assert/strict";
import { CaptureFileReader } from "../agent/capture/file_reader.ts";
import { corpusPath, doesCorpusExist, readManifest } from "../agent/capture/corpus.ts";
import { decodePacket } from "../agent/decode/decode.ts";
import { FlowTable } from "../agent/flow/flow_table.ts";
import { type Flow, Packet } from "../agent/records.ts";

const note = doesCorpusExist ? "" : " (SKIPPED: no ../shared/corpus)";

/** By capture: originator, responder, conn_state, history ("-" is none), orig_pkts, resp_pkts. */
const connLogs: Readonly<Record<string, readonly string[]>> = {
  zeek__ftp_ipv4: [
    "141.142.220.235 37604 199.233.217.249 56666 SF ShAdfFa 4 4",
    "141.142.220.235 59378 199.233.217.249 56667 SF ShAdfFa 4 4",
    "199.233.217.249 61920 141.142.220.235 33582 SF ShADaFf 5 3",
    "199.233.217.249 61918 141.142.220.235 37835 SF ShADaFf 5 3",
    "141.142.220.235 50003 199.233.217.249 21 SF ShAdDfFa 38 25",
  ],
  "zeek__ftp_cwd-navigation": ["10.3.22.91 58218 10.167.25.101 21 S1 ShAdDaGg 4139 4178"],
  "zeek__tls_irc-starttls": ["203.143.168.47 55123 185.18.76.170 6667 SF ShADadFRf 11 9"],
  zeek__tcp_fin_retransmission: ["10.1.30.117 55344 17.167.193.62 443 RSTR SFhr 3 2"],
  "zeek__tunnels_gre-sample": [
    "66.59.111.190 40264 172.28.2.3 22 SF ShAdDaFf 12 10",
    "66.59.111.190 37675 172.28.2.3 53 S0 D 2 0",
    "66.59.111.190 123 18.26.4.105 123 SF Dd 1 1",
    "66.59.111.190 123 66.59.111.182 123 SF Dd 1 1",
    "66.59.111.190 123 129.170.17.4 123 SF Dd 1 1",
    "66.59.111.190 8 172.28.2.3 0 OTH - 4 4",
    "172.28.2.3 3 66.59.111.190 3 OTH - 2 0",
  ],
  "zeek__tunnels_gre-pptp": ["172.16.44.3 40768 8.8.8.8 53 SF Dd 1 1"],
  zeek__pppoe: [
    "fe80::c801:eff:fe88:8 547 fe80::ce05:eff:fe88:0 546 S0 D 2 0",
    "fe80::ce05:eff:fe88:0 546 ff02::1:2 547 S0 D 2 0",
    "fe80::c801:eff:fe88:8 136 ff02::1 135 OTH - 1 0",
    "fe80::c801:eff:fe88:8 143 ff02::16 0 OTH - 8 0",
    "fc00:0:2:100::1:1 128 fc00::1 129 OTH - 5 5",
    "fe80::c801:eff:fe88:8 134 fe80::ce05:eff:fe88:0 133 OTH - 1 0",
    "fe80::ce05:eff:fe88:0 133 ff02::2 134 OTH - 1 0",
  ],
  "zeek__q-in-q": [
    "172.19.51.37 47808 172.19.51.63 47808 S0 D 2 0",
    "193.1.186.60 9875 224.2.127.254 9875 S0 D 2 0",
  ],
  zeek__radiotap: [
    "172.17.156.76 61738 208.67.220.220 53 SF Dd 1 1",
    "fe80::a667:6ff:fef7:ec54 5353 ff02::fb 5353 S0 D 1 0",
  ],
};

for (const [name, expected] of Object.entries(connLogs)) {
  Deno.test({
    name: `flows of ${name} are those of Zeek's conn.log${note}`,
    ignore: !doesCorpusExist,
    async fn() {
      const flows = await flowsOf(name);
      deepStrictEqual(flows.map(connLogLine).sort(), [...expected].sort());
    },
  });
}

const communityIds: readonly [string, string][] = [
  ["zeek__communityid_icmp", "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="],
  ["zeek__communityid_ipv6", "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="],
  ["zeek__communityid_sctp", "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="],
  ["zeek__communityid_tcp", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="],
];

Deno.test({
  name: `flows of the Community ID specification's captures have its ids${note}`,
  ignore: !doesCorpusExist,
  async fn() {
    for (const [name, id] of communityIds) {
      const [flow, ...others] = await flowsOf(name);
      equal(flow.communityId, id);
      equal(others.length, 0);
    }
  },
});

async function flowsOf(name: string): Promise<Flow[]> {
  const file = (await readManifest()).find(({ file }) => file.includes(`/${name}.`));
  const reader = await CaptureFileReader.open(corpusPath(file!));
  const flows: Flow[] = [];
  const table = new FlowTable({ onEnd: (slot) => flows.push(table.flow(slot)) });
  const packet = new Packet();
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    const { bytes, offsets, capturedLengths, wireLengths, linktypes, timestampsUs } = batch;
    for (let i = 0; i < batch.count; i++) {
      const wireLength = wireLengths[i];
      decodePacket(bytes, offsets[i], capturedLengths[i], wireLength, linktypes[i], packet);
      table.update(packet, timestampsUs[i], wireLength, 0);
    }
  }
  reader.close();
  table.end();
  return flows;
}

function connLogLine(flow: Flow): string {
  const { origH, origP, respH, respP, connState, origPkts, respPkts } = flow;
  const history = flow.history || "-";
  return [origH, origP, respH, respP, connState, history, origPkts, respPkts].join(" ");
}
