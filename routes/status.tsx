/** Status: how capturing itself is going, part by part, and the log. */
import { page } from "fresh";
import type { GeoFileState, StatusEntry } from "../agent/records.ts";
import { GeoFiles } from "../components/GeoFiles.tsx";
import { Notice } from "../components/Notice.tsx";
import { ProcessesPanel } from "../components/ProcessesPanel.tsx";
import { RightsPanel } from "../components/RightsPanel.tsx";
import { pageNowUs } from "../components/verdict.ts";
import ChannelTable from "../islands/ChannelTable.tsx";
import DetectionTable from "../islands/DetectionTable.tsx";
import DiskTable from "../islands/DiskTable.tsx";
import FleetTable from "../islands/FleetTable.tsx";
import InterfaceTable from "../islands/InterfaceTable.tsx";
import PacketRate from "../islands/PacketRate.tsx";
import StatusLog from "../islands/StatusLog.tsx";
import StatusNumbers from "../islands/StatusNumbers.tsx";
import UndecodedTable from "../islands/UndecodedTable.tsx";
import VerdictLine from "../islands/VerdictLine.tsx";
import FleetVerdictLine from "../islands/FleetVerdictLine.tsx";
import type { FleetStatus } from "./(_server)/fleet_overview.tsx";
import { attempt } from "./(_server)/lists.ts";
import {
  askedRange,
  define,
  emptySeries,
  rangeOf,
  recentDrops,
  type State,
  trafficSeries,
} from "./(_server)/state.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const { state, url } = ctx;
    const asked = await attempt(() => askedRange(url), rangeOf(url));
    const range = asked.value;
    const nowUs = pageNowUs(state.message);
    const fleet = await attempt(() => readFleet(state), null);
    const series = await attempt(() => trafficSeries(state, range), emptySeries(range, nowUs));
    return page({
      live: { initial: state.message, series: series.value, range },
      refusal: asked.error,
      fleet: fleet.value,
      error: series.error || fleet.error,
      drops: recentDrops(state),
      entries: state.context.live.entries,
      geoFiles: state.context.live.geoFiles,
    }, { status: asked.status });
  },
});

/** Of a hub; null on a sensor. */
async function readFleet(state: State): Promise<FleetStatus | null> {
  if (state.context.fleet === undefined) return null;
  const { fleetStatus } = await import("./(_server)/fleet_overview.tsx");
  return fleetStatus(state);
}

export default define.page<typeof handler>(function Status({ data, state }) {
  const { message, sensor } = state;
  if (state.context.fleet !== undefined) return <HubStatus data={data} state={state} />;
  return (
    <>
      <VerdictLine initial={message} sensor={sensor} recentDrops={data.drops} incidents={null} />
      {data.refusal !== "" && <Notice title="This cannot be shown" detail={data.refusal} />}
      {data.error !== "" && <Notice title="The database cannot be read" detail={data.error} />}
      <StatusNumbers initial={message} />
      <PacketRate
        {...data.live}
        zone={sensor.zone}
        title="Capture rate"
        width="c8"
        isTall={false}
      />
      <DiskTable initial={message} resultsFolder={sensor.resultsFolder} />
      <InterfaceTable initial={message} loopbackNote={sensor.loopbackNote} />
      <UndecodedTable initial={message} />
      <ChannelTable initial={message} zone={sensor.zone} />
      <FleetTable initial={message} />
      <DetectionTable initial={message} zone={sensor.zone} />
      <RightsPanel rights={message.health.rights} />
      <ProcessesPanel processes={message.health.processes} />
      <GeoFiles files={data.geoFiles} nowUs={message.nowUs} zone={sensor.zone} />
      <StatusLog entries={data.entries} nowUs={message.nowUs} zone={sensor.zone} />
    </>
  );
});

interface HubStatusProps {
  readonly data: {
    readonly fleet: FleetStatus | null;
    readonly error: string;
    readonly entries: readonly StatusEntry[];
    readonly geoFiles: readonly GeoFileState[];
  };
  readonly state: State;
}

/** Of what captures nothing: the engine, the store, and what could not be read. */
function HubStatus({ data, state: { message, sensor } }: HubStatusProps) {
  const { fleet } = data;
  return (
    <>
      {fleet && <FleetVerdictLine initial={fleet.verdict} path="/status" />}
      {data.error !== "" && <Notice title="The database cannot be read" detail={data.error} />}
      {fleet?.numbers}
      {fleet?.parts}
      <ChannelTable initial={message} zone={sensor.zone} />
      <GeoFiles files={data.geoFiles} nowUs={message.nowUs} zone={sensor.zone} />
      <StatusLog entries={data.entries} nowUs={message.nowUs} zone={sensor.zone} />
    </>
  );
}
