import { agentFilter, agentPage, agentRow, fleetOf, hubRow } from "../../(_server)/fleet.ts";
import { listAnswer } from "../../(_server)/lists.ts";
import { define } from "../../(_server)/state.ts";

/**
 * The agents of a hub, those with trouble first: text, site, state (silent, reports, waiting, revoked, trouble), order (trouble, name,
 * site, seen, flows, drops, spool, lost), direction, limit, cursor, format. `hub` is what Status says of the hub.
 */
export const handler = define.handlers({
  GET(ctx) {
    const fleet = fleetOf(ctx.state);
    const { nowUs } = ctx.state.message;
    return listAnswer("agents", ctx, async (query) => {
      const filter = agentFilter(query);
      const page = agentPage([...await fleet.agents()], filter, nowUs);
      return {
        ...page,
        rows: page.rows.map((agent) => agentRow(agent, nowUs)),
        beside: { hub: hubRow(fleet.hub()) },
      };
    });
  },
});
