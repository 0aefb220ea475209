/** A list with its filters and its way to the next page; all of it works without scripts. */
import type { ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import type { FleetAgent } from "../agent/fleet/view.ts";
import { FleetNames } from "./AgentName.tsx";
import { Icon } from "./Icon.tsx";
import { inputTimeOf } from "./input_time.ts";
import type { PacketsShown } from "./PacketsLink.tsx";
import { Notice } from "./Notice.tsx";
import { SearchChips, type ShownSearch } from "./SearchChips.tsx";

export interface ListField {
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
  /** Of the input where it is not a line of text; a time is of the sensor's clock. */
  readonly type?: "datetime-local";
}

interface Props {
  readonly url: URL;
  /** Without it the list takes no search, but for its fields. */
  readonly search?: ShownSearch;
  /** Where it is typed. */
  readonly box: ComponentChildren;
  readonly fields: readonly ListField[];
  /** Said beside the chips: how many rows there are. */
  readonly count?: string;
  readonly error: string;
  readonly nextCursor: string | null;
  /** Of the button that leads to the next page. */
  readonly next?: string;
  /** Where the packets of what is searched can be had. */
  readonly packets?: PacketsShown | null;
  /** True where `empty` stands in place of the children. */
  readonly isEmpty?: boolean;
  /** Said when nothing fits. */
  readonly empty?: string;
  readonly children: ComponentChildren;
}

export function ListPage(
  {
    url,
    search,
    box,
    fields,
    count = "",
    error,
    nextCursor,
    next = url.searchParams.has("order") ? "More" : "Older",
    packets = null,
    isEmpty = false,
    empty = "",
    children,
  }: Props,
) {
  const query = url.searchParams;
  // Packets stay with the agents.
  const agents = useContext(FleetNames);
  const isHub = agents !== null;
  const isTurned = query.get("direction") === "up" && fields.some(({ name }) => name === "order");
  const isFiltered = (search !== undefined && search.text !== "") || query.has("agent") ||
    fields.some(({ name }) => query.get(name));
  return (
    <>
      <div class="c12 fold">
        <input type="checkbox" class="vh" id="filters-shown" checked={isFiltered} />
        <label for="filters-shown" class="btn">Filters</label>
        <form method="get" action={url.pathname} class="filters">
          {box}
          {agents !== null && ofAgents.includes(search?.list ?? "") && (
            <Field field={agentField(agents)} value={query.get("agent") ?? ""} />
          )}
          {groupsOf(fields).map((group) => (
            <div key={group[0]!.name} class="fields">
              {group.map((field) => (
                <Field
                  key={field.name}
                  field={field.name === "order" && isTurned
                    ? { ...field, label: `${field.label}, turned round` }
                    : field}
                  value={query.get(field.name) ?? ""}
                />
              ))}
            </div>
          ))}
          {isTurned && <input type="hidden" name="direction" value="up" />}
          <div class="acts">
            <button type="submit" class="btn main">Filter</button>
            {url.search !== "" && <a class="btn" href={url.pathname} aria-current="false">Clear</a>}
            {error === "" && (
              <>
                <Download href={`/api${url.pathname}${url.search}`}>JSON</Download>
                <Download href={`/api${url.pathname}${csvQuery(url)}`}>CSV</Download>
                {packets?.href && !isHub && <Download href={packets.href}>PCAP</Download>}
              </>
            )}
          </div>
        </form>
      </div>
      {!isHub && packets && packets.note !== "" && (
        <p class="c12 dim packets-note">{packets.note}</p>
      )}
      {((search?.chips.length ?? 0) > 0 || count !== "") && (
        <div class="c12 chips" role="group" aria-label="Search in use">
          {search && <SearchChips {...search} />}
          {count !== "" && <span class="dim">{count}</span>}
        </div>
      )}
      {error !== ""
        ? <Notice title="This list cannot be shown" detail={error} />
        : (
          <section class="panel c12">
            {isEmpty
              ? (
                <div class="state">
                  <h2>{empty}</h2>
                  {url.search !== ""
                    ? (
                      <>
                        <p>Fewer filters may show more.</p>
                        <a class="btn" href={url.pathname} aria-current="false">
                          Clear all filters
                        </a>
                      </>
                    )
                    : (
                      <p>
                        What is captured stands on{" "}
                        <a href="/status" aria-current="false">Status</a>.
                      </p>
                    )}
                </div>
              )
              : <div class="scroll">{children}</div>}
          </section>
        )}
      {nextCursor !== null && (
        <p class="c12">
          <a class="btn" href={nextLink(url, nextCursor)}>{next}</a>
        </p>
      )}
    </>
  );
}

/** Fields that stay on one line: the two ends of a time; any other is alone. */
function groupsOf(fields: readonly ListField[]): ListField[][] {
  const groups: ListField[][] = [];
  for (const field of fields) {
    const last = groups.at(-1);
    if (field.type !== undefined && last?.[0]?.type === field.type) last.push(field);
    else groups.push([field]);
  }
  return groups;
}

/** A button that fetches the rows shown as a file. */
export function Download({ href, children }: { href: string; children: string }) {
  return (
    <a class="btn" href={href} download>
      <Icon name="download" />
      {children}
    </a>
  );
}

function Field({ field, value }: { field: ListField; value: string }) {
  const { name, label, placeholder, choices, type } = field;
  return (
    <label class="field">
      <span>{label}</span>
      {choices
        ? (
          <select name={name}>
            {choices.map((choice) => (
              <option value={choice.value} selected={choice.value === value}>
                {choice.label}
              </option>
            ))}
            {choices.every((choice) => choice.value !== value) && (
              <option value={value} selected>{value}</option>
            )}
          </select>
        )
        : type
        ? <input name={name} type={type} step="1" value={inputTimeOf(value)} />
        : (
          <input
            name={name}
            value={value}
            placeholder={placeholder}
            class="mono"
            autocomplete="off"
            spellcheck={false}
          />
        )}
    </label>
  );
}

/** Lists whose rows are of agents, on a hub. */
const ofAgents: readonly string[] = ["flows", "hosts", "scans", "anomalies", "incidents"];
/** So many are chosen from; of more the name is typed. */
const agentsChosenMax = 200;

function agentField(agents: ReadonlyMap<number, FleetAgent>): ListField {
  const names = [...new Set([...agents.values()].map(({ name }) => name))].sort();
  if (names.length > agentsChosenMax) return { name: "agent", label: "Agent" };
  const all = { value: "", label: "all agents" };
  const choices = [all, ...names.map((name) => ({ value: name, label: name }))];
  return { name: "agent", label: "Agent", choices };
}

function csvQuery({ searchParams }: URL): string {
  const query = new URLSearchParams(searchParams);
  query.set("format", "csv");
  return `?${query}`;
}

function nextLink(url: URL, cursor: string): string {
  const query = new URLSearchParams(url.search);
  query.set("cursor", cursor);
  return `${url.pathname}?${query}`;
}
