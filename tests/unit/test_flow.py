"""The flow table hangs together: what a group replies is a topic, what a topic carries is a fact."""

import pytest

from events import flow
from events.types import FACTS, AssetPreviewed, AssetVectorized


def test_a_picture_goes_from_the_store_to_the_index() -> None:
    path: list[str] = []
    topic = "storage.events"
    while groups := flow.groups_of(topic):
        path += groups[0].steps
        topic = groups[0].replies_to or ""
    assert path == ["ingest", "thumbnail", "embed", "moderate", "index"]
    assert topic == "assets.embedded"


def test_every_topic_in_the_flow_is_declared() -> None:
    named = {each.topic for each in flow.FLOW} | {each.replies_to for each in flow.FLOW if each.replies_to}
    assert named <= {topic.name for topic in flow.TOPICS}


def test_every_fact_is_in_one_topic_or_stays_inside_its_group() -> None:
    carried = [kind for topic in flow.TOPICS for kind in topic.carries]
    assert len(carried) == len(set(carried))
    assert set(FACTS.values()) - set(carried) == {AssetPreviewed, AssetVectorized}


def test_groups_have_names_of_their_own() -> None:
    assert len({each.name for each in flow.FLOW}) == len(flow.FLOW)


def test_names_find_their_entries() -> None:
    assert flow.group("reindex").steps == ("index",)
    assert flow.topic("assets.changed").dead_letters == "assets.changed.dlq"
    assert flow.groups_of("assets.embedded") == ()


def test_unknown_names_are_key_errors() -> None:
    with pytest.raises(KeyError):
        flow.group("recommend")
    with pytest.raises(KeyError):
        flow.topic("user.reaction")


def test_every_topic_has_six_partitions_and_dead_letters_beside_it() -> None:
    assert {topic.partitions for topic in flow.TOPICS} == {6}
    assert all(topic.dead_letters == f"{topic.name}.dlq" for topic in flow.TOPICS)
