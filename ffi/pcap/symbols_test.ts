import { match, ok, throws } from "node:assert/strict";
import { LibraryMissingError, libraryVersion, openLibrary, toCString } from "./symbols.ts";
import { testWithLibpcap } from "./testing.ts";

Deno.test("openLibrary() names what it tried when there is no libpcap", () => {
  const names = ["libtapwatch-absent.so.1", "libtapwatch-absent.so"];
  throws(() => openLibrary(names), (error) => {
    ok(error instanceof LibraryMissingError);
    ok(error.tried.join() === names.join());
    return true;
  });
});

Deno.test("openLibrary() does not take a library without libpcap's functions", {
  ignore: Deno.build.os !== "linux",
}, () => {
  throws(() => openLibrary(["libc.so.6"]), LibraryMissingError);
});

Deno.test("toCString() refuses a zero byte inside", () => {
  throws(() => toCString("a\0b"), TypeError);
});

testWithLibpcap("libraryVersion() is libpcap's own text", () => {
  match(libraryVersion(openLibrary()), /libpcap/);
});
