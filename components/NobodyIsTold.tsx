/** First lines of Alerts where no channel is set up: what to set. */

const setUp = [
  {
    what: "By e-mail, with the password in TAPWATCH_SMTP_PASSWORD",
    line: "--smtp-url smtp://me@mail.example.org:587 --mail-to me@example.org",
  },
  {
    what: "To a webhook (Slack, Discord, Teams, ntfy, or your own)",
    line: "--webhook ntfy+https://ntfy.sh/my-secret-topic",
  },
  { what: "To syslog", line: "--syslog udp://192.168.1.10:514" },
];

export function NobodyIsTold() {
  return (
    <>
      <section class="verdict">
        <h2>Nobody is told</h2>
        <p>
          Add one of these to how you start tapwatch, start it again, and send a test from here. Or
          try it first: <code>tapwatch alert-test</code> takes the same options.
        </p>
      </section>
      <section class="panel c12">
        <div class="state set-up">
          {setUp.map(({ what, line }) => (
            <>
              <h3>{what}</h3>
              <p class="code" tabIndex={0}>
                {line.split(" ").map((word) => (
                  <>
                    <span>{word}</span>
                    {" "}
                  </>
                ))}
              </p>
            </>
          ))}
        </div>
      </section>
    </>
  );
}
