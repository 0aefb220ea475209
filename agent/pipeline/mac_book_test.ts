import { strictEqual } from "node:assert/strict";
import { parseIpWords } from "../decode/addresses.ts";
import type { Address } from "./home_network.ts";
import { MacBook, numberOf } from "./mac_book.ts";
import type { MacWords } from "./link_view.ts";

const card: MacWords = [0x0200, 0x57];
const router: MacWords = [0x0200, 0x01];

function words(text: string): Address {
  return parseIpWords(text)!;
}

function cardOf(book: MacBook, address: string, seen: MacWords): string {
  const mac = book.macOf(words(address), numberOf(seen));
  return mac === 0 ? "" : mac === numberOf(card) ? "card" : "router";
}

Deno.test("what the link says of an address is believed before its packets' MAC address", () => {
  const book = new MacBook();
  book.bind(card, words("192.168.1.57"));
  strictEqual(cardOf(book, "192.168.1.57", router), "card");
  book.bind(router, words("192.168.1.57"));
  strictEqual(cardOf(book, "192.168.1.57", card), "router");
});

Deno.test("a router's MAC address is its own addresses', not of those behind it", () => {
  const book = new MacBook();
  book.bind(router, words("192.168.1.1"));
  strictEqual(cardOf(book, "192.168.1.1", router), "router");
  strictEqual(cardOf(book, "10.20.0.14", router), "");
  strictEqual(cardOf(book, "fe80::1", router), "router");
});

Deno.test("without ARP a MAC address is a host's as long as it stands for few addresses of one network", () => {
  const book = new MacBook();
  strictEqual(cardOf(book, "192.168.1.57", card), "card");
  strictEqual(cardOf(book, "192.168.1.58", card), "card");
  strictEqual(cardOf(book, "192.168.2.58", card), "");
  const other = new MacBook();
  for (let n = 1; n <= 5; n++) cardOf(other, `192.168.1.${n}`, router);
  strictEqual(cardOf(other, "192.168.1.1", router), "");
});

Deno.test("a MAC address that is known as a router's says nothing without ARP", () => {
  const book = new MacBook();
  book.setRouter(router, true);
  strictEqual(cardOf(book, "192.168.1.57", router), "");
  strictEqual(cardOf(book, "2001:db8::57", router), "");
});

Deno.test("addresses that a host changes for privacy are its own when their network is", () => {
  const book = new MacBook();
  book.bind(card, words("fe80::57"));
  book.bind(card, words("2001:db8:1:1::57"));
  strictEqual(cardOf(book, "2001:db8:1:1:a1b2:c3d4:e5f6:1", card), "card");
  strictEqual(cardOf(book, "2001:db8:2:2::9", card), "");
});

Deno.test("who answers ARP for many addresses does so for others", () => {
  const book = new MacBook();
  for (let n = 1; n <= 33; n++) book.bind(router, words(`192.168.1.${n}`));
  strictEqual(cardOf(book, "192.168.1.5", card), "");
});

Deno.test("a full book forgets what was bound longest ago", () => {
  const book = new MacBook();
  book.bind(card, words("192.168.1.57"));
  for (let n = 0; n < 8192; n++) book.bind([0x0202, n], [0, 0, 0xffff, 0x0a000000 + n]);
  strictEqual(cardOf(book, "192.168.1.57", router), "router");
});
