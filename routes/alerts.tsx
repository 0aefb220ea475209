/** Alerts: the page for messages to people, which this version does not send yet. */
import { page } from "fresh";
import { checkNames } from "./(_server)/parameters.ts";
import { define } from "./(_server)/state.ts";

export const handler = define.handlers({
  GET({ url }) {
    checkNames(url.searchParams, []);
    return page();
  },
});

export default define.page(function Alerts() {
  return (
    <section class="panel c12">
      <div class="state">
        <h3>No alerts: this version tells nobody yet</h3>
        <p>
          E-mail and webhooks are not part of it. What was found stands on the overview and in the
          two lists.
        </p>
        <div class="btns">
          <a class="btn main" href="/scans">Scans</a>
          <a class="btn" href="/anomalies">Anomalies</a>
        </div>
      </div>
    </section>
  );
});
