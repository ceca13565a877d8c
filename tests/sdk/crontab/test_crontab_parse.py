from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sdk.crontab import Crontab, Entry, NotACrontab, decode, parse
from sdk.crontab.command import LONGEST, split_percent
from sdk.crontab.environment import MOST


def only(text: str, *, system: bool = False) -> Entry:
    crontab = parse(text, system=system)
    assert crontab.problems == ()
    [entry] = crontab.entries
    return entry


def reasons(crontab: Crontab) -> list[tuple[int, str]]:
    return [(problem.line, problem.field) for problem in crontab.problems]


def test_a_line_of_every_kind() -> None:
    crontab = parse(
        "# header\n"
        "\n"
        "SHELL=/bin/bash\n"
        "  # loads the prices\n"
        "#   of the night\n"
        "\t5  4 * *\tsun  load --all  \n"
        "@hourly beat\n"
    )
    load, beat = crontab.entries
    assert load.fields == ("5", "4", "*", "*", "sun")
    assert load.command == "load --all  "  # cron keeps trailing blanks
    assert (load.line, load.comment) == (6, "loads the prices of the night")
    assert dict(load.environment) == {"SHELL": "/bin/bash"}
    assert (beat.fields, beat.comment) == (("0", "*", "*", "*", "*"), "")
    assert crontab.problems == ()


def test_settings_apply_to_the_lines_below() -> None:
    crontab = parse("0 1 * * * a\nX=1\n0 1 * * * b\nX=2\nY=' z '\n0 1 * * * c\n")
    assert [dict(entry.environment) for entry in crontab.entries] == [
        {},
        {"X": "1"},
        {"X": "2", "Y": " z "},
    ]
    assert dict(crontab.settings) == {"X": 2, "Y": 5}


names = st.text(st.characters(categories=["Lu", "Ll"], codec="ascii"), min_size=1, max_size=8)
plain = st.text("abc $/:#%=\"' ", max_size=12)
blanks = st.text(" \t", max_size=3)


@given(names, plain, st.sampled_from(["", '"', "'"]), st.lists(blanks, min_size=4, max_size=4))
def test_a_setting_in_every_spelling(name: str, value: str, quote: str, gaps: list[str]) -> None:
    if quote:
        value = value.replace(quote, "")
    else:
        value = value.lstrip("\"' ").rstrip()
        if not value:
            return
    line = f"{gaps[0]}{name}{gaps[1]}={gaps[2]}{quote}{value}{quote}{gaps[3]}"
    entry = only(f"{line}\n0 0 * * * x")
    assert dict(entry.environment) == {name: value}


@pytest.mark.parametrize(
    "line", ["A=", "A = ", 'A="b', 'A="b" # why', "=b", "A='b'c", "A={{ prefect.variables.x }}"]
)
def test_a_setting_that_cron_would_not_read(line: str) -> None:
    crontab = parse(f"0 0 * * * x\n{line}\n0 1 * * * y")
    assert reasons(crontab) == [(2, "environment")]
    assert [entry.command for entry in crontab.entries] == ["x", "y"]
    assert dict(crontab.entries[1].environment) == {}


def test_an_equals_sign_in_a_command_is_no_setting() -> None:
    assert only("* * * * * A=b c").command == "A=b c"
    assert only("@daily A=b c").command == "A=b c"


def test_as_many_variables_as_cron_takes() -> None:
    lines = [f"V{number}=x" for number in range(MOST + 1)]
    crontab = parse("\n".join([*lines, "V0=y", "* * * * * a"]))
    assert reasons(crontab) == [(MOST + 1, "environment")]
    environment = crontab.entries[0].environment
    assert len(environment) == MOST
    assert environment["V0"] == "y"


# The tokens say what each becomes: `\%` a percent sign, `%` the end of the command and then a
# newline, a backslash before anything else itself.
tokens = st.lists(st.sampled_from(["a", " b", "\\%", "%", "\\n", "é", "'"]), max_size=12)


@given(tokens)
def test_the_percent_rule(parts: list[str]) -> None:
    command: list[str] = []
    stdin: list[str] | None = None
    for part in parts:
        if part == "%":
            if stdin is None:
                stdin = []
            else:
                stdin.append("\n")
        else:
            (command if stdin is None else stdin).append("%" if part == "\\%" else part)
    text = "".join(stdin or [])
    if text and not text.endswith("\n"):
        text += "\n"
    assert split_percent("".join(parts)) == ("".join(command), text or None)


@pytest.mark.parametrize(
    ("text", "command", "stdin"),
    [
        # What C does with doubled backslashes differs between the two halves.
        (r"a \\%b", "a \\\\", "b\n"),
        (r"a%b\\%c", "a", "b\\%c\n"),
        ("a%", "a", None),
        ("a%%", "a", "\n"),
        ("a%b\\", "a", "b\\\n"),
        ("a\\", "a\\", None),
        (r"date +\%F", "date +%F", None),
    ],
)
def test_the_percent_rule_at_its_edges(text: str, command: str, stdin: str | None) -> None:
    entry = only(f"* * * * * {text}")
    assert (entry.command, entry.stdin) == (command, stdin)


