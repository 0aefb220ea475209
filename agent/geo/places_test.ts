import assert from "node:assert/strict";
import fc from "fast-check";
import { Mmdb, MmdbError } from "./mmdb.ts";
import { knowsCountries, knowsNetworks, placeOf, setGeoFiles } from "./places.ts";
import { type Entry, makeMmdb, shared, type Value } from "./testing.ts";

const germany: Value = { country: { iso_code: "DE" } };
const fileOf = (bytes: Uint8Array, path = "test.mmdb") => ({ path, bytes: shared(bytes) });

Deno.test("the fields of MaxMind, DB-IP, ip-location-db and IPinfo are read", () => {
  const network = { autonomous_system_number: 64_500, autonomous_system_organization: "Example" };
  const cases: readonly [Value, string, number, string][] = [
    [germany, "DE", 0, ""],
    [{ registered_country: { iso_code: "FR" } }, "FR", 0, ""],
    [{ country_code: "se" }, "SE", 0, ""],
    [{ country: "NL", country_name: "Netherlands" }, "NL", 0, ""],
    [{ country_code: "US", country: "United States" }, "US", 0, ""],
    [network, "", 64_500, "Example"],
    [{ asn: 64_502, as_name: "a\u202eb\x1b" }, "", 64_502, "a\ufffdb\ufffd"],
    [{ asn: "AS64501", as_name: "Other", country: "JP" }, "JP", 64_501, "Other"],
    [{ ...network, ...germany as object }, "DE", 64_500, "Example"],
  ];
  for (const [data, country, asn, organization] of cases) {
    const file = new Mmdb(fileOf(makeMmdb([["192.0.2.0/24", data]])));
    assert.deepEqual(file.placeOf("192.0.2.77"), { country, asn, organization });
    assert.equal(file.placeOf("192.0.3.1"), null);
    assert.deepEqual([file.hasCountries, file.hasNetworks], [country !== "", asn > 0]);
  }
});

Deno.test("every size of record and both versions of IP are read", () => {
  for (const recordSize of [24, 28, 32] as const) {
    const entries: Entry[] = [["198.51.100.0/25", germany], ["2001:db8:5::/48", {
      country: { iso_code: "AT" },
    }]];
    const file = new Mmdb(fileOf(makeMmdb(entries, { recordSize })));
    assert.equal(file.placeOf("198.51.100.127")?.country, "DE");
    assert.equal(file.placeOf("198.51.100.128"), null);
    assert.equal(file.placeOf("2001:db8:5:1::9")?.country, "AT");
    assert.equal(file.placeOf("2001:db8:6::9"), null);
    const bytes = makeMmdb([["198.51.100.0/25", germany]], { recordSize, ipVersion: 4 });
    const small: Mmdb = new Mmdb(fileOf(bytes));
    assert.equal(small.placeOf("198.51.100.1")?.country, "DE");
    assert.equal(small.placeOf("2001:db8::1"), null);
  }
});

Deno.test("what is no MMDB, cut off, damaged or of another kind is refused in words", () => {
  const good = makeMmdb([["192.0.2.0/24", germany]]);
  const damagedTree = good.slice();
  damagedTree.fill(0xff, 0, 600);
  const cases: readonly [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /no MMDB file/],
    [new TextEncoder().encode("<html>not found</html>".repeat(500)), /no MMDB file/],
    [good.slice(0, good.length - 200), /no MMDB file, or was cut off/],
    [good.slice(0, good.length - 3), /damaged/],
    [good.slice(300), /damaged/],
    [damagedTree, /damaged|neither/],
    [makeMmdb([["192.0.2.0/24", { is_anonymous: 1 }]], { type: "Anonymous-IP" }), /"Anonymous-IP"/],
  ];
  for (const [bytes, expected] of cases) {
    assert.throws(() => new Mmdb(fileOf(bytes)), (error) => {
      assert.ok(error instanceof MmdbError);
      assert.match(error.message, expected);
      return true;
    });
  }
});

Deno.test("whatever bytes are changed, reading ends with a place, none, or MmdbError", () => {
  const good = makeMmdb(
    Array.from({ length: 20 }, (_, n): Entry => [`10.${n}.0.0/16`, germany]),
    { ipVersion: 4 },
  );
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
    fc.ipV4(),
    (changes, address) => {
      const bytes = good.slice();
      for (const [at, value] of changes) bytes[at] = value;
      try {
        new Mmdb(fileOf(bytes)).placeOf(address);
      } catch (error) {
        assert.ok(error instanceof MmdbError, String(error));
      }
    },
  ));
});

Deno.test("country and network may come from different files, and go with them", () => {
  const countries = fileOf(makeMmdb([["192.0.2.0/24", germany]]));
  const networks = fileOf(
    makeMmdb([["192.0.0.0/16", {
      autonomous_system_number: 64_500,
      autonomous_system_organization: "E",
    }]]),
  );
  try {
    setGeoFiles([countries, networks]);
    assert.deepEqual(placeOf("192.0.2.1"), { country: "DE", asn: 64_500, organization: "E" });
    assert.deepEqual(placeOf("192.0.9.1"), { country: "", asn: 64_500, organization: "E" });
    for (const none of ["", "link", "02:00:5e:10:00:01", "192.0.2", "host.example"]) {
      assert.equal(placeOf(none), null);
    }
    assert.deepEqual([knowsCountries(), knowsNetworks()], [true, true]);
    setGeoFiles([networks]);
    assert.equal(placeOf("192.0.2.1")?.country, "");
    assert.deepEqual([knowsCountries(), knowsNetworks()], [false, true]);
  } finally {
    setGeoFiles([]);
  }
  assert.equal(placeOf("192.0.2.1"), null);
});

Deno.test("a published file is read, with either version of IP", async () => {
  const { default: manifest } = await import(
    "@ip-location-db/geo-whois-asn-country-mmdb/package.json",
    { with: { type: "json" } }
  );
  assert.equal(manifest.license, "CC0-1.0");
  const folder = import.meta.resolve("@ip-location-db/geo-whois-asn-country-mmdb/package.json");
  const path = new URL("geo-whois-asn-country.mmdb", folder);
  const file = new Mmdb(fileOf(Deno.readFileSync(path)));
  assert.deepEqual([file.hasCountries, file.hasNetworks], [true, false]);
  assert.equal(file.placeOf("8.8.8.8")?.country, "US");
  assert.equal(file.placeOf("2001:4860:4860::8888")?.country, "US");
  assert.equal(file.placeOf("10.0.0.1"), null);
});

Deno.test("private, link-local and group addresses are in no country, whatever a file says", () => {
  try {
    setGeoFiles([fileOf(makeMmdb([["0.0.0.0/0", germany], ["2000::/3", germany]]))]);
    for (
      const address of ["192.168.10.23", "172.31.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1"]
        .concat("169.254.1.1", "224.0.0.251", "255.255.255.255", "fe80::1", "fd00::1", "ff02::1")
    ) assert.equal(placeOf(address), null, address);
    assert.equal(placeOf("172.32.0.1")?.country, "DE");
    assert.equal(placeOf("2001:db8::1")?.country, "DE");
  } finally {
    setGeoFiles([]);
  }
});
