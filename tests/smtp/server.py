"""A mail server on loopback for tests/smtp: aiosmtpd, which prints each mail that it takes as a line of JSON.

Arguments: a mode (plain, starttls, tls), the certificate and its key. Its first line is the port.
"""

import asyncio
import json
import signal
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

MODE, CERTIFICATE, KEY = sys.argv[1:4]


def say(value):
    print(json.dumps(value), flush=True)


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("stranger@"):
            return "553 5.7.1 sender not allowed"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "user": session.auth_data,
            "mail": envelope.content.decode("ascii"),
        })
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"backup", b"5ecret")
    # handled=False: the server itself writes the refusal.
    return AuthResult(success=good, handled=False, auth_data=data.login.decode())


async def main():
    context = None
    if MODE != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE, KEY)
    from_start = MODE == "tls"
    loop = asyncio.get_running_loop()

    def connection():
        return SMTP(
            Keeper(),
            hostname="localhost",
            tls_context=None if from_start else context,
            require_starttls=MODE == "starttls",
            authenticator=authenticate,
            auth_required=MODE != "plain",
            # With TLS from the start aiosmtpd does not know that the connection is encrypted.
            auth_require_tls=not from_start,
            loop=loop,
        )

    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=context if from_start else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    # The test sends a byte to learn what has arrived so far, and closes standard input when it ends.
    loop.add_reader(sys.stdin, lambda: say(None) if sys.stdin.buffer.read1(1) else sys.exit(0))
    await server.serve_forever()


signal.signal(signal.SIGINT, signal.SIG_DFL)
asyncio.run(main())
