/** The frame of every page but the login. */
import { placeOf } from "../agent/geo/places.ts";
import { counted } from "../agent/text/amounts.ts";
import { FleetNames } from "../components/AgentName.tsx";
import { Frame } from "../components/Frame.tsx";
import { PlaceLookup } from "../components/Place.tsx";
import { RangePicker } from "../components/RangePicker.tsx";
import { dropPercent, pageNowUs, sourceNames } from "../components/verdict.ts";
import Keys from "../islands/Keys.tsx";
import LiveButton from "../islands/LiveButton.tsx";
import OpenCount from "../islands/OpenCount.tsx";
import ThemeSwitch from "../islands/ThemeSwitch.tsx";
import { mutesInForce } from "./(_server)/incident_pages.ts";
import { define, hasRange, rangeOf, type State } from "./(_server)/state.ts";

export default define.layout(function Layout({ Component, state, url }) {
  const path = url.pathname;
  return (
    <Frame
      path={path}
      hostname={state.sensor.hostname}
      isHub={state.context.fleet !== undefined}
      title={state.title}
      summary={summaryLines(state)}
      canLogOut={!state.gate.isOpen}
      countOf={(href) =>
        href === "/incidents" && <OpenCount look={state.look} zone={state.sensor.zone} />}
      topBar={
        <>
          {hasRange(path) && !(path === "/status" && state.agents !== undefined) && (
            <RangePicker url={url} range={rangeOf(url)} nowUs={pageNowUs(state.message)} />
          )}
          <LiveButton
            initial={state.message}
            sensor={state.sensor}
            mutes={mutesInForce(state.context, state.message.nowUs)}
          />
          <Keys />
          <ThemeSwitch theme={state.theme} path={path + url.search} />
        </>
      }
    >
      <PlaceLookup.Provider value={placeOf}>
        <FleetNames.Provider value={state.agents ?? null}>
          <Component />
        </FleetNames.Provider>
      </PlaceLookup.Provider>
    </Frame>
  );
});

function summaryLines({ message, agents }: State): string[] {
  if (agents !== undefined) {
    const inForce = [...agents.values()].filter(({ credential }) => credential !== "revoked");
    return [counted(inForce.length, "agent")];
  }
  const names = sourceNames(message.health.sources);
  if (names === "") return ["not capturing yet"];
  return [names, `${dropPercent(message)}\u00a0% dropped`];
}
