import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { LoginOutcome } from "../records.ts";
import { type LoginVerdict, SshLogin } from "./ssh_login.ts";
import { CIPHERS, cutTalk, SshTalk, type TalkSegment } from "./testing/ssh_talk.ts";

const { refused, accepted, session } = LoginOutcome;
const every = "publickey,password,keyboard-interactive";

/** What a client and a server do after the key exchange, and what is to be told of it. */
const talks: Record<string, readonly [(talk: SshTalk) => void, LoginVerdict | null]> = {
  "nothing but the service": [() => {}, null],
  "one password": [(talk) => talk.refuse(70), { outcome: refused, refused: 1 }],
  "the question for methods": [(talk) => talk.refuse(43), { outcome: refused, refused: 1 }],
  "three passwords after the question": [(talk) => {
    for (const request of [43, 120, 120, 120]) talk.refuse(request, every);
  }, { outcome: refused, refused: 3 }],
  "three passwords without the question": [(talk) => {
    for (const request of [120, 120, 120]) talk.refuse(request);
  }, { outcome: refused, refused: 3 }],
  "a server with passwords alone": [(talk) => {
    for (const request of [43, 120, 120]) talk.refuse(request, "password");
  }, { outcome: refused, refused: 2 }],
  "five keys, and a farewell": [(talk) => {
    for (const request of [43, 110, 110, 110, 110, 110]) talk.refuse(request, "publickey");
    talk.ask(110, 80);
  }, { outcome: refused, refused: 5 }],
  "questions and answers": [(talk) => {
    talk.refuse(43, every);
    for (let time = 0; time < 3; time++) {
      talk.ask(66, 75);
      talk.refuse(40, every);
    }
  }, { outcome: refused, refused: 3 }],
  "a key that works": [(talk) => {
    talk.refuse(43);
    talk.ask(110, 71);
    talk.accept(270);
    talk.work();
  }, { outcome: session, refused: 0 }],
  "a password that works at once": [(talk) => {
    talk.accept(70);
    talk.work();
  }, { outcome: session, refused: 0 }],
  "a password that is right in the end": [(talk) => {
    for (const request of [43, 120, 120]) talk.refuse(request, every);
    talk.accept(120);
    talk.work();
  }, { outcome: session, refused: 2 }],
  "a password that was found": [(talk) => {
    for (const request of [43, 90]) talk.refuse(request, every);
    talk.accept(90);
    talk.say(true, talk.encrypted(30));
    talk.say(false, talk.encrypted(500));
  }, { outcome: accepted, refused: 1 }],
  "a found password, and host keys at once": [(talk) => {
    for (const request of [43, 90]) talk.refuse(request, every);
    talk.accept(90);
    talk.say(false, talk.encrypted(84));
  }, { outcome: accepted, refused: 1 }],
  "a server that names no method": [(talk) => {
    for (const request of [43, 120, 120, 120]) talk.refuse(request, "");
  }, null],
  "typing, where the answer to the login went another way": [(talk) => {
    talk.refuse(43, every);
    for (const [request, answer] of [[110, 71], [270, 600], [24, 17], [200, 5]]) {
      talk.ask(request, answer);
    }
    for (let key = 0; key < 30; key++) talk.ask(10, 10);
  }, null],
  "the same, with longer answers": [(talk) => {
    talk.refuse(43, every);
    for (let key = 0; key < 30; key++) talk.ask(10, 44);
  }, null],
  "what looks like no login": [(talk) => {
    for (let size = 20; size < 200; size += 16) talk.ask(100, size + 17);
  }, null],
};

