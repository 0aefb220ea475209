/** What a request may bring: a short body, which may be a form. */
import { HttpError } from "fresh";
import { plainText } from "./plain_answers.ts";

/** Forms are short. */
const bodyBytesMax = 10_000;
/** … and do not take long. */
const bodyMsMax = 30_000;

/** The request with its body in memory, or a refusal: no more than `bodyBytesMax` is read, whatever length was told, and for `bodyMsMax`. */
export async function takeBody(
  request: Request,
  msMax = bodyMsMax,
): Promise<Request | Response> {
  const { body, url, method, headers } = request;
  if (Number(headers.get("content-length") ?? 0) > bodyBytesMax) return tooLong();
  if (body === null) return request;
  const reader = body.getReader();
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), msMax);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    while (true) {
      const read = await Promise.race([reader.read(), late.promise]);
      if (read === "late") return plainText(408, "The body of the request took too long.");
      if (read.done) break;
      length += read.value.length;
      if (length > bodyBytesMax) return tooLong();
      parts.push(read.value);
    }
  } catch {
    return plainText(400, "The body of the request did not arrive whole.");
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
  return new Request(url, { method, headers, body: new Blob(parts) });
}

function tooLong(): Response {
  return plainText(413, `A request may bring at most ${bodyBytesMax} bytes.`);
}

/** The form that a request brings. Throws HttpError. */
export async function readForm(request: Request): Promise<FormData> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(type)) {
    throw new HttpError(415, "Send a form, as application/x-www-form-urlencoded.");
  }
  try {
    return await request.formData();
  } catch (error) {
    if (error instanceof TypeError) throw new HttpError(400, "The form cannot be read.");
    throw error;
  }
}

/** The fields that a request brings, of a form or of a JSON object of texts and numbers; none without a body. Throws HttpError. */
export async function readFields(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get("content-type") ?? "";
  if (type === "" || request.body === null) return new URLSearchParams();
  if (!/^application\/json\b/i.test(type)) {
    const form = await readForm(request);
    return new URLSearchParams(
      [...form].map(([name, value]): [string, string] => [name, String(value)]),
    );
  }
  let fields: unknown;
  try {
    fields = await request.json();
  } catch (error) {
    if (error instanceof SyntaxError) throw new HttpError(400, "The JSON cannot be read.");
    throw error;
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new HttpError(400, "Send a JSON object.");
  }
  return new URLSearchParams(
    Object.entries(fields).filter(([, value]) => value !== null)
      .map(([name, value]): [string, string] => [name, String(value)]),
  );
}

/** Whether the request comes from a form on a page: then a page is the answer. */
export function acceptsPage(request: Request): boolean {
  return /\btext\/html\b/.test(request.headers.get("accept") ?? "");
}
