/** The agents of a hub: which report, what they lost, what waits to be sent. */
import { page } from "fresh";
import { fleetVerdict } from "../components/fleet.ts";
import { ListPage } from "../components/ListPage.tsx";
import AgentRows from "../islands/AgentRows.tsx";
import FleetVerdictLine from "../islands/FleetVerdictLine.tsx";
import { AGENT_STATES, agentFilter, agentPage, fleetOf } from "./(_server)/fleet.ts";
import { attempt, countText, emptyPage } from "./(_server)/lists.ts";
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({
  async GET({ state, url }) {
    const fleet = fleetOf(state);
    const all = await attempt(() => fleet.agents(), []);
    const listed = await attempt(
      () => agentPage([...all.value], agentFilter(url.searchParams), state.message.nowUs),
      emptyPage,
    );
    return page({
      all: all.value,
      hub: fleet.hub(),
      listed: listed.value,
      error: all.error || listed.error,
    }, { status: listed.status });
  },
});

export default define.page<typeof handler>(function Agents({ data, state, url }) {
  const { all, hub, listed, error } = data;
  const clock = { nowUs: state.message.nowUs, zone: state.sensor.zone };
  const { order, isAscending } = error === ""
    ? agentFilter(url.searchParams)
    : { order: "trouble" as const, isAscending: false };
  const sites = [...new Set(all.map(({ site }) => site))].filter((site) => site !== "").sort();
  return (
    <>
      <FleetVerdictLine initial={fleetVerdict(all, hub, clock)} path={url.pathname} />
      <ListPage
        url={url}
        box={
          <label class="field">
            <span>Name or site</span>
            <input name="text" value={url.searchParams.get("text") ?? ""} dir="auto" />
          </label>
        }
        fields={[
          {
            name: "state",
            label: "State",
            choices: [
              { value: "", label: "any" },
              ...AGENT_STATES.map((value) => ({ value, label: stateLabels[value] })),
            ],
          },
          {
            name: "site",
            label: "Site",
            choices: [
              { value: "", label: "any" },
              ...sites.map((site) => ({ value: site, label: site })),
            ],
          },
        ]}
        count={countText(listed, ["agent", "agents"])}
        error={error}
        nextCursor={listed.nextCursor}
        next="More"
        isEmpty={listed.rows.length === 0}
        empty={all.length === 0 ? "No agent is enrolled" : "No agent fits"}
      >
        <AgentRows
          agents={listed.rows}
          path={url.pathname + url.search}
          order={order}
          isAscending={isAscending}
          {...clock}
        />
      </ListPage>
    </>
  );
});

const stateLabels: Readonly<Record<typeof AGENT_STATES[number], string>> = {
  silent: "silent",
  reports: "reports",
  waiting: "has not reported yet",
  revoked: "revoked",
  trouble: "something is wrong",
};
