import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ascii } from "./app_samples.ts";
import { findHeadEnd, LineProtocol, readHttp, readLineProtocol } from "./http.ts";
import { join } from "./packet_builder.ts";

const request =
  "GET /a?b=c HTTP/1.1\r\nUser-Agent: curl/8.5.0\r\nhOsT:\t www.example.com:8080 \r\n" +
  "Host: second\r\n\r\nHost: body";

function read(text: string) {
  const bytes = ascii(text);
  return readHttp(bytes, 0, bytes.length);
}

Deno.test("readHttp() reads a request, the first Host and no body", () => {
  deepStrictEqual(read(request), {
    method: "GET",
    path: "/a?b=c",
    host: "www.example.com:8080",
    userAgent: "curl/8.5.0",
  });
  deepStrictEqual(read("POST /x HTTP/1.1\r\n\r\nHost: body\r\n"), { method: "POST", path: "/x" });
});

Deno.test("readHttp() reads responses, bare line feeds and odd methods", () => {
  deepStrictEqual(read("HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n"), { status: 404 });
  deepStrictEqual(read("HTTP/1.1 abc\r\n\r\n"), {});
  deepStrictEqual(read("PROPFIND / HTTP/1.0\nHost: a\n\n"), {
    method: "PROPFIND",
    path: "/",
    host: "a",
  });
  deepStrictEqual(read("M-SEARCH * HTTP/1.1\r\nHOST:239.255.255.250:1900\r\n\r\n"), {
    method: "M-SEARCH",
    path: "*",
    host: "239.255.255.250:1900",
  });
});

Deno.test("readHttp() reads on over blanks and empty lines that others forgive", () => {
  const head = "Host: a\r\n\r\n";
  const lines = [
    "GET / HTTP/1.1 ",
    "GET / HTTP/1.1 \t ",
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    "\r\nGET / HTTP/1.1",
    "\n\nGET / HTTP/1.1",
  ];
  for (const line of lines) {
    deepStrictEqual(read(`${line}\r\n${head}`), { method: "GET", path: "/", host: "a" }, line);
    const bytes = ascii(`${line}\r\n${head}`);
    strictEqual(findHeadEnd(bytes, 0, bytes.length), bytes.length, line);
  }
});

Deno.test("readHttp() bounds its strings and makes them safe to print", () => {
  const long = read(`GET /${"p".repeat(999)} HTTP/1.1\r\nHost: ${"h".repeat(999)}\r\n\r\n`);
  strictEqual(long?.path?.length, 256);
  strictEqual(long?.host?.length, 255);
  const nasty = read("GET /\x1b[2J HTTP/1.1\r\nHost: \x1b[31m<script>\xff\r\n\r\n");
  strictEqual(nasty?.host, "\\x1b[31m<script>\\xff");
  strictEqual(nasty?.path, "/\\x1b[2J");
});

Deno.test("readLineProtocol() tells HTTP from SIP, RTSP and other text", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["GET / HTTP/1.1\r\n", LineProtocol.http],
    ["HTTP/1.0 200 OK\r\n", LineProtocol.http],
    ["GET /cut-off-line", LineProtocol.http],
    ["OPTIONS rtsp://h/x RTSP/1.0\r\n", LineProtocol.rtsp],
    ["RTSP/1.0 200 OK\r\n", LineProtocol.rtsp],
    ["INVITE sip:a@b SIP/2.0\r\n", LineProtocol.sip],
    ["SIP/2.0 200 OK\r\n", LineProtocol.sip],
    ["hello world and more\r\n", LineProtocol.none],
    ["GE", LineProtocol.none],
    ["Host: a HTTP/1.1\r\n", LineProtocol.none],
    ["EHLO mail.example\r\n", LineProtocol.none],
  ];
  for (const [text, expected] of cases) {
    const bytes = ascii(text);
    strictEqual(readLineProtocol(bytes, 0, bytes.length), expected, text);
  }
});

Deno.test("every shorter prefix of a request says part of the same, and its head is not whole", () => {
  const bytes = ascii(request);
  const headEnd = request.indexOf("\r\n\r\n") + 4;
  const hostEnd = request.indexOf(" \r\nHost: second");
  for (let length = 0; length < bytes.length; length++) {
    const details = readHttp(bytes, 0, length);
    if (length >= hostEnd) strictEqual(details?.host, "www.example.com:8080", `${length}`);
    strictEqual(findHeadEnd(bytes, 0, length), length >= headEnd ? headEnd : -1, `${length}`);
  }
});

Deno.test("random text never throws, and what is behind the end does not matter", () => {
  const piece = fc.constantFrom(
    "GET ",
    "/",
    " HTTP/1.1",
    "\r\n",
    "\n",
    "Host:",
    "User-Agent: ",
    " ",
  );
  const text = fc.array(fc.oneof(piece, fc.string({ maxLength: 8 })), { maxLength: 20 });
  fc.assert(
    fc.property(text, (parts) => {
      const bytes = ascii(parts.join(""));
      const around = join(bytes, ascii("\r\nHost: evil\r\n\r\n"));
      const details = readHttp(bytes, 0, bytes.length);
      deepStrictEqual(readHttp(around, 0, bytes.length), details);
      for (const value of Object.values(details ?? {})) ok(/^[\x20-\x7e]*$/.test(String(value)));
    }),
    { numRuns: 3000 },
  );
});
