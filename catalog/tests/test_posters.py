import re
from xml.etree import ElementTree

import pytest
from django.template import Context, Template
from django.urls import reverse

from catalog.models import Item
from catalog.motifs.styles import FLOORED, MOODS, PLAIN, STYLES
from catalog.posters import Poster, contrast, legible
from catalog.tests.factories import ItemFactory
from catalog.typesetting import COLUMN, SIZES, set_title, width_of

SVG = "{http://www.w3.org/2000/svg}"
TITLES = [
    "Air",
    "Bakemonogatari",
    "Yahari Ore no Seishun Love Comedy wa Machigatteiru.",
    "Maou Gakuin no Futekigousha: Shijou Saikyou no Maou no Shiso, Tensei shite Shison-tachi no Gakkou e",
    "進撃の巨人 失われた記憶をたどる長い長い物語の始まり",
    "x" * 255,
    "W W W W W W W W W W W W W W W W W W W W W W W W W W W",
    '</text><script>alert("&")</script>',
    "tab\tand \x07bell \x00 and \ufffe",
    "☆",
    "e\u0301" * 60,
]


def drawn(genres=(), name="Cowboy Bebop", anime_id=1, year=1998):
    return Poster(anime_id, name, "TV", year, tuple(genres), "1-a").svg()


@pytest.mark.parametrize("title", TITLES)
def test_any_title_makes_a_small_well_formed_picture(title):
    svg = drawn(["Romance"], title)
    root = ElementTree.fromstring(svg)  # noqa: S314  (our own text)
    assert len(svg.encode()) < 4_300
    assert root.attrib["viewBox"] == "0 0 400 600"
    assert not root.findall(f".//{SVG}script")


@pytest.mark.parametrize("genre", [*STYLES, "Unheard of"])
def test_every_genre_keeps_the_content_security_policy(genre):
    for anime_id in range(1, 40):
        svg = drawn([genre], anime_id=anime_id)
        ElementTree.fromstring(svg)  # noqa: S314
        assert len(svg.encode()) < 4_096, (genre, anime_id, len(svg))
        assert not re.search(
            r"style|<script|\bon\w+=|url\(|https?://(?!www\.w3\.org/2000/svg)|nan|inf", svg
        ), svg


def test_a_title_is_drawn_the_same_every_time():
    assert drawn(["Space"]) == drawn(["Space"])


def test_titles_differ_from_one_another():
    assert len({drawn(["Romance"], anime_id=i) for i in range(1, 51)}) == 50
    motifs = {re.sub(r"#\w{6}", "", drawn([genre]).split("font-family")[0]) for genre in STYLES}
    assert len(motifs) > 20


def test_the_order_of_genres_does_not_matter_and_the_telling_one_leads():
    assert STYLES["mecha"][1][0].__name__ == "mecha"
    leading = [
        drawn(["Comedy", "Mecha"], anime_id=i) == drawn(["Mecha", "Comedy"], anime_id=i) for i in range(9)
    ]
    # Poster.of sorts genres, but a poster made by hand need not be sorted either.
    assert all(leading)


def test_every_ink_is_legible_on_what_it_stands_on():
    moods = [*STYLES.values(), PLAIN]
    for mood, motifs in moods:
        for palette in MOODS[mood]:
            for motif in motifs:
                ground = palette.third if motif in FLOORED else palette.ground
                assert contrast(legible(palette.ink, ground), ground) >= 4.5, (mood, palette)


@pytest.mark.parametrize("title", TITLES)
def test_titles_fit_their_column(title):
    block = set_title(title)
    assert 1 <= len(block.lines) <= max(most for _, most in SIZES)
    assert all(width_of(line) * block.size <= COLUMN + 1 for line in block.lines)


def test_short_titles_are_large_and_long_ones_end_in_an_ellipsis():
    assert set_title("Air").size > set_title(TITLES[2]).size
    assert set_title("word " * 50).lines[-1].endswith("…")
    assert set_title("Vinland Saga").lines == ("Vinland", "Saga")
    assert "…" not in "".join(set_title(TITLES[2]).lines)


# The address


def url(item, version=None):
    return reverse("catalog:poster", args=[item.pk]) + (f"?v={version}" if version else "")


@pytest.mark.django_db
def test_it_works(client, django_assert_num_queries):
    item = ItemFactory(name="Tom & <Jerry>", genres=["Comedy", "Kids", "Slice of Life"])
    with django_assert_num_queries(1):
        response = client.get(url(item, item.poster_version))

    assert response.status_code == 200
    assert response["Content-Type"] == "image/svg+xml"
    assert "Tom &amp; &lt;Jerry&gt;" in response.text
    assert "TV · 2011" in response.text
    assert "immutable" in response["Cache-Control"]
    assert "max-age=31536000" in response["Cache-Control"]
    assert "Cookie" not in response.get("Vary", "")


@pytest.mark.django_db
def test_without_the_present_version_it_is_kept_briefly(client):
    item = ItemFactory()
    for response in (client.get(url(item)), client.get(url(item, "0-old"))):
        assert response.status_code == 200
        assert "immutable" not in response["Cache-Control"]
        assert "max-age=300" in response["Cache-Control"]


@pytest.mark.django_db
def test_the_etag_saves_the_picture(client):
    item = ItemFactory()
    etag = client.get(url(item))["ETag"]
    assert client.get(url(item), headers={"If-None-Match": etag}).status_code == 304

    item.name = "Another"
    item.save()
    assert client.get(url(item), headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("anime_id", ["404", "0", "99999999999999999999"])
def test_it_rejects_unknown_titles(client, anime_id):
    assert client.get(f"/poster/{anime_id}.svg").status_code == 404


@pytest.mark.django_db
def test_it_rejects_hidden_titles(client):
    assert client.get(url(ItemFactory(is_hidden=True))).status_code == 404


@pytest.mark.django_db
def test_the_template_tag_gives_the_address_that_lasts(client, django_assert_num_queries):
    item = Item.objects.get(pk=ItemFactory().pk)
    with django_assert_num_queries(0):
        address = Template("{% load posters %}{% poster_src item %}").render(Context({"item": item}))
    assert address == f"/poster/{item.pk}.svg?v={item.poster_version}"
    assert "immutable" in client.get(address)["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hosts", "shown"),
    [([], False), (["cdn.example.com"], True), (["https://cdn.example.com"], True), (["example.com"], False)],
)
def test_photos_come_from_allowed_hosts_only(settings, hosts, shown):
    settings.POSTER_HOSTS = hosts
    item = ItemFactory(poster_url="https://cdn.example.com/1.jpg")
    address = Template("{% load posters %}{% photo_src item %}").render(Context({"item": item}))
    assert address == (item.poster_url if shown else "")
