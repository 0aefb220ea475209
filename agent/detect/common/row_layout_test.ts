import { deepEqual } from "node:assert/strict";
import { namedIn, same } from "../../../tests/layout_names.ts";
import { Application, Transport } from "../../records.ts";
import { Mark, ObservationKind } from "../observation.ts";
import * as layout from "./row_layout.ts";

Deno.test("the rows' layout has the numbers of the observations and records", () => {
  for (
    const [prefix, record] of [
      ["KIND_", ObservationKind],
      ["MARK_", Mark],
      ["TRANSPORT_", Transport],
      ["APPLICATION_", Application],
    ] as const
  ) {
    deepEqual(namedIn(layout, prefix), same(namedIn(layout, prefix), record));
  }
});
