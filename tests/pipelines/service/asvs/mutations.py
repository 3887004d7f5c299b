"""Protections and how each is taken out: number of a requirement to a file, its words, and others.

With the words replaced, a test of the requirement must fail.
"""

from tests.pipelines.service.asvs.documented import DOCUMENTED

S = "pipelines/service"
WIRE, GUARD, APP, LOGS = (f"{S}/{name}.py" for name in ("wire", "guard", "app", "logs"))
SETTINGS, SERVING = f"{S}/settings.py", f"{S}/serving.py"
SECRETS, PEOPLE = f"{S}/accounts/secrets.py", f"{S}/accounts/people.py"
PROVIDER, RULES = f"{S}/accounts/provider.py", f"{S}/accounts/access.py"
COMMON, SESSIONS = f"{S}/accounts/common.py", f"{S}/accounts/sessions.py"
SESSION, AREAS = f"{S}/routes/session.py", f"{S}/desk/areas.py"
LOG, ADMINISTRATION = f"{S}/desk/access_log.py", f"{S}/desk/administration.py"
SIGN_IN, BASE = f"{S}/pages/templates/sign_in.html.j2", f"{S}/pages/templates/base.html.j2"
NGINX, ASK = "deploy/nginx/minerisk.conf", "front/source/ask.js"
PAGE, RECORD = "pipelines/language/page.py", "pipelines/records/record.py"

ESCAPING = (PAGE, "escape_word(plain_message(value))", "Markup(plain_message(value))")
ONLY_OWN = (WIRE, "default-src 'none'; script-src 'self'",
            "default-src 'self'; script-src 'self' 'unsafe-inline'")  # fmt: skip
COOKIE = 'COOKIE_WORDS = "Path=/; Secure; HttpOnly; SameSite=Strict"'
PLAIN_NAME = (AREAS, 're.sub(r"[^\\w.-]+", "_", plain[: -len(suffix)]).strip("._")',
              "plain[: -len(suffix)]")  # fmt: skip
SCRIPT = "const DIGITS = 6;"
NO_CHANCE = (SECRETS, "secrets.token_urlsafe(32)", "secrets.token_urlsafe(8)")
ANY_KEY = (
    PROVIDER,
    "jwt.decode(token.id_token, self._key_set(anew=True), ALGORITHMS)",
    '__import__("types").SimpleNamespace(header={"alg": "ES256"}, claims=__import__("json").loads('
    '__import__("base64").urlsafe_b64decode(token.id_token.split(".")[1] + "==")))',
)
CALLING = (
    APP,
    "    app.state.desk = desk\n",
    "    app.state.desk = desk\n    import socket\n\n"
    '    socket.socket().connect_ex(("192.0.2.1", 9))\n',
)
DATABASE = (
    SETTINGS, "if self.database is not None and not is_closed_database(self.database):", "if False:"
)  # fmt: skip
TELLING = (APP, "    tell_refusal(request, ", "    (lambda *_: None)(request, ")
FOREIGN = (GUARD, 'if not same(request.headers.get(FORM, ""), expected):', "if False:")
MIXED = (RECORD, 'extra="forbid"', 'extra="ignore"')
SOCKET = (SERVING, "before = os.umask(0o117)", "before = os.umask(0)")
BY_ROLE = (GUARD, "if not rule.roles & caller.roles:", "if False:")
SEEING = (RULES, '"GET /api/runs": _of(M, D, R, scope', '"GET /api/runs": _of(M, D, R, A, scope')
PLAINLY = (LOGS, "plain_message(record.getMessage())", "record.getMessage()")
GIVEN = (
    SESSION,
    "wrong = prove(account, given.password, desk.settings.limits, at=desk.clock())\n"
    '        secret = ""',
    'wrong = None\n        secret = ""',
)
HASH = (SECRETS, "hashlib.sha256(word.encode())", "hashlib.md5(word.encode())")
DEVELOPING = (APP, "docs_url=None,", 'docs_url="/docs",')
NO_RULE = (GUARD, "NO_RULE = Rule()", "NO_RULE = Rule(anyone=True)")
AUDIENCE = (PROVIDER, '"aud": {**named, "value": self.settings.client_id},', '"aud": {},')
NONCE = (PROVIDER, 'params = {"nonce": flow.nonce, ', "params = {")
STATE = (f"{S}/pages/elsewhere.py", 'if not word or not same(state or "", Flow.of(word).state):',
         "if not word:")  # fmt: skip
