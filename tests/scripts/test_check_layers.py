"""Each rule of scripts/check_layers.py, with an example that breaks it and one that does not."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import check_layers  # noqa: E402

GOOD_HEADER = "// What it is.\n#pragma once\n"


@pytest.fixture
def tree(tmp_path):
    """Writes files of a small project and returns what the script says about them."""

    def check(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return check_layers.check_tree(tmp_path)

    return check


def test_a_good_tree_has_no_problems(tree):
    assert not tree(
        src__base__str_dot_h=GOOD_HEADER,
        src__base__str_dot_c='#include "base/str.h"\n\n#include <string.h>\n',
        src__hub__hub_dot_c='#include "base/str.h"\n',
    )


def test_a_lower_layer_does_not_include_a_higher_one(tree):
    problems = tree(src__hub__hub_dot_h=GOOD_HEADER, src__http__a_dot_c='#include "hub/hub.h"\n')
    assert problems == ["src/http/a.c:1: http may not include from hub"]


def test_pure_folders_do_not_know_the_loop(tree):
    problems = tree(src__loop__loop_dot_h=GOOD_HEADER, src__mercure__a_dot_c='#include "loop/loop.h"\n')
    assert problems == ["src/mercure/a.c:1: mercure may not include from loop"]


def test_a_driver_knows_the_transport_but_no_other_driver(tree):
    problems = tree(
        src__transport__transport_dot_h=GOOD_HEADER,
        src__transport__local__local_dot_h=GOOD_HEADER,
        src__transport__bolt__a_dot_c='#include "transport/transport.h"\n#include "transport/local/local.h"\n',
    )
    assert problems == ["src/transport/bolt/a.c:2: transport/bolt may not include from transport/local"]


def test_the_hub_may_know_each_driver_but_the_transport_none(tree):
    problems = tree(
        src__transport__local__local_dot_h=GOOD_HEADER,
        src__hub__a_dot_c='#include "transport/local/local.h"\n',
        src__transport__a_dot_c='#include "transport/local/local.h"\n',
    )
    assert problems == ["src/transport/a.c:1: transport may not include from transport/local"]


def test_private_headers_stay_in_their_folder(tree):
    problems = tree(
        src__http__conn_priv_dot_h=GOOD_HEADER,
        src__http__conn_dot_c='#include "http/conn_priv.h"\n',
        src__hub__a_dot_c='#include "http/conn_priv.h"\n',
        tests__unit__http__test_conn_dot_c='#include "http/conn_priv.h"\n',
    )
    assert problems == ['src/hub/a.c:1: "http/conn_priv.h" is private to http']


@pytest.mark.parametrize(
    "header, folder",
    [
        ("uv.h", "hub"),
        ("llhttp.h", "hub"),
        ("openssl/evp.h", "hub"),
        ("unicode/uchar.h", "mercure"),
        ("jansson.h", "jwt"),
        ("yaml.h", "json"),
        ("lmdb.h", "transport/local"),
        ("cmocka.h", "base"),
        ("curl/curl.h", "hub"),
    ],
)
def test_a_third_party_header_is_included_only_where_it_is_listed(tree, header, folder):
    (problem,) = tree(**{f"src__{folder.replace('/', '__')}__a_dot_c": f"#include <{header}>\n"})
    assert f"<{header}>" in problem


def test_a_third_party_header_is_fine_at_its_place(tree):
    assert not tree(
        src__loop__a_dot_c="#include <uv.h>\n", src__transport__bolt__a_dot_c="#include <lmdb.h>\n"
    )


@pytest.mark.parametrize("header", ["str.h", "../base/str.h", "./str.h", "base/missing.h"])
def test_there_is_one_include_root(tree, header):
    (problem,) = tree(src__base__str_dot_h=GOOD_HEADER, src__base__a_dot_c=f'#include "{header}"\n')
    assert "below src/" in problem


def test_tests_may_include_their_support_but_no_source_file(tree):
    problems = tree(
        tests__support__torture_dot_h=GOOD_HEADER,
        src__base__str_dot_c="\n",
        tests__unit__base__test_str_dot_c='#include "support/torture.h"\n#include "base/str.c"\n',
    )
    assert len(problems) == 1 and "source file" in problems[0]


def test_tests_may_include_a_header_beside_them(tree):
    assert not tree(
        tests__unit__conf__fixture_dot_h=GOOD_HEADER, tests__unit__conf__test_a_dot_c='#include "fixture.h"\n'
    )


def test_headers_begin_with_pragma_once(tree):
    (problem,) = tree(src__base__str_dot_h="#ifndef STR_H\n#define STR_H\n#endif\n")
    assert problem == "src/base/str.h:1: a header begins with #pragma once"


def test_the_own_header_comes_first(tree):
    (problem,) = tree(
        src__base__str_dot_h=GOOD_HEADER, src__base__str_dot_c='#include <string.h>\n#include "base/str.h"\n'
    )
    assert problem == 'src/base/str.c:1: "base/str.h" comes first'


def test_the_own_private_header_may_come_first_in_its_place(tree):
    assert not tree(
        src__base__str_dot_h=GOOD_HEADER,
        src__base__str_priv_dot_h='#pragma once\n#include "base/str.h"\n',
        src__base__str_dot_c='#include "base/str_priv.h"\n',
    )


@pytest.mark.parametrize(
    "call", "strcpy strcat sprintf strtok atoi strtol gets alloca localtime gmtime strerror".split()
)
def test_banned_calls_are_found(tree, call):
    (problem,) = tree(src__base__a_dot_c=f"void f(void)\n{{\n    {call}(x);\n}}\n")
    assert problem == f"src/base/a.c:3: {call} is banned"


def test_banned_words_in_comments_texts_and_longer_names_are_fine(tree):
    assert not tree(
        src__base__a_dot_c='// gets(x)\n/* strcpy(\n */\nint a = my_atoi(1);\nchar *s = "strcat(";\ngmtime_r(&t, &tm);\n'
    )


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_notes_need_the_number_of_an_issue(tree, word):
    (problem,) = tree(src__base__a_dot_c=f"// {word}: later\n// {word}(#12): said so\n")
    assert problem == f"src/base/a.c:1: {word} without the number of an issue"


def test_only_the_top_layers_log(tree):
    (problem,) = tree(
        src__base__log_dot_h=GOOD_HEADER,
        src__http__a_dot_c='#include "base/log.h"\n',
        src__hub__a_dot_c='#include "base/log.h"\n',
    )
    assert problem == "src/http/a.c:1: http does not log: it returns its errors"


def test_an_unknown_folder_needs_a_place_in_the_layers(tree):
    (problem,) = tree(src__helpers__a_dot_c="\n")
    assert "no place in the layers" in problem


def test_long_files_are_found(tree):
    (problem,) = tree(src__base__a_dot_c="int a;\n" * 801)
    assert "longer than 800 lines" in problem


def test_the_status_tells(tmp_path, capsys):
    (tmp_path / "src").mkdir()
    assert check_layers.main(["", str(tmp_path)]) == 0
    (tmp_path / "src" / "base").mkdir()
    (tmp_path / "src" / "base" / "a.c").write_text("// FIXME\n")
    assert check_layers.main(["", str(tmp_path)]) == 1
    assert "src/base/a.c:1" in capsys.readouterr().out
