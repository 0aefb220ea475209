import { equal } from "node:assert/strict";
import { HotPath } from "../hot/hot_path.ts";
import * as model from "./model_tcp_states.ts";

const { exports } = new HotPath({ flowCountMax: 1, hostCountMax: 1 });

Deno.test("the hot path's TCP states follow the model's from every pair of ends, with every flag", () => {
  for (let states = 0; states < 4096; states++) {
    equal(exports.isTcpClosed(states) !== 0, model.isTcpClosed(states), `${states}`);
    equal(exports.isTcpAttempt(states) !== 0, model.isTcpAttempt(states), `${states}`);
    for (let flags = 0; flags < 32; flags++) {
      for (const [isOriginator, hasPayload] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
        const next = exports.nextTcpStates(states, isOriginator, flags, hasPayload);
        const expected = model.nextTcpStates(states, isOriginator !== 0, flags, hasPayload !== 0);
        if (next !== expected) equal(next, expected, `${states} ${flags} ${isOriginator}`);
      }
    }
  }
});
