import { deepEqual, equal } from "node:assert/strict";
import { flowsOfExchange as flowsOf } from "./test_exchange.ts";

const handshake = ["> S 100", "< SA 500 101", "> A 101 501"];
const data = "> PA 101 501 50";

/** Name, segments, conn_state and history as Zeek gives them. */
const exchanges: readonly [string, readonly string[], string, string][] = [
  ["a SYN without an answer", ["> S 100"], "S0", "S"],
  ["a SYN sent three times", ["> S 100", "> S 100", "> S 100"], "S0", "S"],
  ["a handshake and nothing more", handshake, "S1", "ShA"],
  [
    "a whole connection",
    // deno-fmt-ignore
    [...handshake, data, "< A 501 151", "< PA 501 151 100", "> FA 151 601", "< FA 601 152", "> A 152 602"],
    "SF",
    "ShADadFf",
  ],
  ["a refused connection", ["> S 100", "< RA 0 101"], "REJ", "Sr"],
  ["a close by the originator only", [...handshake, "> FA 101 501", "< A 501 102"], "S2", "ShAFa"],
  ["a close by the responder only", [...handshake, "< FA 501 101", "> A 101 502"], "S3", "ShAf"],
  ["an abort by the originator", [...handshake, data, "> R 151"], "RSTO", "ShADR"],
  ["an abort by the responder", [...handshake, data, "< R 501"], "RSTR", "ShADr"],
  ["a SYN scan's open port", ["> S 100", "< SA 500 101", "> R 101"], "RSTO", "ShR"],
  ["a SYN taken back", ["> S 100", "> R 101"], "RSTOS0", "SR"],
  ["a SYN-ACK and RST without a SYN", ["< SA 500 101", "< R 501"], "RSTRH", "^hr"],
  ["a SYN and FIN without a SYN-ACK", ["> S 100", "> F 101"], "SH", "SF"],
  ["a SYN-ACK and FIN without a SYN", ["< SA 500 101", "< FA 501 101"], "SHR", "^hf"],
  ["a SYN-ACK alone", ["< SA 500 101"], "OTH", "^h"],
  ["a missed SYN", ["< SA 500 101", "> A 101 501"], "S1", "^hA"],
  ["a SYN-ACK that overtook its SYN", ["< SA 500 101", "> S 100", "> A 101 501"], "S1", "^hSA"],
  ["the middle of a conversation", ["> PA 900 70 10", "< PA 70 910 10"], "OTH", "Dd"],
  ["a simultaneous open", ["> S 100", "< S 500", "> SA 100 501", "< SA 500 101"], "S1", "Ss"],
  ["a FIN probe of a closed port", ["> F 100", "< RA 0 101"], "RSTR", "Fr"],
  ["a Xmas probe of a closed port", ["> FPU 100", "< RA 0 101"], "RSTR", "Fr"],
  ["a null probe of a closed port", ["> - 100", "< RA 0 100"], "RSTRH", "r"],
  ["an ACK probe", ["> A 100 200", "< R 200"], "RSTRH", "Ar"],
  ["a SYN with FIN", ["> SF 100", "< RA 0 102"], "RSTR", "Qr"],
  ["a FIN with RST", [...handshake, "> FR 101"], "RSTO", "ShAI"],
  ["a FIN and RST of one side", [...handshake, data, "> FA 151 501", "> R 152"], "RSTO", "ShADFR"],
  // deno-fmt-ignore
  ["a FIN and RST, then the other's FIN", [...handshake, "> FA 101 501", "> R 102", "< FA 501 102"], "SF", "ShAFRf"],
  ["two RSTs of different numbers", [...handshake, "< R 501", "< R 777"], "RSTR", "ShArr"],
  ["two RSTs of one number", [...handshake, "< R 501", "< R 501"], "RSTR", "ShAr"],
  ["a zero window", [...handshake, data, "< A 501 151 0 0"], "S1", "ShADaw"],
  ["a RST with window 0", [...handshake, "< R 501 0 0 0"], "RSTR", "ShAr"],
  ["a retransmission", [...handshake, data, data], "S1", "ShADT"],
  ["ten retransmissions", [...handshake, data, ...Array(10).fill(data)], "S1", "ShADTT"],
  ["a gap", [...handshake, data, "> PA 251 501 50", "< A 501 301"], "S1", "ShADaG"],
  ["acknowledged bytes never seen", [...handshake, "< A 501 301"], "S1", "ShAaG"],
  ["a lost FIN's acknowledgement", [...handshake, "< A 501 102"], "S1", "ShAa"],
];

for (const [name, segments, connState, history] of exchanges) {
  Deno.test(`FlowTable gives ${name} Zeek's state ${connState} and history ${history}`, () => {
    const flows = flowsOf(segments);
    equal(flows.length, 1);
    deepEqual([flows[0].connState, flows[0].history], [connState, history]);
    deepEqual([flows[0].origH, flows[0].respH], ["10.0.0.1", "10.0.0.2"]);
  });
}

