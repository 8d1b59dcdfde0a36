"""How large a request is and how long it may take, learned from earlier requests."""

from itertools import pairwise

from siaga.telemetry.pace import AIM, BASE, FIRST, LONGEST, MOST, Pace


def run(pace: Pace, lines_a_second: float, requests: int) -> list[int]:
    """Returns the sizes of requests to a server of that speed. Requests that exceed their time are not answered."""
    sizes = []
    for _ in range(requests):
        size = pace.lines
        seconds = size / lines_a_second
        sizes.append(size)
        if seconds > pace.allowed(size):
            pace.timed_out(size, pace.allowed(size))
        else:
            pace.took(size, seconds)
    return sizes


def test_a_quick_server_soon_gets_the_largest_requests() -> None:
    assert run(Pace(), 1e6, 7) == [1_000, 2_000, 4_000, 8_000, 16_000, 25_000, 25_000]


def test_a_server_of_any_speed_gets_requests_that_it_can_answer() -> None:
    for lines_a_second in (5, 30, 300, 3_000, 30_000):
        pace = Pace()
        run(pace, lines_a_second, 20)
        size = pace.lines
        assert size / lines_a_second <= 2 * AIM, lines_a_second
        assert size / lines_a_second <= pace.allowed(size) / 2, lines_a_second


def test_a_request_that_times_out_is_halved_and_grows_again() -> None:
    pace = Pace()
    for _ in range(4):
        pace.timed_out(pace.lines, 12)
    assert pace.lines == FIRST // 16
    sizes = run(pace, 1e6, 100)
    assert all(after in (before, min(MOST, 2 * before)) for before, after in pairwise(sizes))
    assert sizes[-1] == MOST


def test_a_size_that_always_times_out_is_tried_rarely() -> None:
    pace = Pace()
    tried = 0
    for _ in range(300):
        if pace.lines > 100:
            tried += 1
            pace.timed_out(pace.lines, 12)
        else:
            pace.took(pace.lines, 0.01)
    assert tried < 15
    assert pace.lines > 50


def test_a_server_that_hangs_is_asked_with_one_line_in_the_end() -> None:
    pace = Pace()
    for _ in range(20):
        pace.timed_out(pace.lines, pace.allowed(pace.lines))
    assert pace.lines == 1
    assert pace.allowed(1) <= LONGEST


def test_the_time_allowed_follows_the_size() -> None:
    pace = Pace()
    pace.took(1_000, 1.0)
    assert BASE < pace.allowed(100) < pace.allowed(1_000) < pace.allowed(5_000) <= LONGEST


def test_what_was_too_large_once_is_not_tried_again() -> None:
    pace = Pace()
    run(pace, 1e6, 6)
    pace.too_large(25_000)
    assert set(run(pace, 1e6, 5)) == {12_500}
    pace.timed_out(12_500, 10)
    assert max(run(pace, 1e6, 10)) == 12_500


def test_a_slower_request_of_another_thread_does_not_enlarge() -> None:
    pace = Pace()
    pace.timed_out(1_000, 12)
    pace.took(100, 0.1)
    assert pace.lines == 500
    pace.too_large(1)
    assert pace.lines == 1
