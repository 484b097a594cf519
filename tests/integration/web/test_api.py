"""The API: its own description judges it, by requests that schemathesis makes; tokens see one fleet and end."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import schemathesis
import sqlalchemy as sa
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from werkzeug.test import TestResponse

from bot.cli.main import aios_bot
from bot.domain.names import DeliveryId, RepoName
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import AuditTrail
from bot.features.fleets.store import PinStore
from bot.features.holds.store import HoldStore
from bot.features.rollout.store import RolloutStore
from bot.features.visitors.store import TOKENS, TokenStore
from bot.github.id_tokens import IdTokens, derive_issuer
from bot.queue import lanes
from bot.queue.inbox import Inbox
from bot.queue.lanes import Burst, Delivery, QueuedJob
from bot.service.database import open_store
from bot.storage.store import Store, now_ms
from bot.web.api.operations import OPERATIONS, PREFIX
from sandbox.github import EmbeddedGitHub
from tests.browser.plan_states import ATTACKED, WAITING
from tests.browser.states import fill
from tests.integration.postgres import make_database, postgres_server
from tests.queueing import make_app, make_guard, make_locked_app
from tests.unit.features.visitors.test_visitors import pin

FLEET, OTHER, HOSTILE = RepoName("acme/aios-failing"), RepoName("acme/aios-calm"), RepoName("acme/aios-hostile")
KNOWN = {"owner": "acme", "name": "aios-hostile", "node": "AIOS", "stack": "ingress", "plan": ATTACKED}
MOST_RUNS = 50
REQUESTS = int(os.environ.get("AIOS_BOT_API_REQUESTS", "500"))


class Api(NamedTuple):
    store: Store
    client: FlaskClient
    tokens: dict[RepoName, str]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('api') / 'aios-bot.sqlite3'}"
        else:
            url = make_database(stack.enter_context(postgres_server()), "api")
        with contextlib.closing(open_store(url)) as opened:
            yield opened


@pytest.fixture(scope="module")
def api(store: Store) -> Api:
    fill(store, RolloutStore(store, page_key=b"key"))
    for number, fleet in enumerate((FLEET, HOSTILE, OTHER)):
        for guid in range(3):
            job = QueuedJob(key=fleet, kind="fleet", body=f'{{"type":"fleet","fleet":"{fleet}","n":{guid}}}')
            given_ = Delivery(
                guid=DeliveryId(f"d{number}{guid}"), name="push", event="{}", action="", ignored="", jobs=(job,)
            )
            lanes.store_delivery(store, given_, Burst())
        for order in range(3):
            said = "/deploy Zebra <script>alert(1)</script> \u202e100%_"
            record = AuditRecord(
                what=Audited.ASKED, fleet=fleet, at="2026-11-28T12:00:00Z", actor="anna", said=said, order=order
            )
            AuditTrail(store).append(f"{fleet} {order}", record)
    tokens = {fleet: TokenStore(store).add(fleet, "a test", days=1) for fleet in (FLEET, HOSTILE)}
    return Api(store, make_locked_app(Inbox(store)).test_client(), tokens)


def call(api: Api, path: str, token: str | None = None, **headers: str) -> TestResponse:
    sent = api.tokens[FLEET] if token is None else token
    return api.client.get(path, headers={"Authorization": f"Bearer {sent}", **headers})


def read(api: Api, path: str) -> Any:
    answer = call(api, path)
    assert answer.status_code == 200, answer.data
    return answer.json


def every_page(api: Api, path: str, field: str) -> list[Any]:
    found: list[Any] = []
    address: str | None = path
    while address:
        page = read(api, address)
        found += page[field]
        address = page["next"]
    return found


def test_a_token_sees_its_own_fleet_and_no_other(api: Api) -> None:
    assert read(api, "/api/v1/fleets") == {
        "fleets": [{"name": FLEET, "url": f"/api/v1/fleets/{FLEET}"}],
        "complete": True,
        "next": None,
    }
    state = read(api, f"/api/v1/fleets/{FLEET}")
    assert state["gravity"] == "risky"
    assert "failed" in state["summary"]
    for operation in OPERATIONS[1:]:
        place = operation.path.replace("{node}", "AIOS").replace("{stack}", "ingress").replace("{plan}", WAITING)
        hidden, absent = (
            call(api, PREFIX + place.replace("{owner}/{name}", fleet)) for fleet in (OTHER, "acme/nothing")
        )
        assert (hidden.status_code, hidden.data) == (absent.status_code, absent.data)
        assert (hidden.status_code, hidden.mimetype) == (404, "application/problem+json")
    page = api.client.get(f"/fleets/{FLEET}", headers={"Authorization": f"Bearer {api.tokens[FLEET]}"})
    assert page.status_code == 303, "a token opens no page for people"


def test_nothing_is_read_without_a_token_and_nothing_written_with_one(api: Api) -> None:
    for path in ("/api/v1/fleets", f"/api/v1/fleets/{FLEET}", "/api/v1/fleets/acme/nothing/nodes"):
        for token in ("aiosbot_wrong", "", api.tokens[FLEET] + "x", "é"):
            answer = call(api, path, token)
            assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        refused = api.client.post(path, headers={"Authorization": f"Bearer {api.tokens[FLEET]}"})
        assert (refused.status_code, refused.mimetype) == (405, "application/problem+json")
        assert "GET" in refused.headers["Allow"]
    assert api.client.get("/api/v1/openapi.json").status_code == 200
    assert api.client.get("/api/v1/nothing").mimetype == "application/problem+json"


def test_a_fault_of_ours_is_a_problem_too_and_names_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the database")

    monkeypatch.setattr(HoldStore, "find_everything", fail)
    answer = call(api, f"/api/v1/fleets/{FLEET}")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert b"secret" not in answer.data


def test_an_answer_is_sent_again_only_when_it_changed(api: Api) -> None:
    path = f"/api/v1/fleets/{FLEET}/audit"
    tag = call(api, path).headers["ETag"]
    again = call(api, path, **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    AuditTrail(api.store).append("one more", AuditRecord(what=Audited.LOCKED, fleet=FLEET, at="2026-11-28T13:00:00Z"))
    assert call(api, path, **{"If-None-Match": tag}).status_code == 200


def test_lists_come_in_pages_and_each_entry_once(api: Api) -> None:
    home = f"/api/v1/fleets/{FLEET}"
    for place, field, key in (
        ("nodes", "nodes", "name"),
        ("stacks", "stacks", "name"),
        ("pulls", "pulls", "number"),
        ("plans", "plans", "pull"),
        ("orders", "orders", "number"),
        ("deliveries", "deliveries", "received_at"),
        ("audit", "records", "number"),
    ):
        whole = read(api, f"{home}/{place}?most=200")
        paged = every_page(api, f"{home}/{place}?most=1", field)
        assert paged == whole[field]
        assert len(paged) > 1, place
        assert whole["next"] is None
        keys = [one[key] for one in paged]
        assert keys == sorted(keys, reverse=place in ("orders", "deliveries", "audit"))
    for wrong in ("0", "201", "x", "-1", "²", "", "1e2", "99999999999999999999"):
        answer = call(api, f"{home}/orders?most={wrong}")
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
        assert "most must be a whole number from 1 to 200" in str(answer.json)
    for path, words in (
        (f"{home}?nod=1", "there is no parameter 'nod': there are none here"),
        (f"{home}/nodes?mots=1", "there is no parameter 'mots': there are most, after"),
        (f"{home}/nodes?most=1&most=2", "'most' is sent twice"),
    ):
        answer = call(api, path)
        assert (answer.status_code, (answer.json or {})["detail"]) == (400, words)


def test_fleets_come_in_pages(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    names = [RepoName(f"acme/f{number}") for number in range(5)]
    for name in names:
        PinStore(store).replace_pins(name, [pin(name)])
    client = make_app(Inbox(store), None).test_client()  # whose pages are open to this machine
    found, address = [], "/api/v1/fleets?most=2"
    while address:
        page = client.get(address).json
        assert page is not None
        assert len(page["fleets"]) <= 2
        found += [one["name"] for one in page["fleets"]]
        address = page["next"]
    assert found == names
    store.close()


def test_a_node_a_stack_and_an_order_are_as_on_their_pages(api: Api) -> None:
    home = f"/api/v1/fleets/{FLEET}"
    node = read(api, f"{home}/nodes/AIOS")
    (state,) = node["rollouts"]
    assert (state["standing"], state["behind"]) == ("failed", 4)
    assert state["obstacles"][0]["command"] == "/retry"
    stack = read(api, f"{home}/stacks/ingress")
    assert {one["node"] for one in stack["nodes"]} >= {"AIOS", "HP_LAB"}
    orders = read(api, f"{home}/orders?node=AIOS")["orders"]
    assert {one["node"] for one in orders} == {"AIOS"}
    failed = next(one for one in orders if one["number"] == 9500)
    assert failed["stage"] == "bad"
    assert "entry point 8443 is in use" in failed["log"], "a machine's token may read logs"
    assert failed["report"]["services"]
    assert call(api, f"{home}/nodes/none").status_code == 404
    assert call(api, f"{home}/stacks/none").status_code == 404
    assert read(api, f"{home}/orders?node=none")["orders"] == []


def test_a_plan_says_what_each_service_will_get_and_belongs_to_its_fleet(api: Api) -> None:
    home = f"/api/v1/fleets/{FLEET}"
    first, second = read(api, f"{home}/plans")["plans"]
    assert (first["pull"], first["severity"], second["pull"], second["severity"]) == (44, "risky", 45, "info")
    assert first["summary"] == "3 services changed on 2 of 2 nodes, 1 risky"
    plan = read(api, first["url"])
    assert [one["node"] for one in plan["nodes"]] == ["AIOS", "PI"]
    ingress, secrets = plan["nodes"][0]["stacks"]
    assert [(one["service"], one["action"]) for one in ingress["services"]] == [
        ("traefik", "recreate"),
        ("whoami", "restart"),
        ("static", "none"),
    ]
    (risk,) = secrets["services"][0]["risks"]
    assert (risk["rule"], risk["why"]) == (
        "data.volume_dropped",
        "Its data stays on the node, but nothing reads it: the service starts without it.",
    )
    assert '+  "image": "vault:v3.2",' in secrets["services"][0]["diff"]
    assert call(api, f"/api/v1/fleets/{OTHER}/plans/{WAITING}").status_code == 404
    for wrong in (ATTACKED, "0" * 12, "x", WAITING.upper() + "A"):
        assert call(api, f"{home}/plans/{wrong}").status_code == 404, "another fleet's, or none"


def test_the_audit_trail_is_searched_by_words(api: Api) -> None:
    home = f"/api/v1/fleets/{FLEET}/audit"
    assert len(read(api, f"{home}?words=zEBRA")["records"]) == 3
    assert len(read(api, f"{home}?words=100%25_")["records"]) == 3
    assert read(api, f"{home}?words=100__")["records"] == [], "no wildcard"
    assert call(api, f"{home}?words=%00").status_code == 400
    assert {one["actor"] for one in read(api, f"{home}?words=zebra%20%3Cscript")["records"]} == {"anna"}


def test_a_delivery_is_told_with_its_jobs_on_this_fleet_alone(api: Api) -> None:
    first = read(api, f"/api/v1/fleets/{FLEET}/deliveries")["deliveries"][0]
    assert (first["guid"], first["event"], first["action"]) == ("d02", "push", "")
    assert [(job["kind"], job["state"]) for job in first["jobs"]] == [("fleet", "waiting")]


def test_tokens_are_made_listed_and_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOS_BOT_DATA", str(tmp_path))
    store = open_store(f"sqlite:///{tmp_path / 'aios-bot.sqlite3'}")
    run = CliRunner().invoke
    token = run(aios_bot, ["token", "add", FLEET, "--about", "a\x1b[31mboard"]).output.strip()
    assert TokenStore(store).find_fleet(token) == FLEET.lower()
    with store.reading() as connection:
        assert token not in str(connection.execute(sa.select(TOKENS)).all())
    listed = run(aios_bot, ["token", "list"]).output
    assert FLEET.lower() in listed
    assert "\x1b" not in listed
    assert token not in listed
    number = listed.split()[0]
    assert run(aios_bot, ["token", "revoke", number]).output == f"{number} revoked\n"
    assert TokenStore(store).find_fleet(token) is None
    assert "there is no token" in str(run(aios_bot, ["token", "revoke", number]).exception)
    old = TokenStore(store).add(FLEET, "", days=1)
    later = now_ms() + 86_400_000
    monkeypatch.setattr("bot.features.visitors.store.now_ms", lambda: later)
    assert TokenStore(store).find_fleet(old) is None
    store.close()


def test_a_workflows_job_reads_its_own_fleet(api: Api, tmp_path: Path) -> None:
    with EmbeddedGitHub(tmp_path) as hub:
        hub.start()
        for fleet in (FLEET, "acme/nothing"):
            hub.create_repository(fleet)
        home = "https://bot.example"
        guard = replace(make_guard(api.store), job_tokens=IdTokens(derive_issuer(f"{hub.url}/api/v3"), home))
        client = make_app(Inbox(api.store), None, guard=guard).test_client()

        def get(path: str, token: str) -> TestResponse:
            return client.get(path, headers={"Authorization": f"Bearer {token}"})

        own, other = hub.issue_id_token(FLEET, home), hub.issue_id_token("acme/nothing", home)
        assert [one["name"] for one in (get("/api/v1/fleets", own).json or {})["fleets"]] == [FLEET]
        assert get(f"/api/v1/fleets/{FLEET}/orders", own).status_code == 200
        assert get(f"/api/v1/fleets/{OTHER}", own).status_code == 404
        assert get(f"/api/v1/fleets/{FLEET}", other).status_code == 404
        assert get("/api/v1/fleets", hub.issue_id_token(FLEET, "https://other.example")).status_code == 401


def test_what_is_answered_is_what_the_description_says(api: Api) -> None:
    """schemathesis makes the requests, good and bad, from the description, and judges each answer.

    A third of them are about a fleet that is there, with its hostile names.
    """
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", api.client.application)
    schema.config.generation.update(with_security_parameters=False)  # every request has its token
    operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]  # raises if wrong
    answers: Counter[int] = Counter()
    most = -(-REQUESTS // (3 * len(operations)))
    for operation in operations:
        for mode, there in (
            (GenerationMode.POSITIVE, True),
            (GenerationMode.POSITIVE, False),
            (GenerationMode.NEGATIVE, False),
        ):
            left = most
            for _ in range(MOST_RUNS):  # hypothesis ends a run early when it has made all that it can think of
                left -= judge(operation, mode, api.tokens[HOSTILE], answers, there=there, most=left)
                if left <= 0:
                    break
    print(f"\n{answers.total()} requests to {len(operations)} operations: {dict(sorted(answers.items()))}")
    assert answers.total() >= REQUESTS
    assert answers[200] >= REQUESTS // 3
    assert max(answers) < 500


def judge(operation: Any, mode: GenerationMode, token: str, answers: Counter[int], *, there: bool, most: int) -> int:
    """Send at most `most` requests of this kind, and judge the answers; how many were sent."""
    sent = 0

    @settings(max_examples=most, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: schemathesis.Case[Any]) -> None:
        nonlocal sent
        sent += 1
        if there:
            case.path_parameters = {name: KNOWN[name] for name in case.path_parameters}
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
        answers[answer.status_code] += 1
        assert not there or answer.status_code == 200, "what is there is answered"

    one()
    return sent
