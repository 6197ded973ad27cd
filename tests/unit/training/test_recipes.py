"""The recipes' torch parts on small pieces of the real data: they learn, they repeat themselves, they refuse."""

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from training.errors import BelowFloor, MissingData  # noqa: E402  # after the skip, as are the rest
from training.fashion_mnist import recipe as fashion  # noqa: E402
from training.fashion_mnist import splits as fashion_splits  # noqa: E402
from training.fashion_mnist.network import FashionNetwork, shift_and_mirror  # noqa: E402
from training.house_prices import read, splits  # noqa: E402
from training.house_prices import recipe as houses  # noqa: E402
from training.house_prices.network import HouseNetwork, neighbour_distance  # noqa: E402
from training.loop import FitSchedule, be_deterministic, fit  # noqa: E402


@pytest.fixture(autouse=True)
def _torch_as_it_was():
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def images():
    try:
        return fashion_splits()
    except MissingData as error:
        pytest.skip(str(error))


def line(seed):
    """A linear network fitted to y = 3x - 1 with some noise from the seed's order."""
    be_deterministic(seed)
    network = torch.nn.Linear(1, 1)
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    schedule = FitSchedule(epochs=60, batch_rows=16, peak_learning_rate=0.1, weight_decay=0.0, seed=seed)
    fit(network, [x], 3 * x - 1, torch.nn.functional.mse_loss, schedule)
    return network


def test_the_loop_fits_and_ends_in_evaluation_mode():
    network = line(1)
    assert network.weight.item() == pytest.approx(3, abs=0.05) and network.bias.item() == pytest.approx(-1, abs=0.05)
    assert not network.training


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    assert torch.equal(line(1).weight, line(1).weight)
    assert not torch.equal(line(1).weight, line(2).weight)


def test_shifting_keeps_the_size_and_moves_by_two_pixels_at_most():
    dot = torch.zeros(64, 1, 28, 28)
    dot[:, :, 14, 14] = 1
    moved = shift_and_mirror(dot, torch.Generator().manual_seed(3))
    assert moved.shape == dot.shape and moved.sum() == 64
    places = moved.nonzero()[:, 2:]
    assert (places - 14).abs().max() <= 3  # two pixels, and the mirror's centre lies between pixels 13 and 14
    assert len(places.unique(dim=0)) == 2  # mirrored or not


def test_calibration_finds_the_temperature_of_overconfident_logits(images):
    network = FashionNetwork().eval()
    truth = torch.randn(2000, 10, generator=torch.Generator().manual_seed(1)) * 2
    drawn = torch.distributions.Categorical(logits=truth)
    torch.manual_seed(1)
    labels = drawn.sample()
    network.forward = lambda _: (truth * 3 / network.temperature, truth)  # three times too sure
    fashion.calibrate(network, images.calibration._replace(labels=labels.numpy()))
    assert network.temperature.item() == pytest.approx(3, rel=0.1)


def test_a_network_that_learned_nothing_is_below_the_floor_and_not_written(images, tmp_path):
    small = images._replace(reference=images.reference.take(range(200)), held_out=images.held_out.take(range(200)))
    with pytest.raises(BelowFloor, match="fashion-mnist: accuracy on the test images is 0"):
        fashion.write(FashionNetwork().eval(), small, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_house_network_is_blind_to_the_order_of_rows_and_to_the_other_rows():
    sales = splits(read()).train.iloc[:300]
    be_deterministic(1)
    numbers, categories, prices = houses.tensors(sales)
    network = HouseNetwork(numbers, prices, torch.randn(8, 2), [7, 7, 5]).eval()
    with torch.no_grad():
        together = network(numbers, categories)
        alone = torch.cat([network(numbers[i : i + 1], categories[i : i + 1]) for i in range(20)])
    assert together.shape == (300,) and torch.allclose(together[:20], alone, rtol=1e-5)
    assert together.min() > 0


def test_an_untrained_member_says_about_the_typical_price():
    sales = splits(read()).train.iloc[:300]
    numbers, categories, prices = houses.tensors(sales)
    network = HouseNetwork(numbers, prices, torch.randn(8, 2), [7, 7, 5])
    assert network(numbers, categories).shape == (300, 8)
    assert 0.5 < network(numbers, categories).mean() / prices.mean() < 2


def test_the_width_of_a_basis_function_is_the_distance_to_its_neighbours():
    centres = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0], [0.0, 6.0]])
    assert neighbour_distance(centres, 2).tolist() == [1.5, 1.0, 1.5, 4.5]
