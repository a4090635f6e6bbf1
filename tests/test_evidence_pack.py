"""The evidence pack: the same bytes again, and whatever is done to one is named by its check."""

import base64
import hashlib
import io
import json
import struct
import subprocess
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from assets.evidence import check, inventory, layout, manifest, pack, signature
from assets.evidence.check import MOVED, OK, SIGNATURE, UNCHECKED, WRONG, Report
from assets.evidence.collation import STRUCTURE
from assets.evidence.pack import ENVELOPE, MANIFEST, Evidence
from schemas.faults import InputError
from tests import packs

SEED, ALTERATIONS = 20261122, 1_000


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    """A zip tool that is made to write a name twice says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return packs.private_key(tmp_path / "key.pem")


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return packs.made(tmp_path / "run")


@pytest.fixture
def signed(tmp_path: Path, key: Path) -> Path:
    return packs.made(tmp_path / "signed", key)


def wrong(report: Report) -> dict[str, str]:
    return {item.name: item.told for item in report.items if item.result == WRONG}


def found(content: bytes, folder: Path) -> dict[str, str]:
    """What is wrong with a pack of these bytes."""
    (folder / "altered.zip").write_bytes(content)
    return wrong(check.checked(folder / "altered.zip"))


def changed(sound: Path, **members: bytes | None) -> bytes:
    """The pack with other members in place of some, written as tieout writes it."""
    kept = {**packs.contents(sound.read_bytes()), **{n.replace("__", "."): c for n, c in members.items()}}
    return packs.canonical({name: content for name, content in kept.items() if content is not None})


# What a pack is


def test_the_same_files_give_the_same_bytes(tmp_path: Path, key: Path) -> None:
    one, other = (packs.made(tmp_path / name, key) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_a_pack_holds_the_run_and_what_it_rests_on(sound: Path) -> None:
    members = packs.contents(sound.read_bytes())
    assert list(members) == [MANIFEST, *sorted([*packs.FILES, "config.json", "rules/causes.csv"])]
    assert {name: members[name] for name in packs.FILES} == packs.FILES


def test_the_csv_of_a_table_stays_outside_and_its_hash_is_told(tmp_path: Path) -> None:
    run = packs.made(tmp_path / "run", files={**packs.FILES, "tie_outs.csv": b"account_no\n"})
    members = packs.contents(run.read_bytes())
    assert "tie_outs.csv" not in members
    told = json.loads(members[MANIFEST])["predicate"]["beside"]
    assert [(each["name"], each["digest"]["sha256"]) for each in told] == [
        ("tie_outs.csv", hashlib.sha256(b"account_no\n").hexdigest())
    ]


def test_the_manifest_is_an_in_toto_statement_over_all_members(sound: Path) -> None:
    members = packs.contents(sound.read_bytes())
    told = json.loads(members.pop(MANIFEST))
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    hashes = {each["name"]: each["digest"]["sha256"] for each in told["subject"]}
    assert hashes == {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    assert packs.CLAIMS.items() <= told["predicate"].items()


def test_no_member_tells_of_the_machine_or_the_clock(sound: Path) -> None:
    with zipfile.ZipFile(sound) as packed:
        for info in packed.infolist():
            assert (info.date_time, info.create_system, info.extra) == ((1980, 1, 1, 0, 0, 0), 3, b"")
            assert (info.external_attr, info.compress_type) == (0o100644 << 16, zipfile.ZIP_STORED)


@pytest.mark.skipif(which("unzip") is None, reason="unzip isn't installed")
def test_unzip_finds_nothing_wrong(sound: Path) -> None:
    tested = subprocess.run(["unzip", "-tq", str(sound)], capture_output=True, text=True, check=False)
    assert (tested.returncode, tested.stderr) == (0, "")


def test_a_pack_as_large_as_any_is_a_zip_that_others_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From 4 GiB on sizes stand in other fields; here from 100 bytes on, so that the test stays small."""
    monkeypatch.setattr(layout, "FULL", 100)
    large = packs.made(tmp_path / "large")
    with zipfile.ZipFile(large) as packed:
        assert packed.testzip() is None
        assert {name: packed.read(name) for name in packs.FILES} == packs.FILES
    assert b"PK\x06\x06" in large.read_bytes()
    assert wrong(check.checked(large)) == {}