/** Name, segments, originator's and responder's retransmissions. */
const retransmissions: readonly [string, readonly string[], number, number][] = [
  ["counts a segment that came before", [...handshake, data, data], 1, 0],
  ["counts each direction", [...handshake, "< PA 501 101 9", "< PA 501 101 9"], 0, 1],
  ["counts part of a segment", [...handshake, data, "> PA 121 501 30"], 1, 0],
  ["leaves out a segment with new bytes", [...handshake, data, "> PA 101 501 60"], 0, 0],
  ["leaves out pure acknowledgements", [...handshake, data, "> A 101 501", "> A 101 501"], 0, 0],
  ["leaves out keep-alives with a byte", [...handshake, data, "> A 150 501 1"], 0, 0],
  ["leaves out keep-alives without", [...handshake, data, "> A 150 501"], 0, 0],
  // deno-fmt-ignore
  ["leaves out zero-window probes", [...handshake, data, "> A 151 501 1", "> A 151 501 1", "> A 151 501 1"], 0, 0],
  ["leaves out reordered segments", [...handshake, "> PA 151 501 50", data], 0, 0],
  // deno-fmt-ignore
  ["leaves out two that fill a hole, in any order", [...handshake, "> A 201 501 9", "> A 151 501 50", data], 0, 0],
  ["counts one that fills a hole again", [...handshake, "> PA 151 501 50", data, data], 1, 0],
  [
    "works across the wrap of sequence numbers",
    // deno-fmt-ignore
    ["> S 4294967290", "< SA 500 4294967291", "> A 4294967291 501 10", "> A 5 501 10", "> A 4294967291 501 10"],
    1,
    0,
  ],
  ["believes no wild RST", [...handshake, data, "< R 3000000000", data], 1, 0],
];

for (const [name, segments, orig, resp] of retransmissions) {
  Deno.test(`trackTcp() ${name}: ${orig} and ${resp} retransmissions`, () => {
    const [flow] = flowsOf(segments);
    deepEqual([flow.origRetransmissions, flow.respRetransmissions], [orig, resp]);
  });
}

Deno.test("FlowTable measures the round trip from the last SYN to the SYN-ACK", () => {
  equal(flowsOf(handshake)[0].rttUs, 1000);
  equal(flowsOf(["> S 100", "> S 100", "> S 100", "< SA 500 101"])[0].rttUs, 1000);
  equal(flowsOf(["> S 100", "< SA 500 101", "< SA 500 101"])[0].rttUs, 1000);
  equal(flowsOf(["> S 100"])[0].rttUs, -1);
  equal(flowsOf(["< SA 500 101", "> S 100"])[0].rttUs, -1);
  equal(flowsOf([data, "< A 501 151"])[0].rttUs, -1);
});

/** Name, segments, states of the flows that come out. */
const reuses: readonly [string, readonly string[], readonly string[]][] = [
  ["a SYN with another number", ["> S 100", "> S 900"], ["S0", "S0"]],
  ["a SYN after the close", [...handshake, "> FA 101 501", "< FA 501 102", "> S 100"], [
    "SF",
    "S0",
  ]],
  ["a SYN after a refusal, same number", ["> S 100", "< RA 0 101", "> S 100"], ["REJ"]],
  ["a SYN after a refusal", ["> S 100", "< RA 0 101", "> S 900"], ["REJ", "S0"]],
  ["a SYN into a conversation", [...handshake, data, "> S 900"], ["S1", "S0"]],
  ["a SYN of the other side", [...handshake, data, "< S 900"], ["S1", "S0"]],
  ["a late duplicate of the SYN", [...handshake, data, "> S 100"], ["S1"]],
  ["another SYN-ACK without SYN", ["< SA 500 101", "< SA 900 101"], ["OTH", "OTH"]],
];

for (const [name, segments, states] of reuses) {
  Deno.test(`FlowTable makes ${states.length} of ${name}`, () => {
    const flows = flowsOf(segments);
    deepEqual(flows.map((flow) => flow.connState), states);
    deepEqual(flows.map((flow) => flow.endReason), [
      ...Array(states.length - 1).fill("closed"),
      "end",
    ]);
  });
}

Deno.test("FlowTable takes the owner of a server port for the responder in mid-stream", () => {
  const [flow] = flowsOf(["< PA 500 100 10"], 40000, 443);
  deepEqual([flow.origH, flow.origP, flow.respH, flow.respP], ["10.0.0.1", 40000, "10.0.0.2", 443]);
  deepEqual([flow.origPkts, flow.respPkts, flow.history], [0, 1, "^d"]);
});

Deno.test("FlowTable keeps the first 24 letters of a history", () => {
  const resets = Array.from({ length: 40 }, (_, i) => `< R ${1000 + i}`);
  equal(flowsOf([...handshake, ...resets])[0].history, `ShA${"r".repeat(21)}`);
});
