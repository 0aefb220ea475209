import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { Database } from "./database.ts";

function numbers(): Database {
  const database = new Database(":memory:");
  database.exec("CREATE TABLE numbers(n)");
  for (let n = 0; n < 5; n++) database.prepare("INSERT INTO numbers VALUES (?)").run(n);
  return database;
}

const above = "SELECT n FROM numbers WHERE n > ? ORDER BY n";

Deno.test("Database prepares a text once, and the older ones of many make room", () => {
  const database = numbers();
  const statement = database.prepare(above);
  strictEqual(database.prepare(above), statement);
  for (let other = 0; other < 200; other++) database.prepare(`SELECT ${other}`);
  notStrictEqual(database.prepare(above), statement);
  // Who has it may go on with it.
  strictEqual(statement.all(2).length, 2);
  strictEqual(database.prepare(above).all(2).length, 2);
  database.close();
});

Deno.test("Database gives a statement that was not read to its end from its beginning", () => {
  const database = numbers();
  for (const row of database.prepare(above).iterate(0)) {
    strictEqual(row.n, 1);
    break;
  }
  strictEqual(database.prepare(above).get(1)?.n, 2);
  deepStrictEqual(database.prepare(above).all(2).map(({ n }) => n), [3, 4]);
  database.exec("DROP TABLE numbers");
  database.close();
});
