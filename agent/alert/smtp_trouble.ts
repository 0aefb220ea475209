/** What a failure to send mail means, and what to change. */
import type { SmtpConfig } from "../config.ts";

/** As nodemailer throws it. */
export interface SmtpFailure extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
  /** Of each address of a name; then the message is empty. */
  readonly errors?: readonly Error[];
}

export function smtpTrouble(failure: SmtpFailure, smtp: SmtpConfig): string {
  const { code, response } = failure;
  const message = failure.message || (failure.errors ?? []).map((each) => each.message).join("; ");
  const server = `${smtp.host}:${smtp.port}`;
  const words = response ? `The server said: ${oneLine(response)}` : oneLine(message);
  if (code === "EAUTH" || failure.responseCode === 535) {
    return `${server} refused the login of ${
      smtp.user ?? "nobody"
    }. ${words}. Check TAPWATCH_SMTP_USER and TAPWATCH_SMTP_PASSWORD.`;
  }
  if (/STARTTLS/i.test(message) && (code === "ETLS" || !response || failure.responseCode! >= 500)) {
    return `${server} does not offer STARTTLS. Use smtps:// (security tls, port 465), or, only where nobody can listen in, ?security=none (TAPWATCH_SMTP_SECURITY=none).`;
  }
  if (isCertificateTrouble({ code, message }, smtp)) {
    return `The certificate of ${server} is not trusted (${
      oneLine(message)
    }). Name its certificate authority with --smtp-ca FILE, or the host as the certificate has it.`;
  }
  if (code === "ECONNREFUSED" || /ECONNREFUSED|refused/i.test(message) && !response) {
    return `Nobody answers at ${server}: connection refused. Check host and port; 587 is usual for STARTTLS, 465 for TLS, 25 without.`;
  }
  if (code === "EDNS" || code === "ENOTFOUND" || /ENOTFOUND|getaddrinfo|lookup/i.test(message)) {
    return `There is no host ${smtp.host}: its name cannot be resolved. ${words}.`;
  }
  if (
    /wrong version number|InvalidContentType|CorruptMessage|received corrupt|packet length/i.test(
      message,
    )
  ) {
    return `${server} does not speak TLS from the start. Use smtp:// (security starttls, usually port 587).`;
  }
  if (code === "ETIMEDOUT" || /timeout|timed out/i.test(message)) {
    return smtp.security === "tls"
      ? `${server} did not answer in time (${oneLine(message)}).`
      : `${server} did not answer in time (${
        oneLine(message)
      }). A server that wants TLS from the start waits like that: then use smtps://.`;
  }
  if (code === "EENVELOPE") return `${server} refused sender or receivers. ${words}.`;
  return `${server}: ${words}`;
}

/** Over STARTTLS Deno says of an untrusted certificate only "write UNKNOWN". */
function isCertificateTrouble(
  { message, code }: Pick<SmtpFailure, "message"> & { readonly code: string | undefined },
  { security }: SmtpConfig,
): boolean {
  return /certificate|UnknownIssuer|CaUsedAsEndEntity|NotValidForName|self.signed/i.test(message) ||
    security === "starttls" &&
      (/write UNKNOWN/i.test(message) || code === "ETLS" && /UNKNOWN/.test(message));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
}
