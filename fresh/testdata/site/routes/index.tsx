import { signal } from "@preact/signals";
import { Head } from "fresh/runtime";
import Counter from "../islands/Counter.tsx";
import { Panel, Twice } from "../islands/Panel.tsx";

export default function Home() {
  const shared = signal(3);
  return (
    <>
      <Head>
        <title>Home</title>
        <meta name="description" content="a <page>" />
      </Head>
      <Counter id="one" count={shared} />
      <Counter id="two" count={shared} />
      <Panel title="Closed" isOpen={false}>
        <p class="inside">Later</p>
        <Counter id="three" count={shared} />
      </Panel>
      <Panel title="Open" isOpen>
        <input type="checkbox" checked />
        <Counter id="four" count={shared} />
      </Panel>
      <Twice />
    </>
  );
}
