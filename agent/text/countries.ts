const regions = new Intl.DisplayNames("en", { type: "region" });

/** "Germany" of "DE"; the code itself where it is not known, "" of "". */
export function countryName(code: string): string {
  return code === "" ? "" : regions.of(code) ?? code;
}
