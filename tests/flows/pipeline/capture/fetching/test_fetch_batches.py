"""Batches: every site once, sites of one host together."""

from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.fetching.batches import cut
from flows.pipeline.capture.fetching.seeds import hosts_of
from flows.pipeline.capture.site import Site

HOSTS = st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=2)


@given(st.lists(HOSTS, max_size=30), st.integers(1, 8))
def test_sites_of_one_host_are_in_one_batch(given: list[list[str]], size: int) -> None:
    sites = [
        Site(name=f"s{n}", start_urls=tuple(f"https://{host}.example/" for host in hosts))
        for n, hosts in enumerate(given)
    ]
    batches = cut(sites, size)
    assert sorted(site.name for batch in batches for site in batch) == sorted(
        site.name for site in sites
    )
    homes: dict[str, set[int]] = {}
    for place, batch in enumerate(batches):
        for site in batch:
            for host in hosts_of(site):
                homes.setdefault(host, set()).add(place)
    assert all(len(places) == 1 for places in homes.values())


def test_a_batch_is_of_its_size_where_hosts_allow() -> None:
    sites = [Site(name=f"s{n}", start_urls=(f"https://h{n}.example/",)) for n in range(10)]
    assert [len(batch) for batch in cut(sites, 4)] == [4, 4, 2]
    one = [Site(name=f"s{n}", start_urls=("https://h.example/",)) for n in range(5)]
    assert [len(batch) for batch in cut(one, 2)] == [5]
