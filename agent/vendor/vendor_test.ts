import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { packVendors, shortName } from "../../tools/build_vendors.ts";
import { LOCALLY_ASSIGNED, readTable, vendorsOf } from "./vendor.ts";

Deno.test("makers are found by the longest of their prefixes", async () => {
  const macs = ["00:11:32:aa:bb:cc", "00:1b:c5:00:01:02", "9c:8e:cd:00:00:01", "02:00:5e:10:00:01"];
  const vendors = await vendorsOf([...macs, "", "ff:ff", "00:11:32:AA:BB:CC"]);
  deepStrictEqual(macs.map((mac) => vendors.get(mac)), [
    "Synology",
    "Converging Systems",
    "Amcrest Technologies",
    LOCALLY_ASSIGNED,
  ]);
});

Deno.test("an unknown prefix has no maker", async () => {
  strictEqual((await vendorsOf(["fc:ff:ff:00:00:01"])).get("fc:ff:ff:00:00:01"), "");
});

Deno.test("packVendors() and readTable() are each other's opposite", () => {
  const { names, prefixes } = readTable(packVendors({
    "FFFFFF": "Zweite GmbH\nBerlin",
    "000000": "XEROX CORPORATION\nWEBSTER",
    "0055DA0": "Shinko Technos co.,ltd.",
    "FFFFFFFFF": "Zweite GmbH\nBonn",
  }));
  deepStrictEqual(names, ["Shinko Technos", "Xerox", "Zweite"]);
  deepStrictEqual(
    prefixes.map(({ values, names: numbers }) => [[...values], [...numbers]]),
    [[[0, 0xffffff], [1, 2]], [[0x0055da0], [0]], [[0xfffffffff], [2]]],
  );
});

Deno.test("names are kept short, and never empty", () => {
  const cases = {
    "Apple, Inc.": "Apple",
    "Shenzhen Foo Technology Co., Ltd.\nShenzhen": "Shenzhen Foo Technology",
    "AVM GmbH": "AVM",
    "HUAWEI TECHNOLOGIES CO.,LTD": "Huawei Technologies",
    "Inc.": "Inc",
    "Intel Corporate": "Intel Corporate",
  };
  for (const [whole, short] of Object.entries(cases)) strictEqual(shortName(whole), short);
});

Deno.test("the table takes less than 500 kB of the program", () => {
  const { size } = Deno.statSync(new URL("vendors_code.ts", import.meta.url));
  ok(size < 500_000, `${size}`);
});
