/** A page that waits for detection. */
export function NoFindings({ title, path }: { title: string; path: string }) {
  return (
    <section class="panel c12">
      <div class="state">
        <h3>{title}: nobody is looking yet</h3>
        <p>
          Detection is not part of this version, so an empty page here does not mean that all is
          well. Traffic, flows, hosts and packets are recorded all the same.
        </p>
        <div class="btns">
          <a class="btn main" href="/flows">Flows</a>
          <a class="btn" href={path}>The empty list as JSON</a>
        </div>
      </div>
    </section>
  );
}
