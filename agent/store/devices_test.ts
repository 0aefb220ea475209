import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setGeoFiles } from "../geo/places.ts";
import { makeMmdb, shared } from "../geo/testing.ts";
import type { Flow, HostTotals } from "../records.ts";
import { flow, hostRow, many, openWriter, rows, startUs, withDatabasePath } from "./testing.ts";

const hourUs = 3600e6;
const dayUs = 24 * hourUs;
const camera = "192.168.1.57";
const cameraMac = "02:00:00:00:00:57";

function read(path: string, sql: string): unknown[][] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all().map((row) => Object.values(row));
  } finally {
    database.close();
  }
}

/** Writes batches one after the other and reads what they left. */
function written(
  batches: readonly { hosts?: HostTotals[]; flows?: Flow[] }[],
  sql: string,
): Promise<unknown[][]> {
  let found: unknown[][] = [];
  return withDatabasePath((path) => {
    const writer = openWriter(path, { retentionDays: 400 });
    for (const batch of batches) writer.write(rows(batch));
    writer.close();
    found = read(path, sql);
  }).then(() => found);
}

function host(address: string, atUs = startUs, changes: Partial<HostTotals> = {}): HostTotals {
  return hostRow(address, { firstSeenUs: atUs, lastSeenUs: atUs, ...changes });
}

/** From the camera; SF, with answers. */
function contact(id: number, atUs: number, respH: string, changes: Partial<Flow> = {}): Flow {
  return flow(id, { startUs: atUs, endUs: atUs + 1e6, origH: camera, respH, name: "", ...changes });
}

const book = "SELECT key, mac, address, in_bytes, out_bytes FROM devices ORDER BY key";

Deno.test("all addresses of one MAC address are one device, known by its IPv4 address", async () => {
  const own = { mac: cameraMac };
  const addresses = ["fe80::57", camera, "2001:db8::57", "2001:db8::a1b2:c3d4:e5f6:1"];
  const hosts = addresses.map((address) => host(address, startUs, own));
  deepStrictEqual(await written([{ hosts }], book), [[cameraMac, cameraMac, camera, 400, 800]]);
});

Deno.test("an address joins its device when the MAC address is known, with all that it has done", async () => {
  const batches = [
    { hosts: [host("2001:db8::57"), host(camera)], flows: [contact(1, startUs, "203.0.113.9")] },
    { hosts: [host("2001:db8::57", startUs + 1, { mac: cameraMac })] },
    { hosts: [host(camera, startUs + 2, { mac: cameraMac })] },
  ];
  deepStrictEqual(await written(batches, book), [[cameraMac, cameraMac, camera, 400, 800]]);
  deepStrictEqual(await written(batches, "SELECT peer FROM device_peers"), [["203.0.113.9"]]);
  deepStrictEqual(
    await written(batches, "SELECT sum(in_bytes), sum(out_bytes) FROM device_hours"),
    [[400, 800]],
  );
});

Deno.test("an address that another device has got counts for that one from then on", async () => {
  const batches = [
    { hosts: [host(camera, startUs, { mac: cameraMac })] },
    { hosts: [host(camera, startUs + 1, { mac: "02:00:00:00:00:99" })] },
  ];
  deepStrictEqual(await written(batches, "SELECT key, in_bytes FROM devices ORDER BY key"), [
    [cameraMac, 100],
    ["02:00:00:00:00:99", 100],
  ]);
});

Deno.test("hosts elsewhere, and addresses that never send, are no devices", async () => {
  const hosts = [
    host("203.0.113.9", startUs, { isLocal: false }),
    host("192.168.1.200", startUs, { outPackets: 0, outBytes: 0 }),
  ];
  deepStrictEqual(await written([{ hosts }], book), []);
});

