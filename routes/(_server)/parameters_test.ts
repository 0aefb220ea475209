import assert from "node:assert/strict";
import { localInputTime } from "../../components/input_time.ts";
import { localPath, timeParameter, wholeNumber } from "./parameters.ts";

const query = (text: string) => new URLSearchParams(text);

Deno.test("times are microseconds, or ISO 8601 to the microsecond", () => {
  const us = Date.UTC(2026, 10, 22, 14, 7, 31) * 1000;
  assert.equal(timeParameter(query(`from=${us}`), "from"), us);
  assert.equal(timeParameter(query("from=2026-11-22T14:07:31Z"), "from"), us);
  assert.equal(timeParameter(query("from=2026-11-22T14:07:31.000042Z"), "from"), us + 42);
  assert.equal(timeParameter(query("from=2026-11-22T15:07:31%2B01:00"), "from"), us);
  assert.equal(timeParameter(query("from="), "from"), undefined);
  assert.throws(
    () => timeParameter(query("from=yesterday"), "from"),
    /from must be .* "yesterday"/,
  );
  assert.throws(() => timeParameter(query("from=2026-99-22T14:07"), "from"), RangeError);
});

Deno.test("a page's input time is the sensor's clock, there and back", () => {
  const us = Math.floor(Date.now() / 1000) * 1e6;
  assert.equal(timeParameter(query(`from=${localInputTime(us)}`), "from"), us);
});

Deno.test("whole numbers outside their limits are refused with name and value", () => {
  const limits = { min: 0, max: 65_535 };
  assert.equal(wholeNumber(query("port=443"), "port", limits), 443);
  for (const bad of ["65536", "-1", "4.5", "1e3", "0x10", "x"]) {
    assert.throws(() => wholeNumber(query(`port=${bad}`), "port", limits), RangeError);
  }
});

Deno.test("localPath() never leads to another site", () => {
  assert.equal(localPath("/flows?host=a"), "/flows?host=a");
  for (const bad of ["//evil.example", "/\\evil.example", "https://evil.example", "", null, "x"]) {
    assert.equal(localPath(bad), "/");
  }
});
