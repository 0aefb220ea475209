import { strictEqual } from "node:assert/strict";
import type { DnsDetails, NameNews } from "../records.ts";
import { NameBook } from "./name_book.ts";

function answer(queryName: string, type: string, data: string): DnsDetails {
  return {
    id: 1,
    isResponse: true,
    queryName,
    queryType: type,
    rcode: "NOERROR",
    answers: [{ name: queryName, type, data }],
  };
}

Deno.test("NameBook names addresses by DNS and NBNS answers, and cards by DHCP", () => {
  const names = new NameBook();
  names.learn(answer("news.example.org", "A", "203.0.113.10"));
  names.learn(answer("PRINTER<20>", "NB", "192.168.10.9"));
  names.learn({ ...answer("asked.example", "A", "203.0.113.99"), isResponse: false });
  names.setMacName("02:00:00:00:10:17", "lena-laptop");
  strictEqual(names.nameOf("203.0.113.10", ""), "news.example.org");
  strictEqual(names.nameOf("192.168.10.9", ""), "PRINTER");
  strictEqual(names.nameOf("203.0.113.99", ""), "");
  strictEqual(names.nameOf("192.168.10.23", "02:00:00:00:10:17"), "lena-laptop");
});

Deno.test("NameBook forgets the name learnt longest ago", () => {
  const names = new NameBook();
  for (let i = 0; i <= 16_384; i++) names.learn(answer(`n${i}.example`, "A", `address ${i}`));
  strictEqual(names.nameOf("address 0", ""), "");
  strictEqual(names.nameOf("address 1", ""), "n1.example");
});

Deno.test("NameBook tells what it learns once, and nothing that another book has told", () => {
  const told: NameNews[] = [];
  const names = new NameBook((news) => told.push(news));
  names.learn(answer("news.example.org", "A", "203.0.113.10"));
  names.learn(answer("news.example.org", "A", "203.0.113.10"));
  names.setMacName("02:00:00:00:10:17", "lena-laptop");
  strictEqual(told.length, 2);
  const other = new NameBook((news) => told.push(news));
  for (const news of [...told]) other.take(news);
  strictEqual(told.length, 2);
  strictEqual(other.nameOf("203.0.113.10", ""), "news.example.org");
  strictEqual(other.nameOf("192.0.2.1", "02:00:00:00:10:17"), "lena-laptop");
});