Deno.test("flows that come before their hosts are kept for them; those nobody has answered are none", async () => {
  const flows = [
    contact(1, startUs, "203.0.113.9", { name: "cloud.example" }),
    contact(2, startUs, "203.0.113.10", { connState: "S0", respPkts: 0, respBytes: 0 }),
    contact(3, startUs, "203.0.113.11", { connState: "REJ", origBytes: 0, respBytes: 0 }),
    flow(4, {
      startUs,
      origH: "192.168.1.9",
      respH: camera,
      respP: 554,
      service: "rtsp",
      name: "",
    }),
  ];
  const batches = [{ flows }, { hosts: [host(camera), host("192.168.1.9")] }];
  deepStrictEqual(
    await written(
      batches,
      `SELECT address, peer, device_peers.name FROM device_peers JOIN devices ON id = device_id
       ORDER BY 1, 2`,
    ),
    [
      [camera, "192.168.1.9", ""],
      [camera, "203.0.113.9", "cloud.example"],
      ["192.168.1.9", camera, ""],
    ],
  );
  deepStrictEqual(
    await written(
      batches,
      `SELECT address, is_offered, proto, port, service FROM device_services JOIN devices ON id = device_id
       ORDER BY 1, 2, 4`,
    ),
    [
      [camera, 0, "tcp", 443, "tls"],
      [camera, 1, "tcp", 554, "rtsp"],
      ["192.168.1.9", 0, "tcp", 554, "rtsp"],
    ],
  );
});

Deno.test("a name by DHCP wins over others, which are kept with where they come from", async () => {
  const names = (name: string, origin: "dhcp" | "dns") => ({ name, names: [{ name, origin }] });
  const hosts = [
    host(camera, startUs, names("cam.example.org", "dns")),
    host(camera, startUs + 1, names("cam-garage", "dhcp")),
    host(camera, startUs + 2, names("other.example.org", "dns")),
  ];
  deepStrictEqual(await written([{ hosts }], "SELECT name, name_origin FROM devices"), [
    ["cam-garage", "dhcp"],
  ]);
  deepStrictEqual(await written([{ hosts }], "SELECT origin, name FROM device_names"), [
    ["dhcp", "cam-garage"],
    ["dns", "cam.example.org"],
    ["dns", "other.example.org"],
  ]);
});

const told = `SELECT kind, devices.address, peer, port FROM first_contacts JOIN devices
  ON devices.id = device_id ORDER BY first_contacts.id`;

Deno.test("in the first hour of a database nothing is new, afterwards a device is", async () => {
  const at = (us: number, address: string) => ({ hosts: [host(address, startUs + us)] });
  const batches = [at(0, camera), at(hourUs - 1, "192.168.1.8"), at(hourUs + 1, "192.168.1.9")];
  deepStrictEqual(await written(batches, told), [["device", "192.168.1.9", "", 0]]);
});

Deno.test("after a day without traffic tapwatch learns for an hour again", async () => {
  const at = (us: number, address: string) => ({ hosts: [host(address, startUs + us)] });
  const batches = [
    at(0, camera),
    at(3 * dayUs, "192.168.1.8"),
    at(3 * dayUs + 2 * hourUs, "192.168.1.9"),
  ];
  deepStrictEqual(await written(batches, told), [["device", "192.168.1.9", "", 0]]);
});

Deno.test("a time far in the future, or another capture, does not end all news", async () => {
  const at = (us: number, address: string) => ({ hosts: [host(address, startUs + us)] });
  const batches = [
    at(0, camera),
    at(900 * dayUs, "192.168.1.7"),
    at(2 * hourUs, "192.168.1.8"),
    at(4 * hourUs, "192.168.1.9"),
  ];
  deepStrictEqual(await written(batches, told), [["device", "192.168.1.9", "", 0]]);
});