def test_users_of_a_system_crontab() -> None:
    text = "17 * * * * root  cd / && run-parts /etc/cron.hourly\n@daily www-data:web/low x %in\n"
    hourly, daily = parse(text, system=True).entries
    assert (hourly.user, hourly.command) == ("root", "cd / && run-parts /etc/cron.hourly")
    assert (daily.user, daily.command, daily.stdin) == ("www-data:web/low", "x ", "in\n")
    assert parse(text).entries[0].user is None


def test_a_users_crontab_read_as_a_system_one() -> None:
    crontab = parse("0 1 * * * /opt/load.sh --all\n0 1 * * * lonely\n", system=True)
    assert reasons(crontab) == [(1, "user"), (2, "command")]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("@reboot x", "time"),
        ("@once x", "time"),
        ("@Daily x", "time"),
        ("@every 5m x", "time"),
        ("@daily", "command"),
        ("@daily   ", "command"),
        ("0 1 * * *", "line"),
        ("0 1 * * *   ", "line"),
        ("* * *", "line"),
        ("0 0 1 * * * x", "command"),
        ("* * * * * %only input", "command"),
        ("* * * * * -q x", "command"),
        ("* * * * * docker ps --format '{{.Names}}'", "command"),
        ("* * * * * cat %{{ $HOME }}", "standard input"),
        ("* * * * * " + "x" * (LONGEST + 1), "command"),
    ],
)
def test_a_refused_line_says_why_and_costs_no_other(line: str, field: str) -> None:
    crontab = parse(f"0 0 * * * a\n{line}\n0 1 * * * b\n")
    [problem] = crontab.problems
    assert (problem.line, problem.field, problem.text) == (2, field, line)
    assert problem.reason
    assert problem.advice
    assert len(str(problem).splitlines()) == 2
    assert [entry.command for entry in crontab.entries] == ["a", "b"]


def test_a_command_as_long_as_the_kernel_takes() -> None:
    assert len(only("* * * * * " + "x" * LONGEST).command) == LONGEST


def test_braces_that_are_no_placeholder_pass() -> None:
    command = "awk '{{print $1}}' f; echo ${A} }}"
    assert only(f"* * * * * {command}").command == command


def test_a_dash_before_the_time_means_no_log() -> None:
    assert only("-*/5 * * * * x").fields == ("*/5", "*", "*", "*", "*")


@pytest.mark.parametrize(
    "above",
    [
        "# m h  dom mon dow   command\n",
        "# old\n#0 5 * * * old-job --x\n",
        "# far\n\n",
        "# a\nA=b\n",
    ],
)
def test_a_comment_that_tells_of_something_else(above: str) -> None:
    assert only(f"{above}0 0 * * * x").comment == ""


def test_windows_line_ends_a_mark_and_no_final_newline() -> None:
    data = b"\xef\xbb\xbfA=b\r\n# why\r\n0 1 * * * x %in\r\n@daily y"
    first, second = parse(decode(data)).entries
    assert dict(first.environment) == {"A": "b"}
    assert (first.command, first.stdin, first.comment) == ("x ", "in\n", "why")
    assert second.command == "y"


def test_only_a_newline_ends_a_line() -> None:
    assert only("* * * * * a\u2028b\x0bc\x85d\x1ce").command == "a\u2028b\x0bc\x85d\x1ce"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"0 1 * * * a\n0 2 * * * \xe9\n", "line 2 is not UTF-8 (byte 0xe9 at 22)"),
        ("0 1 * * * a\n".encode("utf-16"), "line 1 is not UTF-8"),
        (b"0 1 * * * a\n\n\x7fELF\0", "line 3 holds a NUL byte"),
    ],
)
def test_a_file_that_is_no_text(data: bytes, said: str) -> None:
    with pytest.raises(NotACrontab) as caught:
        decode(data)
    assert said in caught.value.problem
    assert caught.value.action


def test_a_file_of_another_kind() -> None:
    with pytest.raises(NotACrontab, match="no line looks like"):
        parse("Dear reader,\nthis text has more than six words in it.\n")
    with pytest.raises(NotACrontab, match="no line looks like"):
        parse("this one line has more words than six\n")
    assert parse("") == parse("\n# nothing\n\n")
    # One bad line of time is a crontab with a mistake in it.
    assert parse("@reboot x").problems
    assert parse("H/15 * * * * x").entries


characters = st.text("0159*,-/@#=% \t\r\"'\\abmonsun{}.\x1b\u202e", max_size=40)


@given(st.lists(characters, max_size=8), st.booleans())
@example(["'", '"', "-", "@", "=", "%", "\\"], False)
def test_every_line_is_accounted_for(lines: list[str], system: bool) -> None:
    good = "7 7 7 7 7 user good"
    crontab = parse("\n".join([*lines, good]), system=system)
    seen = {entry.line for entry in crontab.entries} | {p.line for p in crontab.problems}
    for number, line in enumerate(lines, start=1):
        bare = line.strip(" \t\r")
        if not bare.strip() or line.lstrip(" \t").startswith("#"):
            assert number not in seen
        elif number not in seen:
            assert "=" in line  # a setting
    assert crontab.entries[-1].command.endswith("good")


def test_the_same_settings_are_shared_by_the_lines_below() -> None:
    lines = ["A=1", *("* * * * * x" for _ in range(10_000))]
    crontab = parse("\n".join(lines))
    assert len({id(entry.environment) for entry in crontab.entries}) == 1
