/** What surrounds every page: side rail, bottom bar of the phone with its sheet, health of the sensor in two lines. */
import { type ComponentChildren, Fragment } from "preact";
import { Brand, Icon, type IconName } from "./Icon.tsx";

interface PageLink {
  readonly href: string;
  readonly label: string;
  readonly icon: IconName;
}
const groups: readonly (readonly PageLink[])[] = [
  [
    { href: "/", label: "Overview", icon: "overview" },
    { href: "/incidents", label: "Incidents", icon: "incidents" },
    { href: "/anomalies", label: "Anomalies", icon: "anomalies" },
    { href: "/scans", label: "Scans", icon: "scans" },
  ],
  [
    { href: "/flows", label: "Flows", icon: "flows" },
    { href: "/hosts", label: "Hosts", icon: "hosts" },
    { href: "/packets", label: "Packets", icon: "packets" },
  ],
  [
    { href: "/alerts", label: "Alerts", icon: "alerts" },
    { href: "/status", label: "Status", icon: "status" },
  ],
];
const phoneLinks = ["/", "/incidents", "/flows", "/alerts"];

/** A hub has agents, and no packets: those stay with them. */
const agents: PageLink = { href: "/agents", label: "Agents", icon: "agents" };
const hubGroups = groups.map((links) =>
  links.flatMap((link) =>
    link.href === "/hosts" ? [link, agents] : link.href === "/packets" ? [] : [link]
  )
);
const hubPhoneLinks = ["/", "/incidents", "/agents", "/flows"];

/** The title of the page at `path`; that of its list for a page of one finding. */
export function pageTitle(path: string): string {
  return linkOf(path)?.label ?? "Not found";
}

/** Pages below a list that are not one thing of it. */
const belowLists: Readonly<Record<string, { readonly list: string; readonly label: string }>> = {
  "/mutes/new": { list: "/alerts", label: "New mute" },
  "/hosts/new": { list: "/hosts", label: "What is new" },
};

/** The link that leads to a page, or to the list that it belongs to. */
function linkOf(path: string): PageLink | undefined {
  const list = belowLists[path]?.list;
  const all = [...groups.flat(), agents];
  if (list !== undefined) return all.find(({ href }) => href === list);
  return all.find(({ href }) => href === path || isBelow(path, href));
}

function isBelow(path: string, href: string): boolean {
  return href !== "/" && path.startsWith(`${href}/`);
}

/** Runs of the program do not matter to people: the number within the run. */
const idsPerRun = 2 ** 32;

function Heading({ path, title }: Pick<FrameProps, "path" | "title">) {
  const link = linkOf(path);
  if (!link || link.href === path) return <h1>{pageTitle(path)}</h1>;
  const id = Number(path.slice(link.href.length + 1));
  return (
    <h1>
      <span class="crumb">
        <a href={link.href}>{link.label}</a> /
      </span>{" "}
      {belowLists[path]?.label ?? (link === agents ? title ?? "?" : null) ??
        (link.href === "/hosts" ? hostText(path) : Number.isSafeInteger(id) ? id % idsPerRun : "?")}
    </h1>
  );
}

/** The address in the path of a host's page, as far as it is one. */
function hostText(path: string): string {
  const text = path.slice("/hosts/".length);
  return /^[\da-f:.%]{1,60}$/i.test(text) ? text.replaceAll(/%3a/gi, ":") : "?";
}

interface FrameProps {
  readonly path: string;
  readonly hostname: string;
  /** Of many agents. */
  readonly isHub: boolean;
  /** Of the page, where its address does not say it all. */
  readonly title: string | undefined;
  /** Below the name: devices and losses. */
  readonly summary: readonly string[];
  readonly canLogOut: boolean;
  readonly topBar: ComponentChildren;
  /** What stands behind a page's name: how many of its things need a look. */
  readonly countOf: (href: string) => ComponentChildren;
  readonly children: ComponentChildren;
}

export function Frame(
  { path, hostname, isHub, title, summary, canLogOut, topBar, countOf, children }: FrameProps,
) {
  const shown = isHub ? hubGroups : groups;
  return (
    <>
      <a class="skip" href="#main">Skip to content</a>
      <div class="app">
        <aside class="side">
          <div class="side-in">
            <Brand />
            <nav class="nav" aria-label="Pages">
              {shown.map((links) => (
                <Fragment key={links[0]!.href}>
                  {links !== shown[0] && <hr />}
                  {links.map((link) => (
                    <NavLink key={link.href} {...link} path={path} count={countOf(link.href)} />
                  ))}
                </Fragment>
              ))}
            </nav>
            <div class="side-foot">
              <b>{hostname}</b>
              {summary.map((line) => <div key={line}>{line}</div>)}
            </div>
          </div>
        </aside>
        <header class="top">
          <Heading path={path} title={title} />
          {topBar}
          {canLogOut && (
            <form method="post" action="/logout">
              <button type="submit" class="btn quiet icon" aria-label="Log out" title="Log out">
                <Icon name="leave" />
              </button>
            </form>
          )}
        </header>
        <main class="page" id="main">{children}</main>
        <BottomBar
          path={path}
          countOf={countOf}
          links={shown.flat()}
          shown={isHub ? hubPhoneLinks : phoneLinks}
        />
      </div>
    </>
  );
}

interface NavLinkProps extends PageLink {
  readonly path: string;
  readonly count: ComponentChildren;
}

function NavLink({ href, label, icon, path, count }: NavLinkProps) {
  return (
    <a href={href} title={label} aria-current={current(href, path)}>
      <Icon name={icon} />
      <span>{label}</span>
      {count}
    </a>
  );
}

/** An explicit "false" keeps Fresh from marking every page as below the overview. */
function current(href: string, path: string): "page" | "false" {
  return linkOf(path)?.href === href ? "page" : "false";
}

interface BottomBarProps extends Pick<FrameProps, "path" | "countOf"> {
  readonly links: readonly PageLink[];
  /** Of those in the bar, not in the sheet. */
  readonly shown: readonly string[];
}

function BottomBar({ path, countOf, links, shown }: BottomBarProps) {
  const inBar = links.filter(({ href }) => shown.includes(href));
  const inSheet = links.filter(({ href }) => !shown.includes(href));
  return (
    <>
      <nav class="bottom" aria-label="Pages">
        {inBar.map(({ href, label, icon }) => (
          <a key={href} href={href} aria-current={current(href, path)}>
            <Icon name={icon} />
            {label}
            {countOf(href)}
          </a>
        ))}
        <button
          type="button"
          popovertarget="more"
          aria-current={inSheet.some(({ href }) => current(href, path) === "page")
            ? "page"
            : "false"}
        >
          <Icon name="more" />
          More
        </button>
      </nav>
      <div class="dlg sheet" id="more" popover="auto" role="dialog" aria-label="More pages">
        <div class="body more-sheet">
          {inSheet.map(({ href, label, icon }) => (
            <a key={href} href={href} aria-current={current(href, path)}>
              <Icon name={icon} />
              {label}
            </a>
          ))}
        </div>
      </div>
    </>
  );
}
