"""What a take's page says of its matches with works: where they lie, how sure they are, and who may see which."""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from provenance.fingerprint.matching.segment import Box
from studio.references.matchlanes import MIN_WIDTH, WIDTH, match_lanes
from studio.references.matchwords import how_sure, once_in, sentences, sureness, take_box, work_box
from studio.references.models import Match, Work
from studio.references.services import get_or_create_bank, share_bank, withdraw_share, withdraw_work
from studio.references.takematches import UNSHARED, checked_against, standing_words
from studio.takes.models import Take
from studio.tenancy.models import Role, Studio
from tests.browser.matched_take import add_match, some_segment
from tests.studio import factories
from tests.studio.finished_take import PublishedTake

BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX = {"HTTP_HX_REQUEST": "true"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Studio:
    return factories.make_studio("north")


@pytest.fixture
def take(house: Studio) -> Take:
    return factories.make_take(factories.make_shot(house), factories.make_person(house))


@pytest.fixture
def work(house: Studio) -> Work:
    return factories.make_work(get_or_create_bank(house, "Known films"), "Big Film")


def signed_in(studio: Studio, role: Any = Role.ARTIST) -> Client:
    client = Client()
    client.force_login(factories.make_person(studio, role), backend=BACKEND)
    return client


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def take_page(client: Client, take: Take, **query: Any) -> str:
    return text_of(client.get(reverse("take", args=[take.pk]), query))


def match_part(client: Client, match: Match) -> str:
    return text_of(client.get(reverse("match", args=[match.pk]), **HTMX))


def a_match(method: str = "frames", start_s: float = 0.0, end_s: float = 1.0, **fields: Any) -> Match:
    values = {"work_start_s": 5.0, "work_end_s": 6.0, "speed": 1.0, "hits": 24, "mean_distance": 24.0}
    return Match(take_start_s=start_s, take_end_s=end_s, method=method, **{**values, **fields})


class TestLanes:
    def test_each_method_has_one_lane_to_the_scale_of_the_take(self) -> None:
        found = [a_match("sound", 2.0, 4.0), a_match("frames", 0.0, 5.0), a_match("frames", 5.0, 10.0)]
        pictures, sound = match_lanes(found, 10.0)
        assert (pictures.title, sound.title) == ("Whole pictures", "Sound")
        assert [(bar.x, bar.width) for bar in pictures.bars] == [(0.0, 500.0), (500.0, 500.0)]
        assert (sound.bars[0].x, sound.bars[0].width) == (200.0, 200.0)
        assert match_lanes([], 10.0) == []

    def test_what_is_found_at_the_same_moment_lies_in_rows_and_never_on_top(self) -> None:
        found = [a_match(start_s=number % 7 / 2, end_s=number % 7 / 2 + 2.0) for number in range(200)]
        (lane,) = match_lanes(found, 6.0)
        rows: dict[int, list[tuple[float, float]]] = {}
        for bar in lane.bars:
            rows.setdefault(bar.y, []).append((bar.x, bar.x + bar.width))
            assert bar.y < lane.height
        assert len(lane.bars) == 200
        for row in rows.values():
            assert all(end <= start for (_, end), (start, _) in pairwise(sorted(row)))

    def test_the_shortest_segment_can_be_hit_and_stays_on_the_lane(self) -> None:
        (lane,) = match_lanes([a_match(start_s=3599.99, end_s=3600.0)], 3600.0)
        assert (lane.bars[0].x, lane.bars[0].width) == (WIDTH - MIN_WIDTH, MIN_WIDTH)


class TestWords:
    def test_a_producer_reads_what_is_shown_where_and_how_sure_that_is(self, take: Take, work: Work) -> None:
        match = add_match(take, work, some_segment(12.0, 18.5, is_mirrored=True))
        match.probability = 1 / 40_000
        assert sentences(match, "“Big Film” (Known films)") == [
            "12.0 to 18.5 s of this take show 3.0 to 11.1 s of “Big Film” (Known films), mirrored, "
            "at 1.25 times the speed.",
            "24 of the 256 bits that stand for a picture differ on average; of unrelated pictures about 128 do.",
            "What moves, moves alike (0.83 of 1).",
            "A clip that is no copy would look this alike once in 40,000 comparisons.",
        ]

    def test_a_part_of_the_picture_is_said_to_be_one(self, take: Take, work: Work) -> None:
        boxes = {"query_box": Box(0.5, 0.0, 1.0, 0.5), "reference_box": Box(0.0, 0.0, 1.0, 0.9)}
        match = add_match(take, work, some_segment(method="features", speed=1.0, **boxes))
        assert ", in 25% of this take's picture and 90% of the work's." in sentences(match, "it")[0]

    def test_stills_are_not_said_to_prove_a_copy(self, take: Take, work: Work) -> None:
        match = add_match(take, work, some_segment(0.0, 3.0, motion=None, mean_distance=4.0))
        said = sentences(match, "it")
        assert "Too little moves to compare the movement." in said
        assert said[-1].startswith("Still pictures cannot prove a copy")

    def test_sound_is_told_in_its_own_terms(self, take: Take, work: Work) -> None:
        heard = some_segment(
            method="sound", mean_distance=0.12, motion=None, frames=0, false_match=1e-5, evidence=()
        )
        match = add_match(take, work, heard)
        said = " ".join(sentences(match, "it"))
        assert "sound like" in said
        assert "12% differ; of unrelated sounds 49% do" in said
        assert "agree this well once in 100,000 comparisons" in said
        assert "256" not in said

    @pytest.mark.parametrize(
        ("probability", "words"),
        [
            (1e-3, "once in 1,000 comparisons"),
            (1e-6, "once in a million comparisons"),
            (0.0, "less than once in a quintillion comparisons"),
        ],
    )
    def test_chance_is_told_as_how_often(self, probability: float, words: str) -> None:
        assert once_in(probability) == words

    def test_what_says_nothing_is_not_given_a_figure(self) -> None:
        assert how_sure(a_match(probability=1.0)) == "Clips that are no copies often look this alike."

    @pytest.mark.parametrize(
        ("probability", "least", "most"),
        [
            (1.0, 0, 0),
            (0.01, 1, 333),
            (1e-3, 333, 334),
            (1e-5, 334, 666),
            (1e-6, 666, 667),
            (0.0, 1000, 1000),
        ],
    )
    def test_the_scale_puts_each_outcome_into_its_third(
        self, probability: float, least: float, most: float
    ) -> None:
        thresholds = {"review_at": 1e-3, "block_at": 1e-6}
        assert least <= (sureness(a_match(probability=probability, thresholds=thresholds)) or 0.0) <= most

    @pytest.mark.parametrize("is_retroactive", [False, True])
    def test_boxes_of_mirrored_matches_lie_where_each_picture_shows_it(
        self, take: Take, work: Work, is_retroactive: bool
    ) -> None:
        sides = {"query_box": Box(0.1, 0.2, 0.4, 0.8), "reference_box": Box(0.0, 0.0, 0.7, 1.0)}
        segment = some_segment(method="features", is_mirrored=True, **sides)
        match = add_match(take, work, segment, is_retroactive=is_retroactive)
        seen, shown = take_box(match), work_box(match)
        assert seen
        assert shown
        assert (seen.x, seen.width) == ((100.0, 300.0) if is_retroactive else (600.0, 300.0))
        assert (shown.x, shown.width) == ((300.0, 700.0) if is_retroactive else (0.0, 700.0))


class TestOneMatch:
    def test_it_is_shown_beside_the_take_with_its_times(self, house: Studio, take: Take, work: Work) -> None:
        factories.make_work_file(work, "proxy")
        match = add_match(take, work, some_segment(is_mirrored=True))
        page = match_part(signed_in(house), match)
        assert 'data-start="0.4000" data-end="1.4000" data-work-start="3.0000" data-work-end="4.2500"' in page
        assert 'data-speed="1.250000"' in page
        assert reverse("work-file", args=[work.files.get().pk]) in page
        assert "is-flipped" in page
        assert "5 pairs of pictures" in page
        assert f"version {match.calibration['version']}" in page
        assert "For review from 1 in 1,000 on" in page
        assert "<script" not in page
        assert " style=" not in page

    def test_without_a_film_it_says_why_there_is_none(self, house: Studio, take: Take, work: Work) -> None:
        match = add_match(take, work, some_segment())
        assert "No file of this work is kept, only its hashes." in match_part(signed_in(house), match)
        factories.make_work_file(work)
        page = match_part(signed_in(house), match)
        assert "<img" in page
        assert "No file of this work" not in page

    def test_opened_by_its_address_it_is_the_take_with_the_match_open(
        self, house: Studio, take: Take, work: Work
    ) -> None:
        match = add_match(take, work, some_segment(), outcome="block")
        client = signed_in(house)
        answer = client.get(reverse("match", args=[match.pk]))
        assert (answer.status_code, answer["Location"]) == (
            303,
            f"{reverse('take', args=[take.pk])}?match={match.pk}",
        )
        assert "of this take show" in take_page(client, take, match=match.pk)
        assert "of this take show" not in take_page(client, take, match="no such thing")

    def test_worked_out_again_it_is_the_same(self, house: Studio, take: Take, work: Work) -> None:
        match = add_match(take, work, some_segment())
        client, address = signed_in(house), reverse("match-replay", args=[match.pk])
        assert "The same again" in text_of(client.get(address, **HTMX))
        Match.objects.filter(pk=match.pk).update(probability=0.9)
        assert "Not the same" in text_of(client.get(address, **HTMX))
        Match.objects.filter(pk=match.pk).update(segment={})
        assert "Too little was kept" in text_of(client.get(address, **HTMX))

    def test_a_work_withdrawn_since_is_said_to_be(self, house: Studio, take: Take, work: Work) -> None:
        match = add_match(take, work, some_segment())
        withdraw_work(work, "Its licence ended.")
        assert "The work is withdrawn now: it matches nothing new." in match_part(signed_in(house), match)


class TestTakePage:
    def test_a_take_in_the_clear_says_what_it_was_checked_against(
        self, published: PublishedTake, work: Work
    ) -> None:
        client = signed_in(published.studio)
        assert "There were no reference works to check it against." in take_page(client, published.take)
        for number, bank in enumerate(("Films", "Trailers", "Trailers")):
            old = factories.make_work(get_or_create_bank(published.studio, bank), f"Film {number}")
            before = published.take.created_at - timedelta(days=1)
            Work.objects.filter(pk=old.pk).update(created_at=before)
        assert "Checked against 3 works in 2 banks; nothing matched." in take_page(client, published.take)
        factories.make_work(get_or_create_bank(published.studio, "Films"), "New film")
        assert "1 newer work is still to be compared." in take_page(client, published.take)

    def test_shared_works_count_from_when_they_were_shared(self, take: Take, house: Studio) -> None:
        owner = factories.make_studio("south")
        bank = get_or_create_bank(owner, "Theirs")
        theirs = factories.make_work(bank, "Their film")
        Work.objects.filter(pk=theirs.pk).update(
            created_at=take.created_at - timedelta(days=1), compared_at=take.created_at - timedelta(hours=1)
        )
        share_bank(bank, house.slug)
        assert checked_against(take).works == 0
        bank.shares.update(created_at=take.created_at - timedelta(hours=2))
        assert checked_against(take).works == 1

    @pytest.mark.parametrize(
        ("state", "word", "reason"),
        [
            (Take.State.BLOCKED, "Blocked", "more surely than the bank lets pass"),
            (Take.State.IN_REVIEW, "In review", "a person has to look at that"),
        ],
    )
    def test_a_held_back_take_says_so_everywhere_with_why_and_who_decides(
        self, published: PublishedTake, state: Any, word: str, reason: str
    ) -> None:
        Take.objects.filter(pk=published.take.pk).update(state=state)
        own = factories.make_work(get_or_create_bank(published.studio, "Films"))
        outcome = "block" if state == Take.State.BLOCKED else "review"
        add_match(published.take, own, some_segment(), outcome=outcome)
        client = signed_in(published.studio)
        page = take_page(client, published.take)
        assert f"{word}: one stretch of it matches a reference work" in page
        assert reason in page
        assert "A supervisor or a production manager decides." in page
        shot = text_of(client.get(reverse("shot", args=[published.shot.pk])))
        assert shot.count(f"</svg> {word}</span>") == 2

    def test_a_released_take_that_matches_a_later_work_says_so(self, take: Take, work: Work) -> None:
        match = add_match(take, work, some_segment(), outcome="review", is_retroactive=True)
        assert "Released before this was found" in standing_words(take, [match])
        assert standing_words(take, []) == ""

    def test_two_hundred_matches_of_long_titles_are_drawn_and_folded_away(
        self, published: PublishedTake
    ) -> None:
        title = "A very long <title> " * 14
        own = factories.make_work(get_or_create_bank(published.studio, "Films"), title[:300])
        one = add_match(published.take, own, some_segment(), outcome="review")
        Match.objects.bulk_create(
            Match(
                take=published.take,
                work=own,
                take_start_s=number / 100,
                take_end_s=number / 100 + 0.05,
                work_start_s=0.0,
                work_end_s=0.05,
                speed=1.0,
                hits=1,
                mean_distance=3.0,
                segment=one.segment,
            )
            for number in range(199)
        )
        page = take_page(signed_in(published.studio), published.take)
        assert page.count("data-match ") == 200
        assert page.count('tabindex="0"') == 1
        assert "A very long &lt;title&gt;" in page
        assert '<details class="fine segment-list">' in page


class TestWhoMaySee:
    def test_people_outside_of_the_studio_see_no_match(self, take: Take, work: Work) -> None:
        match = add_match(take, work, some_segment())
        stranger = signed_in(factories.make_studio("south"), Role.OPERATOR)
        assert stranger.get(reverse("match", args=[match.pk])).status_code == 404
        assert stranger.get(reverse("match-replay", args=[match.pk])).status_code == 404

    def test_a_shared_work_is_shown_until_its_bank_is_no_longer_shared(
        self, house: Studio, take: Take
    ) -> None:
        owner = factories.make_studio("south")
        bank = get_or_create_bank(owner, "Theirs")
        theirs = factories.make_work(bank, "Their film")
        proxy = factories.make_work_file(theirs, "proxy")
        share_bank(bank, house.slug)
        match = add_match(take, theirs, some_segment(), outcome="review")
        client = signed_in(house)
        page = match_part(client, match)
        assert "“Their film” (Theirs)" in page
        assert reverse("work-file", args=[proxy.pk]) in page
        withdraw_share(bank, house)
        page = match_part(client, match) + take_page(client, take)
        assert "Their film" not in page
        assert str(proxy.pk) not in page
        assert UNSHARED in page
        # The owner of the bank sees the work, but not whose takes show it.
        assert signed_in(owner).get(reverse("match", args=[match.pk])).status_code == 404
        assert str(take) not in text_of(signed_in(owner).get(reverse("work", args=[theirs.pk])))

    def test_a_works_page_leads_to_each_segment_of_the_readers_takes(
        self, house: Studio, take: Take, work: Work
    ) -> None:
        match = add_match(take, work, some_segment(is_mirrored=True), outcome="review", is_retroactive=True)
        page = text_of(signed_in(house).get(reverse("work", args=[work.pk])))
        assert f"{reverse('take', args=[take.pk])}?match={match.pk}" in page
        for part in ("0:00.4–0:01.4", "0:03.0–0:04.2", "Whole pictures", "mirrored", "found later", "1 in "):
            assert part in page
