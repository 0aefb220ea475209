import { equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { KeyedSlots } from "./keyed_slots.ts";

Deno.test("KeyedSlots behaves like a map that forgets the key unused for longest", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "find", "remove"),
    key: fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const capacity = 8;
    const table = new KeyedSlots({ capacity, keyWords: 2 });
    const model = new Map<string, number>(); // in order of use
    let forgotten = 0;
    for (const { kind, key } of steps) {
      const words = Int32Array.from([-1, ...key]);
      const name = key.join();
      const slot = model.get(name);
      if (kind === "find") equal(table.find(words, 1), slot ?? -1);
      else if (kind === "remove" && slot !== undefined) {
        table.remove(slot);
        model.delete(name);
      } else if (kind === "add") {
        if (slot === undefined && model.size === capacity) {
          forgotten++;
          model.delete(model.keys().next().value!);
        }
        const added = table.add(words, 1);
        equal(table.isNew, slot === undefined);
        if (slot !== undefined) equal(added, slot);
        equal([...model.values()].includes(added), slot !== undefined);
        model.delete(name);
        model.set(name, added);
      }
    }
    equal(table.count, model.size);
    equal(table.forgottenCount, forgotten);
    const inOrder = [];
    for (let slot = table.oldest; slot >= 0; slot = table.after(slot)) {
      inOrder.push([table.keyWord(slot, 0), table.keyWord(slot, 1)].join());
    }
    equal(inOrder.join(" "), [...model.keys()].join(" "));
  }));
});

Deno.test("KeyedSlots tells its owner which slot it forgets while the key can still be read", () => {
  const forgotten: number[] = [];
  const table: KeyedSlots = new KeyedSlots({
    capacity: 2,
    keyWords: 1,
    onForget: (slot) => forgotten.push(table.keyWord(slot, 0)),
  });
  for (const key of [5, 6, 5, 7]) table.add(Int32Array.of(key));
  equal(forgotten.join(), "6");
});

Deno.test("KeyedSlots refuses a capacity it cannot index", () => {
  throws(() => new KeyedSlots({ capacity: 0, keyWords: 1 }), RangeError);
});
