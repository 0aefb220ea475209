/** Incidents of the labelled captures: one for each actor, every finding inside, and none that matters where all is well. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { doesCorpusExist } from "../agent/capture/corpus.ts";
import { corpusNote, judgeLabelled } from "../bench/detection/corpus.ts";
import { incidentSection } from "../bench/detection/incidents.ts";

Deno.test({
  name: `the findings of labelled captures make one incident an actor${corpusNote}`,
  ignore: !doesCorpusExist,
  async fn() {
    const { targets } = incidentSection(await judgeLabelled());
    ok(targets.length >= 3);
    deepStrictEqual(
      targets.filter(({ isMet }) => !isMet).map(({ promise, measured }) =>
        `${promise}: ${measured}`
      ),
      [],
    );
  },
});
