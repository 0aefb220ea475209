/** Who the program is on its host, and what it may do there. */
import type { RightsState } from "../agent/records.ts";
import { mayText } from "../agent/text/rights.ts";

export function RightsPanel({ rights }: { rights: RightsState | null }) {
  if (rights === null) return null;
  return (
    <section class="panel c12 lone" aria-label="Rights">
      <header>
        <h2>Rights</h2>
        <p>what tapwatch may do on this host</p>
      </header>
      <div class="body">
        <dl class="facts long">
          <dt>Runs as</dt>
          <dd>{rights.isRoot ? <b class="sev-high">{rights.user}</b> : rights.user}</dd>
          <dt>May</dt>
          <dd>{mayText(rights)}</dd>
          <dt>Can gain rights</dt>
          <dd>{rights.hasNoNewPrivileges ? "no" : "by starting programs that have more"}</dd>
        </dl>
      </div>
      {rights.isRoot && (
        <p class="note">
          It reads what anybody on the network sends, and has all rights of root. Start it with{" "}
          <code>--user NAME</code>, or as a service.
        </p>
      )}
    </section>
  );
}
