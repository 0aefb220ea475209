/** Answers that are no page: a sentence as text for people, as JSON for programs. */

/** A sentence alone. */
export function plainText(status: number, text: string, headers: HeadersInit = {}): Response {
  const response = new Response(`${text}\n`, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  return response;
}

/** JSON with `error`, a sentence for people. */
export function errorJson(status: number, error: string, headers: HeadersInit = {}): Response {
  return Response.json({ error }, { status, headers });
}