def test_more_members_than_fit_the_short_field(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(layout, "FULL_COUNT", 3)
    many = packs.made(tmp_path / "many").read_bytes()
    count, size, position = struct.unpack("<3Q", many[many.index(b"PK\x06\x06") + 32 :][:24])
    assert (count, position + size) == (len(packs.FILES) + 3, many.index(b"PK\x06\x06"))


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a//b", "c:x", "a\\b", "a/./b", "a\x1b[2J", "dot."])
def test_a_name_that_leads_elsewhere_is_never_packed(name: str) -> None:
    with pytest.raises(InputError, match="can't be a name in an evidence pack"):
        pack.measured(name, b"")


def test_a_file_that_changes_while_it_is_packed_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"one")
    member = pack.measured("log.txt", tmp_path / "log.txt")
    (tmp_path / "log.txt").write_bytes(b"two")
    with pytest.raises(InputError, match=r"log\.txt: changed while it was packed"):
        list(pack.laid_out({"log.txt": tmp_path / "log.txt"}, [member]))


# What the check says


def test_a_sound_pack_has_an_answer_for_every_member(sound: Path) -> None:
    report = check.checked(sound)
    answers = {item.name: item.result for item in report.items}
    assert answers.pop(SIGNATURE) == UNCHECKED
    assert answers == dict.fromkeys(packs.contents(sound.read_bytes()), OK)
    assert report.sha256 == hashlib.sha256(sound.read_bytes()).hexdigest()


def test_every_one_of_a_thousand_alterations_is_named(signed: Path, tmp_path: Path) -> None:
    unnamed = []
    for altered in packs.alterations(signed.read_bytes(), SEED, ALTERATIONS):
        names = found(altered.content, tmp_path)
        if not names or (altered.named and altered.named not in names):
            unnamed.append((altered.done, altered.named, names))
    assert unnamed == []


def test_a_flipped_bit_is_named_with_its_place(sound: Path, tmp_path: Path) -> None:
    content = bytearray(sound.read_bytes())
    place = content.index(b"differences.parquet", content.index(b"PK\x01\x02")) - 6  # its rights
    content[place] ^= 1
    told = {"differences.parquet": f"its directory entry was altered, at byte {place} of the file"}
    assert found(bytes(content), tmp_path) == told


def test_an_altered_member_is_named_and_no_other(sound: Path, tmp_path: Path) -> None:
    altered = found(
        changed(sound, summary__json=packs.FILES["summary.json"].replace(b"0.00", b"9.99")), tmp_path
    )
    assert list(altered) == ["summary.json"]
    assert altered["summary.json"].startswith("its content was altered")


def test_a_member_that_is_gone_is_named(sound: Path, tmp_path: Path) -> None:
    assert found(changed(sound, summary__json=None), tmp_path)["summary.json"] == "is missing"


def test_a_member_that_was_added_is_named(sound: Path, tmp_path: Path) -> None:
    added = found(changed(sound, zzz__csv=b"1"), tmp_path)
    assert added["zzz.csv"] == "isn't in the manifest: added"


def test_members_that_changed_places_are_named(sound: Path, tmp_path: Path) -> None:
    one, other = "tie_outs.parquet", "differences.parquet"
    mixed = {one.replace(".", "__"): packs.FILES[other], other.replace(".", "__"): packs.FILES[one]}
    told = found(changed(sound, **mixed), tmp_path)
    assert told[one].startswith(f"holds the content of {other}")
    assert told[other].startswith(f"holds the content of {one}")


