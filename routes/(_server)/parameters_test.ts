import assert from "node:assert/strict";
import { localInputTime } from "../../components/input_time.ts";
import {
  addressParameter,
  checkNames,
  choiceParameter,
  localPath,
  timeParameter,
  timeRange,
  wholeNumber,
} from "./parameters.ts";

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

Deno.test("names that are not known, or given twice, are refused with those that are", () => {
  checkNames(query("host=a&port="), ["host", "port"]);
  const refusals: readonly [string, RegExp][] = [
    ["prot=1", /no "prot" .*did you mean port\? It takes host, port$/],
    ["zzz=1", /no "zzz" to ask for here\. It takes host, port$/],
    ["host=a&host=b", /^host can be given only once$/],
  ];
  for (const [text, message] of refusals) {
    assert.throws(() => checkNames(query(text), ["host", "port"]), { message });
  }
  assert.throws(() => checkNames(query("a=1"), []), /takes no query$/);
});

Deno.test("a choice is one of its words in any case; another is refused with all of them", () => {
  const choices = ["vertical", "horizontal"];
  assert.equal(choiceParameter(query("kind=Vertical"), "kind", choices), "vertical");
  assert.equal(choiceParameter(query("kind="), "kind", choices), undefined);
  assert.throws(
    () => choiceParameter(query("kind=verticl"), "kind", choices),
    /kind must be one of vertical, horizontal, got "verticl"; did you mean vertical\?/,
  );
});

Deno.test("an address is taken in any way it may be written, and nothing else is", () => {
  const cases: readonly [string, string | undefined][] = [
    ["10.0.0.9", "10.0.0.9"],
    [" 2001:DB8:0:0::1 ", "2001:db8::1"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
    ["02-00-5E-10-00-01", "02:00:5e:10:00:01"],
    ["", undefined],
  ];
  for (const [text, address] of cases) {
    const given = new URLSearchParams({ host: text });
    assert.equal(addressParameter(given, "host", { takesMac: true }), address);
  }
  for (const bad of ["10.0.0", "10.0.0.0/8", "nas-01", "1.2.3.4.5", "fe80::1%eth0", "10.0.0.256"]) {
    const given = new URLSearchParams({ host: bad });
    assert.throws(
      () => addressParameter(given, "host", { takesMac: true }),
      /host must be an IPv4/,
    );
  }
  const mac = query("host=02:00:5e:10:00:01");
  assert.throws(() => addressParameter(mac, "host", { takesMac: false }), /host must be an IPv4/);
});

Deno.test("a time range that ends before it begins is refused", () => {
  assert.deepEqual(timeRange(query("from=10&to=20")), { fromUs: 10, toUs: 20 });
  assert.throws(() => timeRange(query("from=20&to=20")), /to must be later than from/);
});

Deno.test("localPath() never leads to another site", () => {
  assert.equal(localPath("/flows?host=a"), "/flows?host=a");
  for (const bad of ["//evil.example", "/\\evil.example", "https://evil.example", "", null, "x"]) {
    assert.equal(localPath(bad), "/");
  }
});
