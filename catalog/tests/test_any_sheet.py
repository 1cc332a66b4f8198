"""Whatever stands in an uploaded sheet of titles, it is read or refused in words."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog.models import Item
from catalog.reading import FileProblem
from catalog.sheets import TitleResource, TitlesCSV
from catalog.tests.factories import ItemFactory

COLUMNS = list(TitleResource._meta.fields)
CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "1", "2", "0", "-1", "9" * 30, "1e400", "nan", "TV", "yes", "'=1", "A, a", "²"]),
)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"'


class AnySheet(TestCase):
    @FEW
    @given(
        st.one_of(
            st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode(errors="replace"))
        )
    )
    def test_any_bytes(self, content):
        try:
            dataset = TitlesCSV().create_dataset(content)
        except FileProblem:
            return
        assert "anime_id" in dataset.headers

    @FEW
    @given(st.lists(st.lists(CELL, min_size=12, max_size=12), min_size=1, max_size=4))
    def test_any_cells(self, rows):
        ItemFactory(anime_id=1, name="Known")
        lines = [COLUMNS, *rows]
        content = "\n".join(",".join(map(quoted, line)) for line in lines).encode(errors="replace")
        try:
            dataset = TitlesCSV().create_dataset(content)
        except FileProblem:
            return
        result = TitleResource().import_data(dataset, dry_run=True)
        assert not result.has_errors(), [error.errors[0].traceback for error in result.error_rows]
        assert [item.name for item in Item.objects.all()] == ["Known"]
