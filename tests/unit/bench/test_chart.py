"""The line chart: where its points are, and that any name may stand on it."""

from xml.etree import ElementTree

from bench.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*lines, promise=5.0, places=("100", "500", "1000")):
    return ElementTree.fromstring(line_chart("Alarms", places, lines, promise))


def points(chart):
    return [
        [tuple(map(float, p.split(","))) for p in line.get("points").split()] for line in chart.iter(f"{SVG}polyline")
    ]


def test_nothing_is_at_the_bottom_and_everything_at_the_top():
    ((left, middle, right),) = points(drawn(Line("a", [0, 50, 100])))
    assert (left[0], right[0]) == (LEFT, WIDTH - RIGHT)
    assert (left[1], right[1]) == (HEIGHT - BOTTOM, TOP)
    assert middle == ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)


def test_ours_is_drawn_thicker_than_the_others():
    chart = drawn(Line("a", [1, 2, 3]), Line("b", [1, 2, 3], ours=True))
    widths = [float(line.get("stroke-width")) for line in chart.iter(f"{SVG}polyline")]
    assert widths[1] > widths[0]


def test_a_name_with_signs_of_xml_is_shown_as_it_is():
    texts = [text.text for text in drawn(Line("a < b & c", [1, 2, 3])).iter(f"{SVG}text")]
    assert "a < b & c" in texts


def test_what_is_promised_is_written_below_the_names():
    assert "dashed: what is promised, 2.5%" in [t.text for t in drawn(promise=2.5).iter(f"{SVG}text")]
