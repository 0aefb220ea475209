import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { CONN_STATES } from "../agent/search/fields.ts";
import { endText, historySteps, hostOfName, namesOf, stateText, stateWord } from "./flow_text.ts";

Deno.test("every state and reason has its words", () => {
  for (const state of CONN_STATES) {
    notStrictEqual(stateText(state, "tcp"), "", state);
    notStrictEqual(stateWord(state, "tcp"), state);
  }
  for (const state of ["S0", "SF", "SHR", "OTH"]) {
    notStrictEqual(stateText(state, "udp"), "", state);
    notStrictEqual(stateWord(state, "udp"), state);
  }
  for (const reason of ["closed", "idle", "active", "evicted", "end", "summed", ""]) {
    notStrictEqual(endText(reason, { conn_state: "S1", proto: "tcp" }), reason);
  }
});

Deno.test("a connection that is over was closed, though its row ended with the capture", () => {
  const of = (conn_state: string) => endText("end", { conn_state, proto: "tcp" });
  strictEqual(of("SF"), "the connection was closed");
  strictEqual(of("RSTOS0"), "the connection was closed");
  strictEqual(of("S1"), "the capture ended");
});

Deno.test("historySteps() says who did what, in order", () => {
  deepStrictEqual(historySteps("ShD"), [
    "the originator asked for a connection (SYN)",
    "the responder accepted it (SYN and ACK)",
    "the originator sent data",
  ]);
  strictEqual(historySteps("^").length, 1);
  strictEqual(historySteps("Z")[0], "“Z”");
});

Deno.test("a flow's name is that of its peer, or what was asked for", () => {
  deepStrictEqual(namesOf({ name: "wiki.example.org", service: "tls" }), {
    peer: "wiki.example.org",
    asked: "",
  });
  deepStrictEqual(namesOf({ name: "wiki.example.org", service: "dns" }), {
    peer: "",
    asked: "wiki.example.org",
  });
  // The name is of the host that asks for an address.
  deepStrictEqual(namesOf({ name: "esp-7f", service: "dhcp" }), { peer: "", asked: "" });
});

Deno.test("hostOfName() leaves a port out", () => {
  strictEqual(hostOfName("nas.lan:8080"), "nas.lan");
  strictEqual(hostOfName("[2001:db8::1]:80"), "2001:db8::1");
  strictEqual(hostOfName("2001:db8::1"), "2001:db8::1");
  strictEqual(hostOfName("nas.lan"), "nas.lan");
});
