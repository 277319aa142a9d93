"""Parts of the program are killed in the middle of their work; everything accepted arrives, in order, once."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from worker.commands.posting import Poster
from worker.embedded import EmbeddedStore

pytestmark = pytest.mark.journey

CRASHES = "{commerce-sync}:lane:brevo.contacts:crashes"


@pytest.fixture(scope="module")
def own(deploy: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    deployment = deploy(tmp_path_factory.mktemp("crashes"), delete="soft").await_ready()
    yield deployment
    assert deployment.stop() < 10


@pytest.fixture
def shop(own: Any, until: Any) -> Iterator[Any]:
    """Give a deployment whose parts may be killed; it shall be whole again and quiet after each journey."""
    yield own
    own.calm()
    until(lambda: own.part("worker") and own.part("web") and own.part("store"))
    own.await_idle()


def first_names(shop: Any, number: int) -> list[int]:
    """Give the versions of a customer that Brevo was told, in order."""
    bodies = [call["body"] or {} for call in shop.calls(f"shopify-{number}")]
    names = [body["attributes"]["FIRSTNAME"] for body in bodies if "FIRSTNAME" in body.get("attributes", {})]
    return [int(name.removeprefix("V")) for name in names]


def post_versions(shop: Any, customer: Any, people: int, versions: int, pause: float = 0.0) -> list[int]:
    numbers = [next(shop.numbers) for _ in range(people)]
    with Poster(f"http://127.0.0.1:{shop.port}") as poster:
        for version in range(versions):
            for number in numbers:
                body = customer(version, number, first_name=f"V{version}")
                assert shop.post("shopify", "customers/update", body, poster=poster) == 202
                time.sleep(pause)
    return numbers


def assert_arrived_in_order(shop: Any, numbers: list[int], versions: int) -> None:
    for number in numbers:
        told = first_names(shop, number)
        assert told == sorted(told)
        assert told[-1] == versions - 1
        assert shop.contact(f"shopify-{number}")["attributes"]["FIRSTNAME"] == f"V{versions - 1}"


def test_worker_killed_in_the_middle_loses_nothing_and_keeps_each_customers_order(shop: Any, customer: Any) -> None:
    shop.fault(delay=0.05, times=None)
    before = len(shop.letters())
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(post_versions, shop, customer, 20, 6, 0.01)
        time.sleep(0.5)
        shop.kill("worker")
        numbers = posting.result()
    shop.await_idle()

    assert_arrived_in_order(shop, numbers, 6)
    assert len(shop.letters()) == before


def test_store_killed_in_a_burst_loses_nothing_that_was_accepted(shop: Any, customer: Any, until: Any) -> None:
    people = [customer(1) for _ in range(400)]
    slowest: list[float] = []

    def post(share: list[Any]) -> list[int]:
        answers = []
        with Poster(f"http://127.0.0.1:{shop.port}") as poster:
            for body in share:
                began = time.monotonic()
                answers.append(shop.post("shopify", "customers/create", body, poster=poster))
                slowest.append(time.monotonic() - began)
        return answers

    with ThreadPoolExecutor(8) as pool:
        posting = [pool.submit(post, people[start::8]) for start in range(8)]
        until(lambda: len(slowest) > 60)
        shop.kill("store")
        answers = [answer for share in posting for answer in share.result()]

    assert set(answers) == {202}
    assert max(slowest) <= 2.5

    shop.await_idle()
    held = {contact["email"] for contact in shop.contacts()}

    assert [one["email"] for one in people if one["email"] not in held] == []


def test_full_store_is_drained_and_webhooks_wait_in_the_spool(shop: Any, customer: Any, until: Any) -> None:
    people = [customer(1) for _ in range(60)]
    shop.control("POST", "key", {"key": "another"})
    assert [shop.post("shopify", "customers/create", body) for body in people[:50]] == [202] * 50
    until(lambda: shop.lanes()[1].states["waiting"] >= 50 and not shop.lanes()[1].states["leased"])
    shop.store.config_set("maxmemory", shop.store.info("memory")["used_memory"] - 50_000)
    try:
        until(lambda: shop.ready()[0] == 503)
        assert [shop.post("shopify", "customers/create", body) for body in people[50:]] == [202] * 10
        shop.calm()
        until(lambda: not any(shop.lanes()[1].states.values()))
        assert shop.ready()[1]["spool"]["waiting"] == 10
    finally:
        shop.store.config_set("maxmemory", 0)
    shop.await_idle()

    assert all(shop.contact(body["email"]) for body in people)


def test_supervisor_that_is_killed_takes_its_parts_along_and_can_be_started_again(
    shop: Any, customer: Any, until: Any
) -> None:
    shop.fault(delay=0.3, times=None)
    numbers = post_versions(shop, customer, 20, 2)
    shop.restart()
    shop.calm()
    until(lambda: shop.part("worker") and shop.ready()[0] == 200)
    shop.await_idle()

    assert_arrived_in_order(shop, numbers, 2)


def test_worker_that_is_told_to_end_under_load_ends_in_time_and_loses_nothing(
    shop: Any, customer: Any, until: Any
) -> None:
    shop.fault(delay=1.0, times=None)
    numbers = post_versions(shop, customer, 30, 2)
    until(lambda: shop.lanes()[1].states["leased"])
    worker = shop.part("worker")
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    psutil.wait_procs([worker], timeout=12)
    took = time.monotonic() - began
    leased = shop.lanes()[1].states["leased"]

    assert took <= 10
    assert leased == 0  # calls in flight were waited for, the others handed back
    shop.calm()
    shop.await_idle()
    assert_arrived_in_order(shop, numbers, 2)
    assert shop.store.exists(CRASHES) == 0


def test_record_that_kills_its_worker_is_buried_and_its_neighbours_arrive(shop: Any, customer: Any, until: Any) -> None:
    killer = customer(1)
    shop.fault(email=killer["email"], delay=3.0, times=1000)

    def met() -> int:
        (fault,) = shop.control("GET", "faults")
        return 1000 - int(fault["times"])

    assert shop.post("shopify", "customers/create", killer) == 202
    neighbours = post_versions(shop, customer, 10, 1)
    for death in range(1, 4):
        until(lambda death=death: met() >= death)
        shop.kill("worker")
    until(lambda: shop.letters(f"customer:shopify:{killer['id']}"))
    (letter,) = shop.letters(f"customer:shopify:{killer['id']}")
    shop.await_idle()

    assert letter.reason == "poison"
    assert met() == 3
    assert_arrived_in_order(shop, neighbours, 1)


def test_worker_that_slept_through_its_lease_changes_nothing_when_it_wakes(shop: Any, customer: Any) -> None:
    shop.fault(delay=1.0, times=None)
    numbers = post_versions(shop, customer, 5, 1)
    worker = shop.part("worker")
    worker.suspend()
    time.sleep(4.5)
    shop.calm()
    post_versions_of(shop, customer, numbers, 1)
    worker.resume()
    shop.await_idle()

    assert_arrived_in_order(shop, numbers, 2)


def post_versions_of(shop: Any, customer: Any, numbers: list[int], version: int) -> None:
    for number in numbers:
        body = customer(version, number, first_name=f"V{version}")
        assert shop.post("shopify", "customers/update", body) == 202


def test_soft_deletion_blocklists_the_contact_and_takes_it_off_the_list(shop: Any, customer: Any) -> None:
    born = customer(1)
    shop.tell("shopify", "customers/create", born)
    shop.tell("shopify", "customers/delete", {"id": born["id"]})
    left = shop.contact(born["email"])

    assert (left["emailBlacklisted"], left["smsBlacklisted"], left["listIds"]) == (True, True, [])


def test_web_process_that_is_killed_is_back_and_loses_nothing_it_answered(shop: Any, customer: Any, until: Any) -> None:
    people = [customer(1) for _ in range(50)]
    for number, body in enumerate(people):
        if number == 25:
            shop.kill("web")
        until(lambda body=body: shop.post("shopify", "customers/create", body, delivery_id=f"w{body['id']}") == 202)
    shop.await_idle()

    assert all(shop.contact(body["email"]) for body in people)


def test_store_that_is_away_from_the_start_is_bridged_by_the_spool(
    deploy: Any, tmp_path: Path, until: Any, customer: Any
) -> None:
    store = EmbeddedStore(folder=tmp_path / "elsewhere")
    deployment = deploy(tmp_path, store_url=store.url)
    until(lambda: deployment.ready()[0] == 503)
    people = [customer(1) for _ in range(20)]
    began = time.monotonic()
    answers = [deployment.post("shopify", "customers/create", body) for body in people]

    assert answers == [202] * 20
    assert time.monotonic() - began < 20 * 2.5
    assert deployment.ready()[1]["spool"]["waiting"] == 20

    process = store.start()
    try:
        deployment.connect(store.url)
        deployment.await_idle()
        assert all(deployment.contact(body["email"]) for body in people)
    finally:
        took = deployment.stop()
        store.stop()
        if process:
            process.wait(timeout=10)
    assert took < 10