BY_NAME = (PEOPLE, "Account.issuer == person.issuer, Account.subject == person.subject",
           "Account.name == person.name")  # fmt: skip
NO_END = (PROVIDER, "place = self.service().end_session_endpoint", "place = None")

MUTATIONS: dict[str, tuple[str, str, str]] = {
    **{number: ("docs/security.md", words, "") for number, words in DOCUMENTED.items()},
    "1.1.1": PLAIN_NAME, "1.1.2": ESCAPING, "1.2.1": ESCAPING, "1.3.7": ESCAPING,
    "1.2.2": (ASK, SCRIPT, SCRIPT + " eval(name);"),
    "1.2.3": (BASE, 'type="application/json" id="words"', 'id="words"'),
    "1.2.4": (LOG, 'text("SELECT pg_advisory_xact_lock(:lock)")',
              'text(f"SELECT pg_advisory_xact_lock({LOCK})")'),
    "1.2.5": (SERVING, "env=environment, stdin=", "env=environment, shell=True, stdin="),
    "1.3.2": (f"{S}/upkeep.py", "DAY_S = 86_400.0", 'DAY_S = eval("86_400.0")'),
    "1.3.3": ("minerisk/plain_text.py", "\\u202a-\\u202e", ""),
    "1.3.10": PLAINLY, "16.4.1": PLAINLY,
    "1.5.1": (f"{S}/desk/kml.py", 'if b"<!DOCTYPE" in content or', 'if False and'),
    "1.5.2": (f"{S}/upkeep.py", "DAY_S = 86_400.0",
              'DAY_S = 86_400.0 if True else pickle.loads(b"")'),
    "2.2.1": MIXED, "15.3.3": MIXED, "15.3.5": MIXED, "8.2.3": MIXED,
    "2.3.2": (f"{S}/desk/requests.py", "    _refuse_more(desk, session, caller)\n", ""),
    "2.4.1": (GUARD, "if wait:", "if False:"),
    "3.2.2": ESCAPING,
    "3.3.1": (WIRE, COOKIE, COOKIE.replace(" Secure;", "")),
    "3.3.2": (WIRE, COOKIE, COOKIE.replace("Strict", "None")),
    "3.3.3": (WIRE, 'COOKIE = "__Host-desk"', 'COOKIE = "desk"'),
    "3.3.4": (WIRE, COOKIE, COOKIE.replace(" HttpOnly;", "")),
    "3.4.1": (WIRE, "; includeSubDomains", ""),
    "3.4.2": (WIRE, '"X-Content-Type-Options"',
              '"Access-Control-Allow-Origin": "*", "X-Content-Type-Options"'),
    "3.4.3": ONLY_OWN, "3.7.1": ONLY_OWN, "14.2.3": ONLY_OWN,
    "3.4.4": (WIRE, '"nosniff"', '"sniff"'),
    "3.4.5": (WIRE, '"no-referrer"', '"unsafe-url"'),
    "3.4.6": (WIRE, "frame-ancestors 'none'", "frame-ancestors *"),
    "3.5.1": (GUARD, "if request.method in CHANGES:", "if False:"),
    "3.5.2": FOREIGN,
    "3.5.5": (ASK, SCRIPT, SCRIPT + ' postMessage("x", "*");'),
    "3.7.2": (PROVIDER, "self.service().authorization_endpoint,", '"https://evil.example/auth",'),
    "4.1.1": (APP, "media_type=PROBLEM_JSON", 'media_type="text/plain"'),
    "4.1.2": (NGINX, "        return 403;", "        return 301 https://desk.example.org/;"),
    "4.1.3": (GUARD, 'if not same(request.headers.get(PROXY, ""), desk.proxy_secret):',
              "if False:"),
    "5.2.1": (WIRE, "return self.limits.upload_bytes if upload else self.limits.body_bytes",
              "return 10**12"),
    "5.2.2": (AREAS, "if suffix not in KINDS:", "if False:"),
    "5.2.3": (AREAS, "if len(entries) > MOST_PARTS or whole > MOST_UNPACKED:", "if False:"),
    "5.3.1": PLAIN_NAME, "5.3.2": PLAIN_NAME,
    "6.2.1": (SECRETS, "LEAST = 12", "LEAST = 4"),
    "6.2.2": (SESSION, "set_password(session, account, given.new)", "pass"),
    "6.2.3": (SESSION, "wrong = prove(account, given.old,",
              "wrong = None if True else prove(account, given.old,"),
    "6.2.4": (COMMON, "return digest_of(password) in _common()", "return False"),
    "6.2.12": (COMMON, "return digest_of(password) in _common()", "return False"),
    "6.2.5": (SECRETS, "or is_common(password)", "or is_common(password) or password.islower()"),
    "6.2.6": (SIGN_IN, 'type="password"', 'type="text"'),
    "6.2.7": (SIGN_IN, 'autocomplete="current-password"', 'autocomplete="off"'),
    "6.2.8": (SECRETS, "verify(kept or _NOBODY, password)",
              "verify(kept or _NOBODY, password.strip())"),
    "6.2.9": (SECRETS, "MOST = 256", "MOST = 32"),
    "6.2.10": (PEOPLE, "right = is_password(given.password, account.password)",
               "right = is_password(given.password, account.password) and "
               "at - account.created_at < 1e7"),
    "6.2.11": (SECRETS, "for word in (*_COMMON, name.casefold()):", "for word in ():"),
    "6.3.1": (PEOPLE, "    if account.locked_until > at:\n        return DeskCode.LOCKED_OUT\n"
              "    right", "    right"),
    "6.3.3": (PEOPLE, 'return roles if settings.second_factor == "everybody" else roles & STRONG',
              "return roles & STRONG"),
    "6.3.4": (SETTINGS, "if self.oidc is not None and self.proxy is not None and",
              "if False and"),
    "6.4.1": (GUARD, "if found.first and not rule.first:", "if False:"),
    "6.4.2": (SIGN_IN, '<div class="problem"', '<p>Password hint</p><div class="problem"'),
    "6.4.3": (ADMINISTRATION, "    if given.password is not None:\n        _refuse",
              "    if given.password is not None:\n        account.totp_confirmed = False\n"
              "        _refuse"),
    "6.5.1": (SECRETS, "if tried > after and", "if"),
    "6.5.3": (SECRETS, "pyotp.random_base32()", '"A" * 32'),
    "6.8.1": BY_NAME, "10.5.2": BY_NAME,
    "6.8.2": ANY_KEY, "9.1.1": ANY_KEY, "9.1.3": ANY_KEY,
    "6.8.4": (PROVIDER, "bool(_words(claim_at(claims, known.factor_claim)) & "
              "set(known.factor_values)),", "True,"),
    "7.2.2": (SECRETS, "secrets.token_urlsafe(32)", '"a" * 43'),
    "7.2.3": NO_CHANCE, "11.5.1": NO_CHANCE, "11.2.3": NO_CHANCE,
    "7.2.4": (SESSION, "end_session(session, known.word)", "pass"),
    "7.3.1": (SESSIONS, "at - row.seen_at > limits.idle_seconds or ", ""),
    "7.3.2": (SESSIONS, " or at - row.created_at > limits.session_seconds", ""),
    "7.4.1": (SESSIONS, "session.execute(delete(SignedIn).where(SignedIn.digest == digest(word)))",
              "digest(word)"),
    "7.4.3": (PEOPLE, "    account.first_until = first_until\n    end_all(session, account)\n",
              "    account.first_until = first_until\n"),
    "7.4.4": (BASE, "DELETE /api/session", "DELETE /api/nothing"),
    "7.4.5": (ADMINISTRATION, "    if given.end_sessions:\n        end_all(session, account)\n",
              ""),
    "7.5.1": GIVEN,
    "7.5.2": (SESSION, "            end_sessions(session, account)\n            note(session, "
              'caller.name, "end sessions"',
              '            note(session, caller.name, "end sessions"'),
    "7.6.1": NO_END,
    "7.6.2": STATE, "10.1.2": STATE, "10.2.1": STATE,
    "8.2.1": BY_ROLE,
    "8.2.2": (f"{S}/routes/areas.py", "row is None or row.account_id != caller_of(request).id",
              "row is None"),
    "8.3.1": NO_RULE, "16.5.3": NO_RULE,
    "9.2.1": (PROVIDER, "leeway=LEEWAY_S", "leeway=10**9"),
    "9.2.2": NONCE, "10.5.1": NONCE,
    "9.2.3": AUDIENCE, "10.5.4": AUDIENCE,
    "10.1.1": (f"{S}/store/models.py", "    title: Mapped[str] = mapped_column(String(200))\n"
               "    scopes", "    title: Mapped[str] = mapped_column(String(200))\n"
               "    id_token: Mapped[str] = mapped_column(String(200))\n    scopes"),
    "10.2.2": (PROVIDER, "if stated is not None and not same(stated, service.issuer):",
               "if False:"),
    "10.3.2": (GUARD, "if scopes is not None and (rule.scope is None or rule.scope not in scopes):",
               "if False:"),
    "10.5.3": (PROVIDER, "if found.issuer != issuer:", "if False:"),
    "11.2.1": (SECRETS, "import hmac\n", "import hmac\nif False:\n    import rsa\n"),
    "11.2.2": (PEOPLE, "if is_outdated(account.password):", "if False:"),
    "11.4.1": HASH, "11.4.3": HASH,
    "11.4.2": (SECRETS, "return PasswordHasher().hash(password)",
               "return PasswordHasher(time_cost=1, memory_cost=64).hash(password)"),
    "12.1.1": (NGINX, "ssl_protocols TLSv1.2 TLSv1.3;", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;"),
    "12.1.2": (NGINX, "ssl_ciphers ", "ssl_ciphers AES128-SHA:"),
    "12.2.1": (SETTINGS, "if not is_loopback(self.host) and self.tls is None and self.proxy is "
               "None:", "if False:"),
    "12.3.1": DATABASE,
    "12.3.2": (SETTINGS, '== ["verify-full"]', "!= []"),
    "12.3.3": SOCKET, "13.2.1": SOCKET,
    "12.3.4": (PROVIDER, "if settings.ca_file is not None:", "if False:"),
    "13.2.4": CALLING, "13.2.5": CALLING, "16.2.3": CALLING,
    "13.3.2": (SERVING, "settings.home.mkdir(mode=FOLDER,", "settings.home.mkdir(mode=0o755,"),
    "13.4.1": DEVELOPING, "13.4.2": DEVELOPING, "13.4.3": DEVELOPING,
    "13.4.5": (RULES, '"GET /api/openapi.json": ', '"GET /api/openapi.json": ANYONE or '),
    "14.2.1": (GUARD, 'request.headers.get("authorization", "")',
               '("Bearer " + request.query_params["token"] if "token" in request.query_params '
               'else request.headers.get("authorization", ""))'),
    "14.2.2": (WIRE, '"Cache-Control": "no-store"', '"Cache-Control": "private"'),
    "14.3.2": (WIRE, '"Cache-Control": "no-store"', '"Cache-Control": "private"'),
    "14.2.4": SEEING, "15.3.1": SEEING,
    "14.3.1": (WIRE, 'headers["Clear-Site-Data"]', 'headers["X-Nothing"]'),
    "14.3.3": (ASK, SCRIPT, SCRIPT + " localStorage.x = 1;"),
    "15.1.2": ("requirements.lock", "--hash=sha256:", "# "),
    "15.2.2": (WIRE, "began + BODY_S + count / BODY_RATE if more else math.inf", "math.inf"),
    "15.2.3": ("pyproject.toml", "serve = [", 'serve = ["pytest",'),
    "15.3.2": (PROVIDER, "timeout=PATIENCE_S\n            ) as client:",
               "timeout=PATIENCE_S, follow_redirects=True\n            ) as client:"),
    "15.3.4": (NGINX, "X-Forwarded-For $remote_addr;",
               "X-Forwarded-For $proxy_add_x_forwarded_for;"),
    "15.3.6": (ASK, SCRIPT, SCRIPT + " found.__proto__ = given;"),
    "16.2.2": (LOGS, "time_of(record.created)",
               "time_of(record.created).astimezone(__import__('zoneinfo').ZoneInfo('Asia/Baku'))"),
    "16.2.4": (LOGS, "return json.dumps(line, ensure_ascii=False)", "return str(line)"),
    "16.2.5": (LOGS, 'getattr(route, "path", "an address that there is not")',
               "request.url.path"),
    "16.3.1": (SESSION, 'note(session, None, "sign in refused", "", name=given.name[:100])',
               "pass"),
    "16.3.2": TELLING, "16.3.3": TELLING,
    "16.3.4": (LOGS, 'line["exception"] = kind.__name__', "pass"),
    "16.4.2": (f"{S}/migrations/versions/first_tables.py",
               "SELECT RAISE(ABORT, 'the access log is only added to')", "SELECT 1"),
    "16.5.1": (APP, "DeskCode.FAULT, reference=reference", "DeskCode.FAULT, reference=str(error)"),
}  # fmt: skip