/** A camera with two peers and a service, known for two days. */
const settled = Array.from({ length: 49 }, (_, hour) => ({
  hosts: [host(camera, startUs + hour * hourUs)],
  flows: hour > 1 ? [] : [
    contact(hour + 1, startUs, `203.0.113.${hour + 1}`, { name: "cloud.example" }),
    flow(10, { startUs, origH: "192.168.1.9", respH: camera, respP: 554, name: "" }),
  ],
}));
const lateUs = startUs + 48 * hourUs + 1;

Deno.test("a new server port and a new peer of a device that is known for a day are told once", async () => {
  const late = {
    flows: [
      contact(20, lateUs, "198.51.100.77"),
      contact(21, lateUs + 1, "198.51.100.77"),
      flow(22, { startUs: lateUs, origH: "192.168.1.9", respH: camera, respP: 23, name: "" }),
    ],
  };
  const expected = [
    ["peer", camera, "198.51.100.77", 0],
    ["service", camera, "", 23],
  ];
  deepStrictEqual((await written([...settled, late], told)).sort(), expected);
  deepStrictEqual((await written([...settled, late, late], told)).sort(), expected);
});

Deno.test("what is told for the first time is returned once, with the address that the device had", () =>
  withDatabasePath((path) => {
    const writer = openWriter(path, { retentionDays: 400 });
    for (const batch of settled) writer.write(rows(batch));
    const late = rows({
      hosts: [host("192.168.1.99", lateUs, { mac: "02:00:00:00:00:99" })],
      flows: [
        contact(20, lateUs, "198.51.100.77"),
        flow(22, { startUs: lateUs, origH: "192.168.1.9", respH: camera, respP: 23, name: "" }),
      ],
    });
    deepStrictEqual(
      writer.write(late).map(({ kind, address, mac, peer, port }) => [
        kind,
        address,
        mac,
        peer,
        port,
      ]).sort(),
      [
        ["device", "192.168.1.99", "02:00:00:00:00:99", "", 0],
        ["peer", camera, "", "198.51.100.77", 0],
        ["service", camera, "", "", 23],
      ],
    );
    deepStrictEqual(writer.write(late), []);
    writer.close();
    const again = openWriter(path, { retentionDays: 400 });
    deepStrictEqual(again.write(late), []);
    again.close();
  }));

const geoFile = {
  path: "test.mmdb",
  bytes: shared(makeMmdb([
    ["203.0.113.0/24", { country: { iso_code: "DE" } }],
    ["198.51.100.0/25", { country: { iso_code: "FR" } }],
    ["192.0.2.0/24", { country: { iso_code: "FR" } }],
  ])),
};
const toldCountries = `SELECT kind, peer, service FROM first_contacts ORDER BY id`;

async function withCountries(use: () => Promise<void>): Promise<void> {
  setGeoFiles([geoFile]);
  try {
    await use();
  } finally {
    setGeoFiles([]);
  }
}

Deno.test("a country where no peer of a device was before is told once, with the peer", () =>
  withCountries(async () => {
    const late = {
      flows: [
        contact(20, lateUs, "203.0.113.200", { name: "cloud.example" }),
        contact(21, lateUs + 1, "198.51.100.7"),
        contact(22, lateUs + 2, "192.0.2.7"),
        contact(23, lateUs + 3, "198.51.100.200"),
      ],
    };
    const expected = [
      ["country", "198.51.100.7", "FR"],
      // Where it has been by then.
      ["peer", "192.0.2.7", ""],
    ];
    deepStrictEqual(await written([...settled, late], toldCountries), expected);
    deepStrictEqual(await written([...settled, late, late], toldCountries), expected);
    deepStrictEqual(
      await written([...settled, late], "SELECT country FROM device_countries ORDER BY country"),
      [["DE"], ["FR"]],
    );
  }));

