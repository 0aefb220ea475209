/** First lines of Alerts where no channel is set up: what to set. */

const setUp = [
  {
    what: "By e-mail, with the password in TAPWATCH_SMTP_PASSWORD",
    line: "tapwatch run --smtp-url smtp://me@mail.example.org:587 --mail-to me@example.org",
  },
  {
    what: "To a webhook (Slack, Discord, Teams, ntfy, or your own)",
    line: "tapwatch run --webhook ntfy+https://ntfy.sh/my-secret-topic",
  },
  { what: "To syslog", line: "tapwatch run --syslog udp://192.168.1.10:514" },
];

export function NobodyIsTold() {
  return (
    <>
      <section class="verdict">
        <h2>Nobody is told</h2>
        <p>
          Set --smtp-url and --mail-to, --webhook or --syslog, and start tapwatch again; then send a
          test from here.
        </p>
      </section>
      <section class="panel c12">
        <div class="state">
          {setUp.map(({ what, line }) => (
            <>
              <h3>{what}</h3>
              <p class="code" tabIndex={0}>{line}</p>
            </>
          ))}
        </div>
      </section>
    </>
  );
}
