import { strictEqual, throws } from "node:assert/strict";
import { patchFrappe } from "./frappe_patch.ts";

const source = `function other(o) {
	element.setAttribute(i, val);
}
function createSVG(tag, o) {
	for (var i in o) {
		element.setAttribute(i, val);
	}
}
`;

Deno.test("patchFrappe() sets styles of createSVG() through the CSSOM", () => {
  strictEqual(
    patchFrappe(source),
    `function other(o) {
	element.setAttribute(i, val);
}
function createSVG(tag, o) {
	for (var i in o) {
		if (i === "style") element.style.cssText = val; else element.setAttribute(i, val);
	}
}
`,
  );
});

Deno.test("patchFrappe() fails when the library's text is another", () => {
  throws(() => patchFrappe(source.replace("createSVG", "makeSVG")), /does not look as in 1\.6\.2/);
  throws(
    () => patchFrappe(source.replaceAll("setAttribute", "set")),
    /does not look as in 1\.6\.2/,
  );
});
