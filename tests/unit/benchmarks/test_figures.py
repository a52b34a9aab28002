"""The arithmetic between samples and what the report says."""

from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.exchanges import CONSTANT, VERIFY, Operation, Verifications
from tests.benchmarks.load_generator import Sample
from tests.benchmarks.measurement import Cell
from tests.benchmarks.memory import Memory
from tests.benchmarks.model import IN_TURN, PROCESSORS, Cost, Measured, Times, collision, model_lines, predict
from tests.benchmarks.plan import QUICK, Size
from tests.benchmarks.population import Population
from tests.benchmarks.processor_time import Used
from tests.benchmarks.programs import Server
from tests.benchmarks.targets import Found, targets

SERVER = Server(port=0, pid=0, log=Path())
OPERATION = Operation(VERIFY, "Keyhouse", QUICK.main.name, SERVER)


def sample(rate: float, server: float = 0.0, database: float = 0.0, **used: object) -> Sample:
    """Return a sample of 2 s, observed for 4 s in which that much processor time was used."""
    times = Used(4.0, server, database, 0.4, **used)  # type: ignore[arg-type]
    return Sample(2.0, array("d", [0.001] * int(2 * rate)), used=times)


def test_processor_time_of_a_request_is_use_by_rate():
    cell = Cell(OPERATION, 8, samples=[sample(100, 0.2), sample(300, 0.6)])

    assert cell.microseconds(lambda used: used.server) == pytest.approx(0.8 / (400 + 1200) * 1e6)
    assert cell.microseconds(lambda used: used.generator) == pytest.approx(0.8 / 1600 * 1e6)


def test_ratios_are_within_rounds_and_more_is_better():
    cell = Cell(OPERATION, 8, samples=[sample(100, 0.3, 0.1), sample(100, 0.5, 0.5)])
    other = Cell(OPERATION, 8, samples=[sample(200, 0.2), sample(50, 0.1)])

    assert cell.throughput_ratios(other) == pytest.approx([0.5, 2.0])
    # 1,000 µs and 2,500 µs a request, against 250 and 500.
    assert cell.processor_ratios(other) == pytest.approx([0.25, 0.2])


def test_cell_without_processor_time_has_no_ratio_of_it():
    plain = Cell(OPERATION, 8, samples=[Sample(1.0, array("d", [0.1]))])
    cell = Cell(OPERATION, 8, samples=[sample(100, 1.0)])

    assert plain.processor_ratios(cell) == cell.processor_ratios(plain) == []


def test_batch_size_and_log_of_a_call():
    cell = Cell(OPERATION, 8, samples=[sample(100, transactions=25, wal_bytes=40_000)])

    assert (cell.calls_a_transaction, cell.wal_bytes) == (16.0, 100.0)


def test_cost_goes_through_both_measurements():
    cost = Cost.through((1, 500.0), (32, 35.0))

    assert (cost.of_batch(1), cost.of_batch(32)) == pytest.approx((500.0, 32 * 35.0))
    assert (cost.batch, cost.call) == pytest.approx((480.0, 20.0))


@pytest.mark.parametrize(("small", "large"), [((1, 10.0), (8, 20.0)), ((8, 20.0), (8, 20.0)), ((1, 900.0), (2, 20.0))])
def test_cost_has_no_negative_part(small: tuple[float, float], large: tuple[float, float]):
    cost = Cost.through(small, large)

    assert cost.batch >= 0
    assert cost.call >= 0
    assert cost.of_batch(large[0]) == pytest.approx(large[0] * 20.0)


MEASURED = Measured(
    worker=Cost(320.0, 20.0),
    postgres=Cost(160.0, 15.0),
    generator=10.0,
    batch_size=32.0,
    committing=200.0,
    wal_bytes=1000.0,
    customers=10_000,
)


def test_collision_is_the_chance_of_a_common_customer():
    assert collision(32, 1, 10_000) == 0.0
    assert collision(1, 2, 10_000) == pytest.approx(1 / 10_000)
    assert collision(32, 2, 10_000) == pytest.approx(0.0974, abs=0.001)
    assert collision(32, 16, 10) == 1.0