def test_a_member_under_another_name_is_named_with_both(sound: Path, tmp_path: Path) -> None:
    told = found(changed(sound, summary__json=None, other__json=packs.FILES["summary.json"]), tmp_path)
    assert told["summary.json"] == "is missing: renamed to 'other.json'"
    assert told["other.json"] == "isn't in the manifest: renamed from summary.json, or a copy of it"


def test_a_member_that_stands_there_twice_is_named(sound: Path, tmp_path: Path) -> None:
    content = io.BytesIO(sound.read_bytes())
    with zipfile.ZipFile(content, "a") as packed:
        packed.writestr("summary.json", packs.FILES["summary.json"])
    assert "stands there 2 times" in found(content.getvalue(), tmp_path)["summary.json"]


def test_another_order_of_the_members_is_named(sound: Path, tmp_path: Path) -> None:
    members = packs.contents(sound.read_bytes())
    members["config.json"] = members.pop("config.json")
    assert list(found(packs.canonical(members), tmp_path)) == [STRUCTURE]
    assert found(packs.canonical(members), tmp_path)[STRUCTURE].startswith(MOVED)


def test_a_file_that_was_cut_off_says_where_it_ends(sound: Path, tmp_path: Path) -> None:
    content = sound.read_bytes()
    place = content.index(b"PAR1" + bytes(reversed(range(200))))  # differences.parquet
    told = found(content[: place + 8], tmp_path)
    assert told["differences.parquet"].startswith("the file ends 200 bytes before the end of its content")
    assert told["tie_outs.parquet"].startswith("the file ends within its header")
    assert told["config.json"] == "the file ends within its directory entry"


def test_bytes_behind_the_end_are_named(sound: Path, tmp_path: Path) -> None:
    assert found(sound.read_bytes() + b"..", tmp_path) == {STRUCTURE: "2 bytes stand behind its end"}


def test_a_manifest_that_is_gone_or_damaged_is_named_and_nothing_else_is_believed(
    sound: Path, tmp_path: Path
) -> None:
    members = packs.contents(sound.read_bytes())
    without = packs.canonical({name: content for name, content in members.items() if name != MANIFEST})
    assert found(without, tmp_path)[MANIFEST].startswith("is missing")
    damaged = sound.read_bytes().replace(b'"subject"', b'"subjecT"', 1)
    assert found(damaged, tmp_path)[MANIFEST].startswith("its content was altered")
    results = {item.name: item.result for item in check.checked(tmp_path / "altered.zip").items}
    assert results.pop(MANIFEST) == WRONG
    assert set(results.values()) == {UNCHECKED}


def test_who_rewrites_the_manifest_too_is_not_found_without_a_signature(sound: Path, tmp_path: Path) -> None:
    """What an unsigned pack can't do, and says that it can't."""
    forged = packs.made(tmp_path / "forged", files={**packs.FILES, "summary.json": b"{}\n"})
    report = check.checked(forged)
    assert wrong(report) == {}
    assert "whoever rewrote the manifest as well" in next(i.told for i in report.items if i.name == SIGNATURE)
    assert report.sha256 != check.checked(sound).sha256


# Files that mean harm


def hostile(member: zipfile.ZipInfo, content: bytes, sound: Path) -> bytes:
    """The pack with one more member, as another tool writes it."""
    file = io.BytesIO(sound.read_bytes())
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr(member, content)
    return file.getvalue()


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "..\\x", "\x1b[2Jx"])
def test_a_name_that_leads_elsewhere_is_named_harmlessly(name: str, sound: Path, tmp_path: Path) -> None:
    told = found(hostile(zipfile.ZipInfo(name), b"x", sound), tmp_path)
    assert told[repr(name)] == "isn't in the manifest: added"


