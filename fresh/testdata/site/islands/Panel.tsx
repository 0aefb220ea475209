import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Head } from "fresh/runtime";

interface PanelProps {
  title: string;
  isOpen: boolean;
  children: ComponentChildren;
}

export function Panel({ title, isOpen, children }: PanelProps) {
  const open = useSignal(isOpen);
  return (
    <section>
      <h2 onClick={() => open.value = !open.value}>{title}</h2>
      {open.value && children}
    </section>
  );
}

export function Twice() {
  return (
    <Panel title="In an island" isOpen>
      <Head>
        <title>From an island</title>
      </Head>
    </Panel>
  );
}
