import { strictEqual } from "node:assert/strict";
import { hoursOfDay, serviceText, usualHours } from "./host_text.ts";

const hourUs = 3600e6;

/** Seven days of `bytes` in the hours from `start` to `end`. */
function week(start: number, end: number, bytes: number) {
  const count = 7 * (end - start);
  return Array.from({ length: count }, (_, index) => {
    const day = Math.floor(index / (end - start));
    const hour = start + index % (end - start);
    return { hour_us: (day * 24 + hour) * hourUs, in_bytes: bytes, out_bytes: 0 };
  });
}

Deno.test("usual hours are those of most days: one that is busy changes nothing", () => {
  const hours = week(7, 22, 5000);
  strictEqual(usualHours(hours, "UTC"), "from 07:00 to 22:00");
  hours[20]!.in_bytes = 90_000_000;
  strictEqual(usualHours(hours, "UTC"), "from 07:00 to 22:00");
  strictEqual(hoursOfDay(hours, "UTC")[hours[20]!.hour_us / hourUs % 24], 5000);
  strictEqual(usualHours(week(0, 24, 5000), "UTC"), "at all hours");
});

Deno.test("usual hours are not told of two days, nor of hours of single days", () => {
  strictEqual(usualHours(week(7, 22, 5000).slice(0, 30), "UTC"), "");
  const once = [0, 5, 40, 90, 150].map((hour) => ({
    hour_us: hour * hourUs,
    in_bytes: 5000,
    out_bytes: 0,
  }));
  strictEqual(usualHours(once, "UTC"), "");
});

Deno.test("serviceText() names a service with its port", () => {
  strictEqual(serviceText("tcp", 22, ""), "SSH (22/tcp)");
  strictEqual(serviceText("tcp", 8080, "http"), "HTTP (8080/tcp)");
  strictEqual(serviceText("tcp", 50_999, ""), "port 50999/tcp");
});