def test_a_link_is_named(sound: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    assert "is a link to another file" in found(hostile(link, b"/etc/passwd", sound), tmp_path)["link"]


def test_a_bomb_is_named_and_never_unpacked(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zipfile.ZipInfo("bomb.csv")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    packed = hostile(bomb, bytes(1 << 24), sound)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    assert len(packed) < 1 << 16
    assert "is compressed" in found(packed, tmp_path)["bomb.csv"]


def test_members_that_claim_more_than_the_file_has_are_not_read(sound: Path) -> None:
    whole = inventory.Entry("all", 0, sound.stat().st_size, 0, "")
    with sound.open("rb") as stream:
        assert inventory.digests(stream, [whole, whole._replace(name="again")]) == {}
        assert set(inventory.digests(stream, [whole])) == {"all"}


def test_a_directory_that_would_fill_the_memory_is_not_read(
    sound: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inventory, "LARGEST_DIRECTORY", 200)
    with sound.open("rb") as stream:
        assert inventory.entries(stream) == ()
    assert STRUCTURE in found(sound.read_bytes() + b"x", tmp_path)


BROKEN = {
    "isn't JSON": b"{",
    "isn't written as tieout writes it": b'{"a": 1,  "a": 2}',
    "isn't an in-toto statement": pack.as_text({"_type": "other"}),
    "names no members": pack.as_text(
        {"_type": pack.STATEMENT, "predicateType": pack.PREDICATE, "predicate": {}}
    ),
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_manifest_that_tieout_cannot_have_written_is_named(why: str, tmp_path: Path) -> None:
    assert why in found(packs.canonical({MANIFEST: BROKEN[why]}), tmp_path)[MANIFEST]


SUBJECT = {"name": "a", "digest": {"sha256": "0" * 64}, "annotations": {"size": 1, "crc32": "00000000"}}
NO_MEMBERS = (
    SUBJECT | {"name": "../a"},
    SUBJECT | {"name": 1},
    SUBJECT | {"annotations": {"size": 1 << 63, "crc32": "00000000"}},
    SUBJECT | {"annotations": {"size": 1, "crc32": "0"}},
    {},
    SUBJECT | {"digest": {"sha256": "x"}},
    SUBJECT | {"annotations": {"size": -1, "crc32": "00000000"}},
    SUBJECT | {"annotations": {"size": True, "crc32": "00000000"}},
    "a",
)


@pytest.mark.parametrize("subject", NO_MEMBERS, ids=repr)
def test_a_manifest_that_names_what_cannot_be_a_member_is_broken(subject: object) -> None:
    with pytest.raises(manifest.Broken, match="can't be one"):
        manifest.members({"subject": [subject], "predicate": {}})


def test_a_manifest_names_each_member_once_and_in_order() -> None:
    for names in (["a", "a"], ["b", "a"], [MANIFEST]):
        with pytest.raises(manifest.Broken, match="twice, or not in the order"):
            manifest.members({"subject": [SUBJECT | {"name": name} for name in names], "predicate": {}})


def test_a_pack_of_a_later_kind_asks_for_its_own_version(tmp_path: Path) -> None:
    told = {"_type": pack.STATEMENT, "predicateType": "urn:tieout:evidence-pack:v2"}
    with pytest.raises(InputError, match="evidence-pack:v2"):
        found(packs.canonical({MANIFEST: pack.as_text(told)}), tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip file at all", bytes(100)])
def test_what_is_no_pack_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not an evidence pack"):
        found(content, tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        check.checked(tmp_path / "none.zip")


# Who signed it


def answer(report: Report) -> tuple[str, str]:
    return next((item.result, item.told) for item in report.items if item.name == SIGNATURE)


def test_the_signature_of_the_key_is_good(signed: Path, key: Path) -> None:
    result, told = answer(check.checked(signed, packs.public_key(key)))
    assert result == OK
    assert told == f"signed with key {signature.key_id(signature.public_key(packs.public_key(key)))}"


def test_the_envelope_is_dsse_over_the_manifest(signed: Path) -> None:
    members = packs.contents(signed.read_bytes())
    told = json.loads(members[ENVELOPE])
    assert list(members)[-1] == ENVELOPE
    assert base64.b64decode(told["payload"]) == members[MANIFEST]
    assert told["payloadType"] == "application/vnd.in-toto+json"


def test_without_a_key_the_signature_is_told_and_not_checked(signed: Path) -> None:
    result, told = answer(check.checked(signed))
    assert (result, told.endswith("--public-key FILE checks it")) == (UNCHECKED, True)


def test_the_signature_of_another_key_is_named(signed: Path, tmp_path: Path) -> None:
    other = packs.public_key(packs.private_key(tmp_path / "other.pem"))
    result, told = answer(check.checked(signed, other))
    assert (result, told.startswith("signed with another key")) == (WRONG, True)


def test_a_pack_without_signature_is_named_when_there_has_to_be_one(sound: Path, key: Path) -> None:
    assert answer(check.checked(sound, packs.public_key(key))) == (WRONG, "the pack isn't signed")


def test_a_signature_that_was_taken_out_is_named_even_without_the_key(signed: Path, tmp_path: Path) -> None:
    told = found(changed(signed, **{ENVELOPE.replace(".", "__"): None}), tmp_path)
    assert told[ENVELOPE].startswith("is missing")


def test_who_rewrites_the_manifest_of_a_signed_pack_is_found(signed: Path, key: Path, tmp_path: Path) -> None:
    """The forger changes a figure, the manifest, and writes a signature as well as he can without the key."""
    members = packs.contents(signed.read_bytes())
    told = json.loads(members[MANIFEST])
    members["summary.json"] = b"{}\n"
    files = {name: content for name, content in members.items() if name not in {MANIFEST, ENVELOPE}}
    subjects = [pack.measured(name, content) for name, content in sorted(files.items())]
    forged = pack.manifest_text(subjects, told["predicate"])
    seal = signature.signature_in(members[ENVELOPE])
    members |= {MANIFEST: forged, ENVELOPE: signature.written(forged, told["predicate"]["signed_by"], seal)}
    (tmp_path / "forged.zip").write_bytes(packs.canonical(members))
    report = check.checked(tmp_path / "forged.zip", packs.public_key(key))
    assert list(wrong(report)) == [SIGNATURE]
    assert "didn't sign this manifest" in wrong(report)[SIGNATURE]


def test_a_key_that_others_can_read_signs_nothing(tmp_path: Path, key: Path) -> None:
    key.chmod(0o640)
    with pytest.raises(InputError, match="others can read this private key. Make it yours alone: chmod 600"):
        packs.made(tmp_path / "run", key)
    assert not (tmp_path / "run" / "evidence.zip").exists()


def test_a_key_with_a_password_takes_it_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = packs.private_key(tmp_path / "locked.pem", password=b"opening")
    with pytest.raises(InputError, match="put its password into the environment as TIEOUT_SIGN_PASSWORD"):
        signature.private_key(locked)
    monkeypatch.setenv(signature.PASSWORD, "opening")
    assert packs.made(tmp_path / "run", locked).exists()
    monkeypatch.setenv(signature.PASSWORD, "wrong")
    with pytest.raises(InputError, match="or its password is another"):
        signature.private_key(locked)


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path, key: Path) -> None:
    packs.no_key(tmp_path / "no.pem")
    for path, read in ((tmp_path / "no.pem", signature.private_key), (key, signature.public_key)):
        with pytest.raises(InputError, match="Make one: openssl"):
            read(path)
    with pytest.raises(InputError, match="can't be read"):
        signature.private_key(tmp_path / "none.pem")


def test_a_pack_of_nothing_but_claims_is_the_smallest(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    smallest = pack.write(Evidence({"company": ""}), tmp_path / "run")
    assert wrong(check.checked(smallest)) == {}