Deno.test("SshLogin tells what came of a login, whatever the cipher", () => {
  for (const cipher of CIPHERS) {
    for (const hasLateExtensions of [false, true]) {
      for (const [name, [act, expected]] of Object.entries(talks)) {
        const talk = new SshTalk({ cipher, hasLateExtensions });
        act(talk);
        const told = verdictOf(talk, talk.segments);
        const label = `${name}, ${cipher.name}, ${hasLateExtensions}`;
        // Hidden behind the extensions.
        const isHidden = hasLateExtensions && name === "a password that works at once";
        // A short answer may pass for the one that was not seen, and it is a session.
        const isSession = name.startsWith("typing") && told?.outcome === session;
        if (isHidden) strictEqual(told, null, label);
        else if (name === "a server that names no method" && told !== null) {
          deepStrictEqual(told, { outcome: refused, refused: 3 }, label);
        } else if (isSession) strictEqual(told.refused, 0, label);
        else if (told?.outcome === accepted && hasLateExtensions) {
          strictEqual(told.refused, 0, label);
        } else deepStrictEqual(told, expected, label);
      }
    }
  }
});

Deno.test("SshLogin says the same however what is encrypted comes, and with one direction alone", () => {
  const order = fc.array(fc.nat(3), { minLength: 5, maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...CIPHERS), fc.constantFrom(...Object.keys(talks)), order, (
      cipher,
      name,
      moves,
    ) => {
      const talk = new SshTalk({ cipher });
      talks[name][0](talk);
      const expected = verdictOf(talk, talk.segments);
      // The directions of a capture are apart by some segments, and some come twice.
      const segments = talk.segments.flatMap((segment, at) =>
        at % 4 === 1 ? [segment, segment] : segment
      )
        .map((segment, at) => ({
          segment,
          at: segment.isClient ? at : at + moves[at % moves.length],
        }));
      let last = 0;
      for (const each of segments) {
        if (!each.segment.isClient) last = each.at = Math.max(last, each.at);
      }
      const moved = segments.sort((a, b) => a.at - b.at).map(({ segment }) => segment);
      deepStrictEqual(verdictOf(talk, moved), expected, name);
      if (expected?.outcome !== refused) return;
      const ofClient = talk.segments.filter(({ isClient }) => isClient);
      // The last answer shows in nothing that the client sent.
      const alone = verdictOf(talk, ofClient);
      if (alone !== null) strictEqual(alone.refused <= expected.refused, true);
    }),
    { numRuns: 300 },
  );
});

Deno.test("SshLogin never takes cut answers for an accepted login", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CIPHERS),
      fc.array(fc.nat(900), { maxLength: 6 }),
      (cipher, cuts) => {
        const talk = new SshTalk({ cipher });
        const from = talk.segments.at(-1)!.offset;
        for (const request of [43, 120, 120, 120]) talk.refuse(request, every);
        const told = verdictOf(talk, cutTalk(talk.segments, cuts.map((cut) => from + cut)));
        strictEqual(told?.outcome ?? refused, refused);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("SshLogin judges nothing where the first answers went another way", () => {
  const login = new SshLogin(0, -1);
  login.addClient(0, 64, 42);
  login.addClient(64, 1000, 42);
  for (let key = 0; key < 30; key++) {
    login.addServer(42 + key * 48, 48);
    login.addClient(1064 + key * 120, 120, 90 + key * 48);
  }
  login.end();
  strictEqual(login.verdict(), null);
});

Deno.test("SshLogin tells long guessing in one connection in parts", () => {
  const talk = new SshTalk();
  for (let guess = 0; guess <= 200; guess++) talk.refuse(guess === 0 ? 43 : 120, every);
  const login = begin(talk);
  let sum = 0;
  for (const segment of talk.segments) {
    add(login, segment);
    if (!login.isDecided) continue;
    sum += login.verdict()!.refused;
    strictEqual(login.goOn(), true);
  }
  login.end();
  strictEqual(sum + login.verdict()!.refused, 200);
});

function verdictOf(talk: SshTalk, segments: readonly TalkSegment[]): LoginVerdict | null {
  const login = begin(talk);
  for (const segment of segments) add(login, segment);
  login.end();
  return login.verdict();
}

/** Without knowing where the server's keys are in use. */
function begin(talk: SshTalk): SshLogin {
  const newKeys = talk.segments[talk.plainCount - 1];
  return new SshLogin(newKeys.offset + 16, -1);
}

function add(login: SshLogin, { isClient, offset, bytes, acknowledged }: TalkSegment): void {
  if (isClient) login.addClient(offset, bytes.length, acknowledged);
  else login.addServer(offset, bytes.length);
}
