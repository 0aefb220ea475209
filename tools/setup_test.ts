import { match, strictEqual } from "node:assert/strict";
import { installHint } from "./setup.ts";

const row = { isPresent: () => false };
const missing = [
  {
    apt: "tshark",
    dnf: "wireshark-cli",
    pacman: "wireshark-cli",
    apk: "tshark",
    brew: "",
    ...row,
  },
  {
    apt: "argus-client",
    dnf: "argus",
    pacman: "argus",
    apk: "",
    brew: "argus",
    ...row,
  },
  {
    apt: "argus-server",
    dnf: "argus",
    pacman: "argus",
    apk: "",
    brew: "argus",
    ...row,
  },
];

Deno.test("installHint() names each package once, as the package manager at hand calls it", () => {
  strictEqual(
    installHint(missing, ["dnf"]),
    "To install it:\n  sudo dnf install -y wireshark-cli argus",
  );
  strictEqual(
    installHint(missing, ["brew"]),
    "To install it:\n  brew install argus",
  );
});

Deno.test("installHint() gives every command where no package manager is known", () => {
  const hint = installHint(missing, []);
  for (
    const command of [
      "apt-get install",
      "dnf install",
      "pacman -S",
      "apk add",
      "brew install",
    ]
  ) {
    match(hint, new RegExp(command));
  }
});

Deno.test("setup refuses an unknown purpose with status 2", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-lock",
      new URL("setup.ts", import.meta.url).pathname,
      "play",
    ],
  }).output();
  strictEqual(code, 2);
  match(new TextDecoder().decode(stderr), /Usage: .*start\|test\|bench/);
});
