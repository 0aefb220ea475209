/** What is new on the network: devices, server ports and peers that were met for the first time. Information, not alarm. */
import { page } from "fresh";
import { FIRST_CONTACT_KINDS } from "../../agent/records.ts";
import { contactKinds, FirstContactTable } from "../../components/FirstContactTable.tsx";
import { learningText } from "../../components/host_text.ts";
import { startOfYesterdayUs } from "../../components/input_time.ts";
import { Download } from "../../components/ListPage.tsx";
import { Notice } from "../../components/Notice.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import { attempt, countText, emptyPage, firstContactFilter, shown } from "../(_server)/lists.ts";
import { newCounts, readFirstContacts } from "../(_server)/host_pages.ts";
import { define } from "../(_server)/state.ts";

export const handler = define.handlers({
  async GET({ state, url }) {
    state.title = "What is new";
    const { queries } = state.context;
    const asked = await attempt(
      () => readFirstContacts(queries, shown(firstContactFilter(url.searchParams))),
      emptyPage,
    );
    return page({ ...asked, counts: await newCounts(state) }, { status: asked.status });
  },
});

export default define.page<typeof handler>(function New({ data, state, url }) {
  const { rows, nextCursor } = data.value;
  const clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  const learning = data.counts
    ? learningText(data.counts.learningUntilUs, clock.nowUs, clock.zone)
    : "";
  const kind = url.searchParams.get("kind") ?? "";
  if (data.error !== "") return <Notice title="This list cannot be shown" detail={data.error} />;
  return (
    <>
      <nav class="c12 chips" aria-label="Kinds and time">
        {["", ...FIRST_CONTACT_KINDS].map((one) => (
          <a
            key={one}
            class={`chip ${one === kind ? "on" : ""}`}
            href={linkTo(url, { kind: one, cursor: "" })}
            aria-current={one === kind ? "page" : "false"}
          >
            {one === "" ? "Everything" : contactKinds[one as keyof typeof contactKinds]}
          </a>
        ))}
        <span class="chips apart">
          <TimeChips url={url} yesterdayUs={startOfYesterdayUs(clock.nowUs)} />
        </span>
        <span class="dim">{countText(data.value, ["first contact", "first contacts"])}</span>
        <span class="end">
          <Download href={`/api${url.pathname}${url.search}`}>JSON</Download>
          <Download href={`/api${linkTo(url, { format: "csv" })}`}>CSV</Download>
        </span>
      </nav>
      <section class="panel c12">
        {rows.length > 0
          ? (
            <div class="scroll">
              <FirstContactTable contacts={rows} {...clock} />
            </div>
          )
          : (
            <div class="state">
              <h2>{learning === "" ? "Nothing is new" : "Nothing is new yet"}</h2>
              {learning !== "" && <p>{learning}</p>}
            </div>
          )}
        <p class="note">
          What is seen in the first hour of a database, or in the hour after a day without traffic,
          is learnt and does not count as new, nor do the server ports and peers of a device's first
          day. New peers are listed of devices that have 32 peers at most, when neither their name
          nor their network was known; the page of a host marks every new peer. A country is new
          when none of the device's peers was there before; that takes a file of{" "}
          <code>--geo-db</code>.
        </p>
      </section>
      {nextCursor !== null && (
        <p class="c12">
          <a class="btn" href={linkTo(url, { cursor: nextCursor })}>Older</a>
        </p>
      )}
    </>
  );
});

/** Since when; another time may be asked for by address. */
function TimeChips({ url, yesterdayUs }: { url: URL; yesterdayUs: number }) {
  const from = url.searchParams.get("from") ?? "";
  const hasEnd = url.searchParams.has("to");
  return [["Since yesterday", String(yesterdayUs)], ["All time", ""]].map(([label, since]) => {
    const isShown = from === since && !hasEnd;
    return (
      <a
        key={label}
        class={`chip ${isShown ? "on" : ""}`}
        href={linkTo(url, { from: since!, to: "", cursor: "" })}
        aria-current={isShown ? "page" : "false"}
      >
        {label}
      </a>
    );
  });
}

function linkTo(url: URL, changes: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") query.delete(name);
    else query.set(name, value);
  }
  return query.size === 0 ? url.pathname : `${url.pathname}?${query}`;
}
