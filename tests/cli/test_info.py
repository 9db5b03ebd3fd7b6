import gzip
import json
import shutil


def test_info_says_what_is_in_a_file(shell, files):
    code, out, _ = shell("info", files["ct"])
    assert code == 0
    assert "CT" in out
    assert "green" in out


def test_info_for_machines(shell, files):
    code, out, _ = shell("info", files["ct"], "--json")
    assert code == 0
    (series,) = json.loads(out)["series"]
    assert series["modality"] == "CT"
    assert series["light"] == "green"


def test_024_what_is_no_image_is_counted(shell, files, tmp_path):
    shutil.copy(files["ct"], tmp_path)
    (tmp_path / "report.pdf").write_bytes(b"%PDF")
    code, out, _ = shell("info", tmp_path)
    assert code == 0
    assert "Beside these, 1 file is no image that can be read." in out
    counts = json.loads(shell("info", tmp_path, "--json")[1])
    assert (counts["ignored"], counts["damaged"]) == (1, 0)


def test_nothing_there_is_a_fault(shell, tmp_path):
    code, _, err = shell("info", tmp_path / "nowhere")
    assert code == 1
    assert "nowhere" in err


def test_a_folder_without_images_is_a_fault(shell, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    code, _, err = shell("info", tmp_path)
    assert code == 1
    assert "no image" in err


def test_version_and_help(shell):
    assert shell("--version")[1].strip() == "0.1.0"
    code, out, _ = shell("--help")
    assert code == 0
    assert "Not a medical device" in " ".join(out.split())


def test_a_file_that_breaks_off_is_red(shell, files, tmp_path):
    path = tmp_path / "cut.nii"
    whole = gzip.decompress(files["ct"].read_bytes())
    path.write_bytes(whole[: len(whole) // 2])
    (found,) = json.loads(shell("info", path, "--json")[1])["series"]
    assert found["light"] == "red"
    assert "shorter than its header says" in found["reason"]


def test_a_packed_file_that_breaks_off_is_red(shell, files, tmp_path):
    path = tmp_path / "cut.nii.gz"
    path.write_bytes(files["ct"].read_bytes()[:-1000])
    (found,) = json.loads(shell("info", path, "--json")[1])["series"]
    assert found["light"] == "red"
    assert "break off" in found["reason"]


def test_several_places_are_told_of_and_a_fault_of_one_hides_no_other(shell, files, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    places = [files["ct"], tmp_path / "notes.txt", tmp_path / "none", files["mr"]]
    code, out, err = shell("info", *places)
    assert code == 1
    assert out.count("green") == 2
    assert "notes.txt holds no image that can be read; none does not exist" in err
    code, out, _ = shell("info", files["ct"], files["mr"], "--json")
    assert code == 0
    assert [place["path"] for place in json.loads(out)["places"]] == [
        str(files["ct"]),
        str(files["mr"]),
    ]
