"""An SMTP server on loopback for tests: Debian's aiosmtpd. Says {"port": N} once it listens, then one JSON line for each mail
that it has taken, parsed by Python's email package, and one for each try that it has turned away.

usage: mail_server.py [--port N] [--tls none|starttls|implicit] [--cert FILE --key FILE] [--auth USER:PASSWORD] [--behave WORDS]
WORDS, with commas, one for each mail in turn, the last for all others: ok, 451 (later), 550 (refused), hang (takes no mail and never
answers), late (takes the mail and never answers), drop (closes after DATA), cut (closes in the middle of DATA)
"""
import argparse, asyncio, base64, email, email.policy, json, ssl, sys, time
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--tls", default="none")
parser.add_argument("--cert"); parser.add_argument("--key"); parser.add_argument("--auth")
parser.add_argument("--behave", default="ok")
options = parser.parse_args()
behaviours = options.behave.split(",")
tries = 0

def say(**fields):
    print(json.dumps(fields), flush=True)

def parsed(content):
    message = email.message_from_bytes(content, policy=email.policy.default)
    parts = [{"type": part.get_content_type(), "name": part.get_filename(),
              "text": part.get_content() if part.get_content_maintype() == "text" else None,
              "bytes": len(part.get_payload(decode=True) or b""),
              "base64": base64.b64encode(part.get_payload(decode=True) or b"").decode() if part.get_content_maintype() == "application" else None}
             for part in message.walk() if not part.is_multipart()]
    return {"headers": [[name, str(value)] for name, value in message.items()], "parts": parts,
            "defects": [repr(defect) for defect in message.defects]}

class Server(SMTP):
    async def smtp_DATA(self, arg):
        global tries
        if behaviours[min(tries, len(behaviours) - 1)] != "cut":
            return await super().smtp_DATA(arg)
        tries += 1
        await self.push("354 go on")
        await self._reader.readline()
        say(turned_away="cut")
        self.transport.abort()

class Handler:
    async def handle_DATA(self, server, session, envelope):
        global tries
        word = behaviours[min(tries, len(behaviours) - 1)]
        tries += 1
        if word in ("ok", "late"):
            say(taken=parsed(envelope.content), at=time.time(), to=envelope.rcpt_tos, tls=server.transport.get_extra_info("sslcontext") is not None, user=session.auth_data is not None)
            if word == "late":
                await asyncio.sleep(3600)
            return "250 taken"
        say(turned_away=word)
        if word == "hang":
            await asyncio.sleep(3600)
        if word == "drop":
            server.transport.abort()
            return "421 gone"
        return f"{word} by order of the test"

def authenticate(server, session, envelope, mechanism, data):
    user, password = options.auth.split(":")
    is_right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (user, password)
    return AuthResult(success=is_right, auth_data=data if is_right else None, handled=False)

context = None
if options.tls != "none":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)

def protocol():
    auth = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": options.tls == "starttls"} if options.auth else {}
    if options.tls == "starttls":
        return Server(Handler(), hostname="localhost", tls_context=context, require_starttls=True, enable_SMTPUTF8=True, **auth)
    return Server(Handler(), hostname="localhost", enable_SMTPUTF8=True, **auth)

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", options.port, ssl=context if options.tls == "implicit" else None)
    say(port=server.sockets[0].getsockname()[1])
    # The test ends by closing standard input.
    await loop.run_in_executor(None, sys.stdin.read)
    sys.exit(0)

asyncio.run(main())
