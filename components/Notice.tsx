/** A line on top of a page: what does not work, and the system's words. */
export function Notice({ title, detail }: { title: string; detail: string }) {
  return (
    <section class="notice" role="status">
      <b>{title}.</b>
      <span>{detail}</span>
    </section>
  );
}