Deno.test("countries of peers from before there were files are none of the new ones", async () => {
  const late = (id: number, peer: string) => ({ flows: [contact(id, lateUs + id, peer)] });
  await withDatabasePath(async (path) => {
    const writer = openWriter(path, { retentionDays: 400 });
    for (const batch of settled) writer.write(rows(batch));
    await withCountries(() => {
      writer.write(rows(late(20, "203.0.113.220")));
      writer.write(rows(late(21, "192.0.2.7")));
      return Promise.resolve();
    });
    writer.close();
    deepStrictEqual(
      read(path, "SELECT kind, peer, service FROM first_contacts WHERE kind = 'country'"),
      [["country", "192.0.2.7", "FR"]],
    );
  });
});

for (
  const [what, respH, name] of [
    ["another address of a name", "198.51.100.77", "cloud.example"],
    ["a neighbour of a known peer", "203.0.113.200", ""],
  ] as const
) {
  Deno.test(`${what} is no first contact to be told, but marked as new`, async () => {
    const late = { flows: [contact(20, lateUs, respH, { name })] };
    deepStrictEqual(await written([...settled, late], told), []);
    deepStrictEqual(
      await written([...settled, late], `SELECT is_new FROM device_peers WHERE peer = '${respH}'`),
      [[1]],
    );
  });
}

Deno.test("a device that talks to many has no peers that are told", async () => {
  const known = many(
    33,
    (n) => contact(100 + n, startUs, `198.18.${n}.1`, { name: `${n}.example` }),
  );
  const late = { flows: [contact(20, lateUs, "198.51.100.77")] };
  deepStrictEqual(await written([...settled, { flows: known }, late], told), []);
});

Deno.test("peers of a device have a bound: those seen least lately leave", async () => {
  const flows = many(
    1200,
    (n) => contact(n + 1, startUs + n * 1e6, `198.18.${n >> 8}.${n & 255}`),
  );
  const [[count, oldest]] = await written(
    [{ hosts: [host(camera)] }, { flows }],
    "SELECT count(*), min(first_us) FROM device_peers",
  ) as [[number, number]];
  strictEqual(count <= 1000 && count >= 800, true, `${count}`);
  strictEqual(oldest > startUs, true);
});

Deno.test("a row that is written again changes nothing; an earlier start of one that came later does", async () => {
  const one = { flows: [contact(1, startUs + 10e6, "203.0.113.9")] };
  const earlier = { flows: [contact(2, startUs + 5e6, "203.0.113.9")] };
  const sql = "SELECT first_us, last_us FROM device_peers";
  const hosts = { hosts: [host(camera)] };
  const span = [[startUs + 10e6, startUs + 11e6]];
  deepStrictEqual(await written([hosts, one], sql), span);
  deepStrictEqual(await written([hosts, one, one], sql), span);
  deepStrictEqual(await written([hosts, one, earlier], sql), [[startUs + 5e6, startUs + 11e6]]);
});

Deno.test("what a restart finds goes on", () =>
  withDatabasePath((path) => {
    for (const [step, address] of [[0, camera], [hourUs + 1, "192.168.1.9"]] as const) {
      const writer = openWriter(path);
      writer.write(rows({ hosts: [host(address, startUs + step), host(camera, startUs + step)] }));
      writer.close();
    }
    deepStrictEqual(read(path, told), [["device", "192.168.1.9", "", 0]]);
    deepStrictEqual(read(path, `SELECT in_bytes FROM devices WHERE address = '${camera}'`), [[
      300,
    ]]);
  }));

Deno.test("addresses that were asked for in place of a name name nobody, nor do questions to a name server", async () => {
  const flows = [
    ["192.168.1.57:8080", "http"],
    ["[2001:db8::1]:80", "http"],
    ["nas.example:5001", "tls"],
    ["asked.example", "dns"],
  ].map(([name, service], index) =>
    flow(index + 1, {
      startUs,
      origH: "192.168.1.9",
      respH: camera,
      name: name!,
      service: service as Flow["service"],
    })
  );
  deepStrictEqual(
    await written([{ hosts: [host(camera)] }, { flows }], "SELECT origin, name FROM device_names"),
    [["tls", "nas.example"]],
  );
});