# A batch of 32 takes the worker 960 µs, PostgreSQL 640 and the log 200; of 16, 640, 400 and 200.
@pytest.mark.parametrize(
    ("workers", "cores", "size", "limit", "rate", "at_most"),
    [
        (1, 16, 32, IN_TURN, 32 / 1800, 32 / 960),
        (1, 16, 16, IN_TURN, 16 / 1240, 16 / 640),
        (2, 16, 32, IN_TURN, 64 / (960 + 840 / (1 - 0.0974 / 2)), 64 / 960),
        (4, 2, 32, PROCESSORS, 64 / 1920, 64 / 1920),
    ],
)
def test_lower_limit_is_the_rate(workers: int, cores: int, size: float, limit: str, rate: float, at_most: float):
    prediction = predict(MEASURED, workers, cores, size, 10.0)

    assert prediction.limit == limit
    assert (prediction.rate, prediction.at_most) == pytest.approx((1e6 * rate, 1e6 * at_most), rel=1e-4)
    assert prediction.postgres_cores == pytest.approx(prediction.rate * (160 / size + 15) / 1e6)
    assert prediction.transactions == pytest.approx(prediction.rate / size)
    assert prediction.wal_megabytes == pytest.approx(prediction.rate / 1000)


def test_model_reads_its_input_from_the_cells():
    one = Cell(OPERATION, 1, samples=[sample(100, 0.4, 0.2, transactions=400)])
    waits = {"open": 0.5, "locked": 0.1, "committing": 0.2}
    crowd = Cell(OPERATION, 8, samples=[sample(1000, 0.8, 0.4, transactions=500, waits=waits)])

    measured = Measured.of(Found([one, crowd], QUICK))

    assert measured.batch_size == 8.0
    assert measured.worker.of_batch(8) == pytest.approx(8 * 200.0)
    assert measured.postgres.of_batch(1) == pytest.approx(500.0)
    # 125 batches a second, so half a one that is open on average is open for 4 ms.
    times = Times.of(crowd)
    assert (times.open, times.locked, times.committing) == pytest.approx((4000.0, 800.0, 1600.0))
    assert measured.committing == pytest.approx(1600.0)


def model_of(transactions_of_two_workers: int) -> list[str]:
    """Return the model's lines for cells of which one wrote in so many transactions."""
    one = Cell(OPERATION, 1, samples=[sample(100, 0.4, 0.2, transactions=400)])
    crowd = Cell(OPERATION, 8, samples=[sample(1000, 0.8, 0.4, transactions=500)])
    served = replace(OPERATION, served=replace(SERVER, workers=2))
    two = Cell(served, 8, samples=[sample(1500, 0.8, 0.4, transactions=transactions_of_two_workers)])
    return model_lines(Found([one, crowd, two], QUICK))


def test_model_says_what_saturates():
    lines = model_of(1500)

    assert [line.split(" | ")[:1] for line in lines if line.startswith("| 2 |")] == [["| 2"], ["| 2"]]
    assert lines[-1].startswith("On 16 cores, ")


def test_model_is_left_out_without_what_it_needs():
    crowd = Cell(OPERATION, 8, samples=[sample(1000, 0.8, 0.4, transactions=500)])

    assert model_lines(Found([crowd], QUICK)) == model_of(0) == []


def test_targets_without_their_cells_are_not_judged():
    constant = Operation(CONSTANT, "bare server", served=SERVER)
    cells = [Cell(OPERATION, 8, samples=[sample(50, 0.1)]), Cell(constant, 8, samples=[sample(100, 0.05)])]

    judged = targets(Found(cells, QUICK))

    assert [(target.bound, target.measured) for target in judged] == [(0.40, 0.5), (10.0, 1.0)]
    assert judged[0].processor == pytest.approx([0.25])


def test_memory_is_judged_by_its_end_and_its_height():
    memory = Memory(300.0, [100.0] * 4 + [120.0] * 4, 1_000)
    many = Memory(60.0, [100.0, 251.0, 240.0], 1_000_000)

    judged = targets(Found([], QUICK, memory, many))

    assert [(target.measured, target.is_met) for target in judged] == [(pytest.approx(1.2), False), (251.0, False)]


def test_every_key_has_its_own_question_and_answer():
    population = Population.of(Size(customers=100, keys=1000))
    asked = Verifications(population.service_key, population.keys, ["orders:read"])

    assert len(asked) == len(list(asked)) == 1000
    for key, exchange in zip(population.keys, asked, strict=True):
        head, _, body = exchange.request.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
        assert body.startswith(b'{"key":"%s",' % key.secret.encode())
        assert exchange.expected.endswith(b'"key_id":%d,"user_id":%d,' % (key.id, key.user_id))
    with pytest.raises(IndexError):
        asked[1000]


def test_customers_with_one_limit_are_others():
    population = Population.of(Size(customers=100, keys=1000))

    assert (len(population.customers_with_one_limit), len(population.keys_with_one_limit)) == (2, 20)
    assert not set(population.users) & set(population.customers_with_one_limit)
    assert {key.user_id for key in population.keys_with_one_limit} == set(population.customers_with_one_limit)
    assert not {key.id for key in population.keys} & {key.id for key in population.keys_with_one_limit}
